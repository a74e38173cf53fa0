"""Bytes over sockets, for the data plane: what the event loop offers for it too, at a lower price."""

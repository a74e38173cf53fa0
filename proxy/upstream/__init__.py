"""Outgoing: connections to upstreams, the idle ones kept for reuse, and probes."""

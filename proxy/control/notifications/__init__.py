"""Tells others about operations: documents and chat messages, sent beside everything that matters."""

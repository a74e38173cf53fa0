"""The worker: accepts clients, finds each request its upstream, and moves bytes between the two."""

"""Asks what else has to agree before a shift goes on: webhooks, and queries of Prometheus."""

"""``/metrics``: what the workers and the control plane have counted, in the words of Prometheus."""

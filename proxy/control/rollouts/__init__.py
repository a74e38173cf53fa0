"""Rolling deployments at work: batches are drained, updated, probed, let back gently, and watched."""

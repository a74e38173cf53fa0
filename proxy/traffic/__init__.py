"""Pure policy: what the traffic should do. No clock, socket, file or randomness in here."""

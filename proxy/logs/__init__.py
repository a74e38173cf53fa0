"""What the program tells its operator: one line an event, on standard error."""

"""What has to survive the program: the operators' will, the journal of who wanted it, and the operations."""

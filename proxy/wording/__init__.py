"""What changes, operations and receipts are called: the same words in the command and on the page."""

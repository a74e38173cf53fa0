"""The page at the admin address: HTML that is rendered here, and works without JavaScript."""

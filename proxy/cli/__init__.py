"""The command ``bluegreen``: verbs that talk to the admin API, and the ones that start something."""

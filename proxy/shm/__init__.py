"""Memory that the supervisor and the workers share: the board down, the meters up. Each has one writer."""

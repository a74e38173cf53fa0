"""The control plane: the supervisor's side. The controller is the only writer of the state; all else asks it."""

"""What an operation that goes on by itself may have to wait for."""

from __future__ import annotations

import enum


class Hindrance(enum.StrEnum):
    """Why an operation does not go on although it is not over."""

    OPERATOR = "operator"
    """Somebody paused it."""
    STEP = "step"
    """The step of a shift has no end of its own: it waits to be promoted."""
    APPROVAL = "approval"
    """A gate asks for somebody's approval: promote or resume."""
    JUDGE = "judge"
    """There is too little to tell whether the new color is worse."""
    HEALTH = "health"
    """The new color has no healthy upstream."""
    CAPACITY = "capacity"
    """Too few servers are in rotation to take another one out."""

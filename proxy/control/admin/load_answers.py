"""What the load of a service is answered with. Clients rely on the names of the fields."""

from __future__ import annotations

from proxy.control.admin.answering import AnswerModel

Numbers = list[float | None]
"""One for each look; null where it is not known."""


class Course(AnswerModel):
    """What one color did until each look, beginning with the one before."""

    requests: Numbers
    """Answered, per second."""
    errors: Numbers
    """Of these with 5xx, per second."""
    p50: Numbers
    """Seconds within which half of the requests of the last ten seconds were answered; null: there were none."""
    p95: Numbers
    """The same of 95 in 100."""
    p99: Numbers
    """The same of 99 in 100."""
    in_flight: Numbers
    """Requests and tunnels in flight at the look."""


class Courses(AnswerModel):
    """Both colors."""

    blue: Course
    green: Course


class LoadAnswer(AnswerModel):
    """How the load of a service went: the looks of the last minutes, the oldest first."""

    service: str
    now: float
    """The time of this front door's clock, for clients whose clock is another."""
    every: float
    """Seconds between two looks."""
    at: list[float]
    """When each look was."""
    colors: Courses

"""What a plan says about the traffic. Rates are requests a second, measured over the last half minute."""

from __future__ import annotations

from pydantic import ConfigDict

from proxy.control.admin.answering import AnswerModel
from proxy.traffic.model import Health
from proxy.traffic.spec import AdminState, Color


class _Known(AnswerModel):
    model_config = ConfigDict(from_attributes=True)


class UnfitAnswer(_Known):
    """An upstream that would take no requests."""

    address: str
    admin: AdminState
    health: Health
    ejected: bool


class CapacityAnswer(_Known):
    """The color that gains traffic, against what it would have to carry."""

    color: Color
    healthy: int
    """So many of its upstreams would take requests."""
    total: int
    healthy_weight: int
    total_weight: int
    per_upstream_now: float | None
    """For each healthy upstream; null: not known yet."""
    per_upstream_then: float | None
    times: float | None
    """What one of them would have, against what one of the live color's has now."""
    unhealthy: list[UnfitAnswer]


class DrainAnswer(_Known):
    """A color that would have to finish what it has."""

    color: Color
    requests: int
    """In flight now."""
    tunnels: int
    """Upgraded connections and event streams, which would have to move."""
    expected: float | None
    """Seconds in which 99 % of its requests have ended lately; null: not known."""
    timeout: float
    """Seconds after which requests would be cut."""
    tunnels_timeout: float


class BatchForecastAnswer(_Known):
    """One batch of a rolling deployment, as it would be."""

    number: int
    servers: list[str]
    serving: int
    """So many servers of the color serve meanwhile."""
    per_server: float | None
    """Requests a second for each of them; null: not known yet, or nobody is left."""
    times: float | None
    """That load against the one of now."""


class RolloutForecastAnswer(_Known):
    """What a rolling deployment would do. Times are seconds."""

    color: Color
    batches: list[BatchForecastAnswer]
    left_over: list[str]
    """Servers that would have to wait, for too few serve."""
    available: int
    """So many servers serve now."""
    min_available: int
    """So many have to at any time."""
    per_server_now: float | None
    """Requests a second for each that serves; null: not known yet."""
    drain_expected: float | None
    """In which 99 % of the color's requests have ended lately; null: not known."""
    drain_timeout: float
    """After which requests would be cut."""
    at_least: float
    """What slow start and watching take in all."""


class ForecastAnswer(_Known):
    """What a change would do to the traffic."""

    moves: float
    """Percent of the traffic that would have another color."""
    users: bool
    """Whether these are percent of users, who keep their color, and not of requests."""
    per_second: float | None
    """So many requests would go elsewhere; null: not known yet."""
    capacity: CapacityAnswer | None
    """null: no color gains."""
    drains: list[DrainAnswer]
    held_per_second: float | None
    """So many requests would be parked; null: none."""
    rollout: RolloutForecastAnswer | None
    """null: no rolling deployment would begin."""
    warnings: list[str]
    """What should be looked at first, in words."""


class ConflictAnswer(_Known):
    """A running operation that would have to end first."""

    id: str
    kind: str
    state: str
    by: str

"""What else has to agree before a shift goes on. Asking is done elsewhere; this is what there is to ask, and when."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Moment(enum.StrEnum):
    """When a gate is asked."""

    BEFORE_START = "before_start"
    BEFORE_INCREASE = "before_increase"
    """Before each step, the first one too."""
    BEFORE_PROMOTION = "before_promotion"
    """Before the last step."""
    AFTER = "after"
    """Told when all is over; its answer changes nothing."""
    ON_ROLLBACK = "on_rollback"
    """Told when the traffic goes back; its answer changes nothing."""

    @property
    def decides(self) -> bool:
        """Whether the answer decides how it goes on."""
        return self not in (Moment.AFTER, Moment.ON_ROLLBACK)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST that has to be answered with 2xx."""

    url: str
    at: tuple[Moment, ...]
    timeout: float = 10.0
    """Seconds for one try."""
    retries: int = 2
    """So many more tries after one without an answer, or with 5xx or 429."""


@dataclass(frozen=True, slots=True)
class PromQuery:
    """A query of Prometheus whose values all have to lie within bounds; no value at all is no."""

    url: str
    """Of the server, such as ``http://prometheus:9090``."""
    query: str
    at: tuple[Moment, ...]
    min: float | None = None
    max: float | None = None
    timeout: float = 10.0
    retries: int = 2


@dataclass(frozen=True, slots=True)
class Gates:
    """All gates of a shift."""

    webhooks: tuple[Webhook, ...] = ()
    queries: tuple[PromQuery, ...] = ()
    approvals: tuple[Moment, ...] = ()
    """Moments at which it waits until somebody promotes or resumes it."""

    def asked_at(self, moment: Moment) -> tuple[Webhook | PromQuery, ...]:
        """The gates that are asked at a moment; approvals are not among them."""
        gates: tuple[Webhook | PromQuery, ...] = (*self.webhooks, *self.queries)
        return tuple(gate for gate in gates if moment in gate.at)

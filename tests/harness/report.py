"""What a load saw, and the judgement of it: pure functions over samples and marks, all on one monotonic clock."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.harness.wire import Failure

TOLD = 5
"""How many examples of each class a report prints."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request and what became of it. Times are monotonic seconds; 0 is never."""

    id: str
    kind: str
    begun: float
    """Before anything was done for it, connecting included."""
    sent: float
    """Just before its first byte was sent."""
    answered: float
    """When the head of its answer had been read."""
    ended: float
    color: str | None = None
    name: str | None = None
    failure: Failure | None = None
    detail: str = ""
    reused: bool = False
    """Whether the connection had carried a request before."""
    closes: bool = False
    """Whether the answer announced the end of a connection that this client meant to keep."""

    def __str__(self) -> str:
        took = (self.ended - self.begun) * 1000
        where = "reused" if self.reused else "fresh"
        outcome = f"{self.failure.value}: {self.detail}" if self.failure else f"answered by {self.color}"
        return f"{self.kind} {self.id} begun {self.begun:.6f} took {took:.1f} ms ({where} connection, {outcome})"


@dataclass(frozen=True, slots=True)
class Switch:
    """Traffic was moved to ``color`` by a call begun at ``begun`` that answered at ``answered`` (``None``: never)."""

    color: str
    begun: float
    answered: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a load saw."""

    totals: dict[str, int]
    """Requests by kind, whatever became of them."""
    colors: dict[str, int]
    troubles: tuple[Sample, ...] = ()
    """Every request that did not go well."""
    stale: tuple[Sample, ...] = ()
    """Requests that a color answered which could not have been live at any time between question and answer."""
    judged: int = 0
    """How many requests could have been stale: exactly one color was right for them."""
    reopened: int = 0
    """Kept connections that the server had closed in between, seen before anything was sent on them."""
    announced: int = 0
    """Answers that announced the end of a connection that the client meant to keep."""
    seconds: float = 0.0
    duplicates: dict[str, int] = field(default_factory=dict)
    """POSTs delivered more than once; filled in from the upstreams' journals."""

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.totals.values())

    def of(self, failure: Failure) -> tuple[Sample, ...]:
        """The requests that failed in one way."""
        return tuple(sample for sample in self.troubles if sample.failure is failure)

    @property
    def failed(self) -> tuple[Sample, ...]:
        """All that failed, but for changed bodies and clean closes of idle connections, which are counted apart."""
        apart = {Failure.CHANGED, Failure.CLOSED_IDLE}
        return tuple(sample for sample in self.troubles if sample.failure not in apart)

    def breaches(self) -> list[str]:
        """What is not as it should be when nothing at all was meant to go wrong; empty if all is well."""
        counts = {
            "failed": len(self.failed),
            "changed": len(self.of(Failure.CHANGED)),
            "closed_idle": len(self.of(Failure.CLOSED_IDLE)),
            "stale": len(self.stale),
            "duplicates": len(self.duplicates),
        }
        return [f"{count} {name}" for name, count in counts.items() if count]

    def __str__(self) -> str:
        classes = Counter(sample.failure.value for sample in self.troubles if sample.failure)
        lines = [
            f"{self.total} requests in {self.seconds:.1f} s: {_counts(self.totals)}",
            f"answered by: {_counts(self.colors)}; {len(self.stale)} stale of {self.judged} judged",
            f"connections reopened {self.reopened}, their end announced {self.announced}",
            f"troubles: {_counts(classes) or 'none'}; {len(self.duplicates)} POSTs delivered more than once",
        ]
        for failure in sorted(classes):
            lines += [f"  {sample}" for sample in self.of(Failure(failure))[:TOLD]]
        lines += [f"  stale: {sample}" for sample in self.stale[:TOLD]]
        lines += [f"  delivered {count} times: {post}" for post, count in list(self.duplicates.items())[:TOLD]]
        return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


class Timeline:
    """Which colors could rightly have answered, by the switches that were made."""

    def __init__(self, first: str | None, switches: Iterable[Switch]) -> None:
        """``first`` is the live color before the first switch; ``None`` if nobody knows."""
        self._first = first
        self._switches: Sequence[Switch] = sorted(switches, key=lambda switch: switch.begun)
        self._begun = [switch.begun for switch in self._switches]

    def allowed(self, sent: float, answered: float) -> set[str] | None:
        """The colors that were live at some time in between; ``None`` if that cannot be known.

        A switch is sure once it has answered and possible as soon as it was begun; what came before a sure one is past.
        """
        colors: set[str | None] = set()
        for index in range(bisect.bisect_left(self._begun, answered) - 1, -1, -1):
            switch = self._switches[index]
            colors.add(switch.color)
            if switch.answered is not None and switch.answered <= sent:
                break
        else:
            colors.add(self._first)
        return None if None in colors else {color for color in colors if color}


def judge(
    samples: Iterable[Sample], *, timeline: Timeline, reopened: int = 0, seconds: float = 0.0, keep: int = 5000
) -> Report:
    """The report on a load. At most ``keep`` troubles are kept whole."""
    totals: Counter[str] = Counter()
    colors: Counter[str] = Counter()
    troubles: list[Sample] = []
    stale: list[Sample] = []
    judged = announced = 0
    for sample in samples:
        totals[sample.kind] += 1
        announced += sample.closes
        if sample.failure is not None and len(troubles) < keep:
            troubles.append(sample)
        if sample.color is None:
            continue
        colors[sample.color] += 1
        allowed = timeline.allowed(sample.sent, sample.answered)
        judged += allowed is not None and len(allowed) == 1
        if allowed is not None and sample.color not in allowed:
            stale.append(sample)
    return Report(dict(totals), dict(colors), tuple(troubles), tuple(stale), judged, reopened, announced, seconds)


def report_from_json(raw: dict[str, Any]) -> Report:
    """The report that :func:`dataclasses.asdict` and JSON made of one."""
    fields = dict(raw)
    for name in ("troubles", "stale"):
        fields[name] = tuple(
            Sample(**{**sample, "failure": Failure(sample["failure"]) if sample["failure"] else None})
            for sample in raw[name]
        )
    return Report(**fields)


def outside(samples: Iterable[Sample], windows: Iterable[tuple[float, float]]) -> tuple[Sample, ...]:
    """The samples that were under way at no time within any of the windows (from, to)."""
    spans = list(windows)
    return tuple(
        sample for sample in samples if not any(sample.begun <= end and sample.ended >= start for start, end in spans)
    )

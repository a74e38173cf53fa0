"""What a judge of a new color goes by, what it is shown, and what it says."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JudgeRule:
    """How much worse a new color may be than the old one. Shares are fractions of one, times seconds."""

    min_requests: int = 100
    """So many requests must the new color have answered before anything is said about it."""
    errors: float = 0.005
    """By so much may its share of 5xx, and its share of failed attempts, be higher."""
    latency: float = 1.5
    """So many times slower may it be, at the median and at p99."""
    max_errors: float | None = None
    """A share of 5xx that is too high whatever the old color does, unless it was so before."""
    max_latency: float | None = None
    """A p99 that is too long whatever the old color does, unless it was so before."""
    confidence: float = 0.999
    """How sure a judge has to be that a difference is no chance, over all looks together."""
    routes: tuple[str, ...] = ()
    """Path prefixes that are compared by themselves as well."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one color did in a stretch of time."""

    requests: int = 0
    """Answered, by whomever."""
    errors: int = 0
    """Of these, with 5xx."""
    failures: int = 0
    """Attempts that an upstream let down: refused, reset, timed out, broken off."""
    latency: tuple[int, ...] = ()
    """Answers by the time to their first byte: a count for each bucket, the last for what is beyond all bounds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What both colors did in the same stretch of time, ``route`` being the prefix, or ``""`` for everything."""

    old: Tally
    new: Tally
    route: str = ""


class Finding(enum.StrEnum):
    """What it comes to."""

    PASS = "pass"  # noqa: S105 - the linter takes it for a password
    """Had it been worse by more than is allowed, it would have shown by now."""
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says, in words too."""

    finding: Finding
    words: str
    requests: int = 0
    """So many requests of the new color it rests on."""
    needed: int | None = None
    """About so many more it takes to tell."""

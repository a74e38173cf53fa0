"""The state machine of a rolling deployment, as two tables: one for each server, one for the whole.

Whatever is not in a table cannot happen. The pictures in ``docs/rolling.md`` are drawn from them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Stage(enum.StrEnum):
    """How far a server is."""

    SERVING = "serving"
    """Its turn has not come."""
    CORDONED = "cordoned"
    """It is to get nothing new; some worker may not know yet."""
    DRAINING = "draining"
    """It gets nothing new, and finishes what it has."""
    UPDATING = "updating"
    """Nothing is in flight: it is being replaced."""
    PROBING = "probing"
    """It has to show that it is healthy."""
    WARMING = "warming"
    """It is back, with a weight that grows."""
    WATCHED = "watched"
    """It serves with its full weight, and is compared with those that are not updated."""
    DONE = "done"
    FAILED = "failed"


OUT: Final = frozenset({Stage.CORDONED, Stage.DRAINING, Stage.UPDATING, Stage.PROBING})
"""In these a server gets no new requests."""

BACK: Final = frozenset({Stage.WARMING, Stage.WATCHED})
"""In these it serves again, on trial."""

UNDER_WAY: Final = OUT | BACK
"""In these it belongs to the batch that is being worked on."""

TOUCHED: Final = UNDER_WAY - {Stage.CORDONED, Stage.DRAINING} | {Stage.DONE, Stage.FAILED}
"""In these it may run something else than before."""


class Event(enum.StrEnum):
    """What happens to a server."""

    TAKEN = "taken"
    """Its turn has come."""
    SEEN = "seen"
    """Every worker knows that it gets nothing new."""
    DRAINED = "drained"
    """Nothing is in flight there any more."""
    UPDATED = "updated"
    """The hook is through, or somebody says that it is ready."""
    HEALTHY = "healthy"
    """So many checks in a row were good, and its version is what it should be."""
    WARM = "warm"
    """It has its full weight again."""
    PASSED = "passed"
    """It was watched for long enough and nothing spoke against it."""
    BROKE = "broke"
    """The hook, the checks, a gate or the judge speak against it."""
    PUT_BACK = "put_back"
    """It was taken out but not touched, and is no longer wanted out."""
    RESTORE = "restore"
    """It is to become again what it was before."""


TURNS: Final[Mapping[tuple[Stage, Event], Stage]] = {
    (Stage.SERVING, Event.TAKEN): Stage.CORDONED,
    (Stage.CORDONED, Event.SEEN): Stage.DRAINING,
    (Stage.DRAINING, Event.DRAINED): Stage.UPDATING,
    (Stage.UPDATING, Event.UPDATED): Stage.PROBING,
    (Stage.PROBING, Event.HEALTHY): Stage.WARMING,
    (Stage.WARMING, Event.WARM): Stage.WATCHED,
    (Stage.WATCHED, Event.PASSED): Stage.DONE,
    (Stage.UPDATING, Event.BROKE): Stage.FAILED,
    (Stage.PROBING, Event.BROKE): Stage.FAILED,
    (Stage.WARMING, Event.BROKE): Stage.FAILED,
    (Stage.WATCHED, Event.BROKE): Stage.FAILED,
    (Stage.CORDONED, Event.PUT_BACK): Stage.SERVING,
    (Stage.DRAINING, Event.PUT_BACK): Stage.SERVING,
    (Stage.DONE, Event.RESTORE): Stage.SERVING,
    (Stage.FAILED, Event.RESTORE): Stage.SERVING,
}
"""A server's stage and what happens, and its next stage."""


class Course(enum.StrEnum):
    """Where a rolling deployment is heading."""

    ROLLING = "rolling"
    """On to the next batch."""
    ABORTING = "aborting"
    """The batch that was touched is finished, and then it ends."""
    RESTORING = "restoring"
    """Back: every server that was touched becomes what it was before."""
    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class Turning(enum.StrEnum):
    """What happens to a rolling deployment as a whole."""

    THROUGH = "through"
    """No server is left to do."""
    ABORT = "abort"
    """Somebody wants it to end."""
    STOP = "stop"
    """Something went wrong, and it is to stop there."""
    RESTORE = "restore"
    """Something went wrong, and what was done is to be undone."""


COURSES: Final[Mapping[tuple[Course, Turning], Course]] = {
    (Course.ROLLING, Turning.THROUGH): Course.SUCCEEDED,
    (Course.ROLLING, Turning.ABORT): Course.ABORTING,
    (Course.ROLLING, Turning.STOP): Course.FAILED,
    (Course.ROLLING, Turning.RESTORE): Course.RESTORING,
    (Course.ABORTING, Turning.THROUGH): Course.ABORTED,
    (Course.ABORTING, Turning.STOP): Course.FAILED,
    (Course.RESTORING, Turning.THROUGH): Course.ROLLED_BACK,
    (Course.RESTORING, Turning.ABORT): Course.ABORTING,
    (Course.RESTORING, Turning.STOP): Course.FAILED,
}
"""Where it is heading and what happens, and where it heads then. An end is an end: nothing leads on from there."""

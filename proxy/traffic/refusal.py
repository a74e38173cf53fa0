"""Why a command was refused: one exception with a code that machines can read and a sentence that people can."""

from __future__ import annotations

import enum


class RefusalCode(enum.StrEnum):
    """Stable names of the reasons, the same in the admin API, the command and the journal."""

    SERVICE_NOT_FOUND = "service_not_found"
    UPSTREAM_NOT_FOUND = "upstream_not_found"
    OPERATION_NOT_FOUND = "operation_not_found"
    OPERATION_ENDED = "operation_ended"
    OPERATION_RUNNING = "operation_running"
    NOT_ABORTABLE = "not_abortable"
    NOT_PAUSABLE = "not_pausable"
    STEPS_NOT_STEADY = "steps_not_steady"
    NEEDS_STICKY_COOKIE = "needs_sticky_cookie"
    COLOR_NOT_HEALTHY = "color_not_healthy"
    REVISION_MISMATCH = "revision_mismatch"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    DUPLICATE_UPSTREAM = "duplicate_upstream"
    LAST_UPSTREAM = "last_upstream"
    POOL_EMPTY = "pool_empty"
    NO_ROOM = "no_room"
    NOT_UPDATING = "not_updating"
    NO_WAY_BACK = "no_way_back"


class Refused(Exception):
    """A command that makes no sense in this state. The state is unchanged.

    ``facts`` are further machine-readable members of the answer, such as the running operation's id.
    """

    def __init__(self, code: RefusalCode, detail: str, **facts: str | int) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts

"""How the command ends, for scripts and pipelines."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Stable exit codes of every verb."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    """The admin API did not answer."""
    REFUSED = 4
    """The admin API said no: a conflict, a missing right, a color that is not healthy."""
    ROLLED_BACK = 5
    """The operation was undone, or a gate failed."""
    TIMED_OUT = 6
    """The operation goes on; only the waiting is over."""

"""How the command ends, for scripts and pipelines."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Stable exit codes of every verb."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """The command line or the config file makes no sense."""
    UNREACHABLE = 3
    """The admin API did not answer."""
    REFUSED = 4
    """The admin API said no: a conflict, a missing right, a color that is not healthy."""
    ROLLED_BACK = 5
    """The operation was undone, or a gate failed."""
    TIMED_OUT = 6
    """The operation goes on; only the waiting is over."""
    INTERRUPTED = 130
    """Ctrl-C: 128 and the number of the signal, as shells count."""
    NOBODY_READS = 141
    """Who reads the output is gone (``| head``), likewise."""
    TERMINATED = 143
    """TERM, likewise."""

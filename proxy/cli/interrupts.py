"""Ctrl-C and TERM end a command by an exception, wherever it is; here is the one place where Python loses it.

What is raised while an object is being finalised (HTTP responses are, all the time) is printed and forgotten: the
command would go on as if nobody had asked it to stop. So it is raised once more, a moment later.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

MOMENT = 0.001
"""Seconds until a lost exception is raised again, by when the finaliser has returned."""


def keep_interrupts() -> None:
    """From now on a KeyboardInterrupt or SystemExit that was raised by a signal's handler ends the command for sure."""
    sys.unraisablehook = _caught


def _caught(lost: sys.UnraisableHookArgs) -> None:
    error = lost.exc_value
    if not isinstance(error, KeyboardInterrupt | SystemExit):
        sys.__unraisablehook__(lost)
        return

    def again(*_: object) -> NoReturn:
        raise error

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, MOMENT)

"""Kills process groups when the process that started them is gone, even if it was killed without warning.

Runs beside the tests as ``python -m tests.harness.leash``. Reads ``watch GROUP`` and ``forget GROUP`` lines; the end of
its input means that the tests are over, because nobody else holds the other end of that pipe.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Keep the list of groups until the input ends, then kill what is left on it."""
    groups: set[int] = set()
    for line in sys.stdin:
        word, group = line.split()
        (groups.add if word == "watch" else groups.discard)(int(group))
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()

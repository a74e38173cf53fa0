"""``python -m proxy``: the command; or, with ``worker`` as its first word, one worker process.

A worker imports nothing of the command: that would cost it time at the start, and memory for as long as it lives.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run whichever is asked for."""
    if sys.argv[1:2] == ["worker"]:
        from proxy.dataplane.worker import main as work  # noqa: PLC0415 - see above

        sys.exit(work(sys.argv[2:]))
    from proxy.cli.main import main as command  # noqa: PLC0415 - see above

    command(prog_name="bluegreen")


if __name__ == "__main__":
    main()

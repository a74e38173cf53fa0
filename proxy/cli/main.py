"""The command ``bluegreen``. Each verb is a module of its own, imported when it is asked for, so that help is fast."""

from __future__ import annotations

import errno
import importlib
import io
import itertools
import os
import signal
import sys
from typing import NoReturn

import click

from proxy import __version__
from proxy.cli.exit_codes import ExitCode
from proxy.cli.interrupts import keep_interrupts
from proxy.cli.messages import print_json, say

VERBS = {
    "run": "proxy.cli.run",
    "check": "proxy.cli.check",
    "schema": "proxy.cli.schema",
    "demo": "proxy.cli.demo",
    "status": "proxy.cli.status",
    "switch": "proxy.cli.switch",
    "shift": "proxy.cli.shift",
    "roll": "proxy.cli.roll",
    "ready": "proxy.cli.ready",
    "pause": "proxy.cli.pause",
    "resume": "proxy.cli.resume",
    "promote": "proxy.cli.promote",
    "split": "proxy.cli.split",
    "hold": "proxy.cli.hold",
    "release": "proxy.cli.release",
    "maintenance": "proxy.cli.maintenance",
    "rollback": "proxy.cli.rollback",
    "abort": "proxy.cli.abort",
    "upstreams": "proxy.cli.upstreams",
    "history": "proxy.cli.history",
    "receipts": "proxy.cli.receipts",
    "completion": "proxy.cli.completion",
}
"""Where each verb is defined; every module calls it ``command``."""


class Verbs(click.Group):
    """The verbs in the order of a first day with them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, imported now; ``None`` if there is none."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb. Output that cannot be written ends it here: click would call it plainly failed."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            sys.exit(_unwritable(error))


@click.command(
    cls=Verbs,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "auto_envvar_prefix": "BLUEGREEN",
    },
)
@click.version_option(__version__, prog_name="bluegreen")
def bluegreen() -> None:
    """Move traffic between a blue and a green application without losing a request.

    \b
    Exit codes: 0 done, 1 failed, 2 usage or invalid config, 3 admin API not reachable,
    4 refused or conflict, 5 rolled back or gate failed, 6 wait timed out.
    """


def main(prog_name: str = "bluegreen") -> NoReturn:
    """Run the command that the process was started with, and end the process with its exit code."""
    keep_interrupts()
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character shows another
    sys.exit(_run(prog_name))


def _terminated(*_: object) -> NoReturn:
    """End by an exception, so that the terminal is left as it was found and started processes are ended."""
    sys.exit(ExitCode.TERMINATED)


def _run(prog_name: str) -> int:
    try:
        return bluegreen.main(prog_name=prog_name, standalone_mode=False) or ExitCode.DONE
    except click.ClickException as error:
        return _misused(error)
    except click.Abort:
        return ExitCode.INTERRUPTED


def _misused(error: click.ClickException) -> int:
    if _wants_json():
        print_json({"code": "usage", "detail": error.format_message()})
    error.show()
    return error.exit_code


def _wants_json() -> bool:
    """Whether JSON was asked for on a command line that could not be understood."""
    words = sys.argv[1:]
    asked = [after for before, after in itertools.pairwise(words) if before == "--output"]
    asked += [word.removeprefix("--output=") for word in words if word.startswith("--output=")]
    return (asked or [os.environ.get("BLUEGREEN_OUTPUT", "")])[-1] == "json"


def _unwritable(error: OSError) -> int:
    """Output that nobody reads, or that does not fit on the disk. What is still buffered must not fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:
        return ExitCode.NOBODY_READS
    say(str(error))
    return ExitCode.FAILED

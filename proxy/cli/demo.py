"""``bluegreen demo``: a front door to play with, or a show that ends by itself."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from proxy.cli.admin_client import AdminClient
from proxy.cli.exit_codes import ExitCode
from proxy.cli.operation import show_receipt
from proxy.cli.terminal import make_console, styled
from proxy.demo.load import Load, Tally
from proxy.demo.stage import Stage, StageError, running_stage

CLIENTS = 8
WARM_UP = 1.0
"""Seconds of load before the first switch and after each."""

HINTS = """
[bold]The front door is open.[/] Blue (v1) serves; green (v2) waits.

  curl localhost:{front}                                    who answers?
  {command} status
  {command} switch green --reason "my first switch"         all traffic, at one instant
  {command} rollback                                        and back
  {command} status --watch                                  leave this open while you switch
  curl localhost:{admin}/v1/services/default                the same over the admin API

Files are in {folder}; Ctrl-C ends everything.
"""


@click.command
@click.option("--once", is_flag=True, help="Run a load, switch, roll back, print the receipts, and end.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The front door's port.")
@click.option("--admin-port", type=click.IntRange(1, 65535), default=9000, show_default=True, help="The admin API's.")
def command(*, once: bool, port: int, admin_port: int) -> None:
    """Two blue and two green servers with a front door before them.

    With --once the ports are free ones, and the exit code is 1 if a single request failed.
    """
    console = make_console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.DONE))  # so that the stage is cleared as after Ctrl-C
    try:
        with running_stage(front=None if once else port, admin=None if once else admin_port) as stage:
            if once:
                sys.exit(_show(console, stage))
            _play(console, stage)
    except StageError as error:
        click.echo(f"bluegreen: {error}", err=True)
        sys.exit(ExitCode.FAILED)


def _play(console: Console, stage: Stage) -> None:
    command = "bluegreen" if stage.admin == 9000 else f"bluegreen --admin {stage.admin_address}"
    console.print(HINTS.format(front=stage.front, admin=stage.admin, command=command, folder=escape(str(stage.folder))))
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(ExitCode.FAILED if stage.door.wait() else ExitCode.DONE)


def _show(console: Console, stage: Stage) -> ExitCode:
    """Load, switch, roll back; every request counts."""
    admin = AdminClient(stage.admin_address, None)
    load = Load("127.0.0.1", stage.front, clients=CLIENTS)
    console.print(f"{CLIENTS} clients ask the front door; blue (v1) answers")
    load.start()
    time.sleep(WARM_UP)
    _move(console, admin, load, "switch", "green", {"to": "green", "reason": "the demo"})
    time.sleep(WARM_UP)
    _move(console, admin, load, "rollback", "blue", {"reason": "the demo"})
    time.sleep(WARM_UP)
    return _conclude(console, load.stop())


def _move(console: Console, admin: AdminClient, load: Load, verb: str, color: str, body: dict[str, Any]) -> None:
    load.switching()
    operation = admin.call("POST", f"/v1/services/default/{verb}", body).body
    load.switched(color)
    operation = admin.get(f"/v1/operations/{operation['id']}?wait=20s", timeout=40).body
    console.print(f"\n{verb} to", styled(color), styled(operation["state"]))
    show_receipt(console, operation["receipt"])


def _conclude(console: Console, tally: Tally) -> ExitCode:
    for example in tally.examples:
        console.print(f"failed: {example}", style="red")
    split = ", ".join(f"{color} {count}" for color, count in sorted(tally.by_color.items()))
    console.print(f"\n{tally.sent} requests ({split}), {tally.failed} failed, {tally.stale} stale")
    return ExitCode.FAILED if tally.failed or tally.stale else ExitCode.DONE

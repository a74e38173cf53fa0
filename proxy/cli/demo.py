"""``bluegreen demo``: a front door to play with, or a show that ends by itself."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.live import Live
from rich.table import Table
from rich.text import Text

from proxy.cli.admin_client import AdminClient, Problem, Unreachable
from proxy.cli.context import Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.messages import say
from proxy.cli.operation import RUNNING
from proxy.cli.progress import live_progress
from proxy.cli.receipt import show_operation
from proxy.cli.terminal import Page, styled
from proxy.demo.load import Load, Tally
from proxy.demo.stage import Stage, StageError, running_stage

FRONT_PORT = 8080
ADMIN_PORT = 9000

CLIENTS = 8
PAUSE = 1.0
"""Seconds of load before, between and after the moves."""

DRAIN = "20s"
"""How long a move may take to drain."""

HINTS = (
    ("curl localhost:{front}", "who answers?"),
    ("{command} status", "who serves, and how healthy everybody is"),
    ('{command} switch green --reason "try it"', "all traffic, at one instant"),
    ("{command} rollback", "and back"),
    ('curl "localhost:{front}/slow?seconds=10" &', "a slow request ..."),
    ("{command} switch green", "... is waited for"),
    ("{command} shift blue --over 1m", "little by little, watched"),
    ("{command} status --watch", "leave this open while you switch"),
    ("{command} history", "who did what, when and why"),
    ("curl localhost:{admin}/v1/services", "the admin API, which does all this"),
)
"""What to try, and what it shows."""


SHIFT = "5s"
"""How long the gradual move takes."""

SHIFT_PATIENCE = 30.0
"""Seconds after which it is given up."""

LOOK = "200ms"
"""From one look at it to the next."""


@click.command
@click.option("--once", is_flag=True, help="Run a load, switch, roll back, shift, print the receipts, and end.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help=f"The front door's port. [default: {FRONT_PORT}; with --once, a free one]",
)
@click.option(
    "--admin-port",
    type=click.IntRange(1, 65535),
    help=f"The admin API's. [default: {ADMIN_PORT}; with --once, a free one]",
)
def command(*, once: bool, port: int | None, admin_port: int | None) -> None:
    """Two blue and two green servers with a front door before them.

    With --once the exit code is 1 if a single request failed, or was answered by the wrong color after a switch.
    """
    if not once:
        port, admin_port = port or FRONT_PORT, admin_port or ADMIN_PORT
    try:
        with running_stage(front=port, admin=admin_port) as stage:
            if once:
                sys.exit(_show(Page(), stage))
            _play(stage)
    except (StageError, Unreachable, Problem) as error:
        say(str(error))
        sys.exit(ExitCode.FAILED)


def _play(stage: Stage) -> NoReturn:
    page = Page()
    page.show("The front door is open. Blue (v1) serves, green (v2) waits. In another terminal:\n")
    page.show(_hints(stage))
    page.show(f"\nConfig and logs are in {stage.folder}; Ctrl-C ends everything.")
    try:
        stage.door.wait()
    except KeyboardInterrupt:
        sys.exit(ExitCode.DONE)
    raise StageError(f"the front door has ended:\n{stage.log()}")


def _hints(stage: Stage) -> Table:
    """What to try, with a remark each, as wide as the terminal allows."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(style="dim")
    if stage.admin != ADMIN_PORT:
        table.add_row(f"  export BLUEGREEN_ADMIN=127.0.0.1:{stage.admin}", "so that the command finds it")
    for typed, remark in HINTS:
        command = typed.format(front=stage.front, admin=stage.admin, command=_typed_name())
        table.add_row(f"  {command}", remark)
    return table


def _typed_name() -> str:
    """What to type for this command where it is not on the PATH."""
    program = Path(sys.argv[0])
    if shutil.which("bluegreen"):
        return "bluegreen"
    return os.path.relpath(program) if program.name == "bluegreen" else "python -m proxy"


def _show(page: Page, stage: Stage) -> ExitCode:
    """Load, switch, roll back, shift; every request counts."""
    admin = AdminClient(f"127.0.0.1:{stage.admin}", None)
    load = Load("127.0.0.1", stage.front, clients=CLIENTS)
    page.show(f"{CLIENTS} clients ask the front door as fast as they are answered; blue (v1) serves.\n")
    load.start()
    with _ticker(page, load):
        time.sleep(PAUSE)
        drained = _move(page, admin, load, "switch", "green", {"to": "green", "reason": "demo"})
        time.sleep(PAUSE)
        drained &= _move(page, admin, load, "rollback", "blue", {"reason": "demo"})
        time.sleep(PAUSE)
        drained &= _shift(page, admin, load)
        time.sleep(PAUSE)
        tally = load.stop()
    return _conclude(page, tally, drained=drained)


def _ticker(page: Page, load: Load) -> AbstractContextManager[object]:
    """A line that counts while the load runs, where there is a terminal to show it on."""
    if not page.lively:
        return nullcontext()
    return Live(console=page, get_renderable=lambda: _counted(load.tally), refresh_per_second=8, transient=True)


def _move(page: Page, admin: AdminClient, load: Load, verb: str, color: str, body: dict[str, Any]) -> bool:
    """Move the traffic while the load runs; whether all of it drained."""
    load.switching()
    operation = admin.call("POST", f"/v1/services/default/{verb}", body).body
    load.switched(color)
    operation = admin.get(f"/v1/operations/{operation['id']}?wait={DRAIN}", timeout=60)
    show_operation(page, operation)
    page.show("")
    return bool(operation["state"] == "succeeded")


def _shift(page: Page, admin: AdminClient, load: Load) -> bool:
    """Move the traffic little by little, as the command does, with its progress; whether all of it drained."""
    load.switching()
    body = {"to": "green", "over": SHIFT, "reason": "demo"}
    operation = admin.call("POST", "/v1/services/default/shift", body).body
    deadline = time.monotonic() + SHIFT_PATIENCE
    with live_progress(Common(admin, None, None, "table")) as update:
        while operation["state"] in RUNNING and time.monotonic() < deadline:
            update(operation)
            operation = admin.get(f"/v1/operations/{operation['id']}?wait={LOOK}")
    load.switched("green")
    show_operation(page, operation)
    page.show("")
    return bool(operation["state"] == "succeeded")


def _conclude(page: Page, tally: Tally, *, drained: bool) -> ExitCode:
    for example in tally.examples:
        page.show(Text.assemble(styled("failed"), f": {example}"))
    page.show(_counted(tally))
    return ExitCode.DONE if drained and not tally.failed and not tally.stale else ExitCode.FAILED


def _counted(tally: Tally) -> Text:
    colors = ", ".join(f"{color} {count:,}" for color, count in sorted(tally.by_color.items()))
    return Text(f"{tally.sent:,} requests sent ({colors}), {tally.failed:,} failed, {tally.stale:,} stale")

"""Making a change, following the operation that it begins to its end, and telling how that was."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from proxy.cli.admin_client import CALL_TIMEOUT, Problem, Unreachable
from proxy.cli.context import Change, Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.messages import print_json, say
from proxy.cli.receipt import show_operation
from proxy.cli.terminal import Page
from proxy.cli.wording import change_words, left_words

LOOK_EVERY = 0.5
"""Seconds that one call waits for the end of the operation; the time between two updates of the progress bar."""

RUNNING = ("running", "paused")

ENDINGS = {
    "succeeded": ExitCode.DONE,
    "failed": ExitCode.FAILED,
    "aborted": ExitCode.FAILED,
    "rolled_back": ExitCode.ROLLED_BACK,
}


def carry_out(common: Common, change: Change, method: str, path: str, *, done: str = "done", **fields: object) -> None:
    """Make a change and see it through; ends the command with the exit code that it deserves.

    Args:
        common: whom to ask.
        change: whether to change anything, and to wait.
        method: of the call.
        path: of the call.
        done: what to say of a change that has no operation to follow.
        **fields: the body of the call; those that are ``None`` are left out.
    """
    body = _asked(common, method, path + change.query, common.body(**fields))
    if change.dry_run:
        _show_plan(common, body)
    elif "kind" not in body:
        _show_done(common, body, done)
    elif change.wait:
        _see_through(common, body, change.timeout)
    else:
        _show(common, body)


def _asked(common: Common, method: str, path: str, body: dict[str, object]) -> dict[str, Any]:
    try:
        return common.client.call(method, path, body).body
    except KeyboardInterrupt:
        say(f"interrupted; whether it was done is not known; look: `{common.command('status')}`")
        sys.exit(ExitCode.INTERRUPTED)


def _see_through(common: Common, operation: dict[str, Any], timeout: float) -> NoReturn:
    """Look at it again and again until it has ended, or for so many seconds; live progress on a terminal."""
    deadline = time.monotonic() + timeout
    try:
        with _progress(common) as update:
            while operation["state"] in RUNNING and (left := deadline - time.monotonic()) > 0:
                update(operation)
                operation = _look(common, operation["id"], min(LOOK_EVERY, left))
    except KeyboardInterrupt:
        _end(common, operation, ExitCode.INTERRUPTED)
    except (Unreachable, Problem):
        _goes_on(common, operation)
        raise
    _end(common, operation, ENDINGS.get(operation["state"], ExitCode.TIMED_OUT))


def _look(common: Common, operation: str, wait: float) -> dict[str, Any]:
    return common.client.get(f"/v1/operations/{operation}?wait={wait:.3f}s", timeout=wait + CALL_TIMEOUT)


def _end(common: Common, operation: dict[str, Any], code: ExitCode) -> NoReturn:
    _show(common, operation)
    sys.exit(code)


@contextmanager
def _progress(common: Common) -> Iterator[Callable[[dict[str, Any]], None]]:
    page = Page(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(16), TimeElapsedColumn())
    with Progress(*columns, console=page, transient=True, disable=common.as_json or not page.lively) as progress:
        task = progress.add_task("", total=None)

        def update(operation: dict[str, Any]) -> None:
            total, completed = _drained(operation)
            progress.update(task, description=_headline(operation), total=total, completed=completed)

        yield update


def _headline(operation: dict[str, Any]) -> str:
    progress = operation["progress"]
    text = f"{operation['kind']} {operation['id']}"
    if progress["phase"] == "applying":
        return f"{text}: seen by {progress['seen_by']} of {progress['workers']} workers"
    return f"{text}: {left_words(progress, time.time())}"


def _drained(operation: dict[str, Any]) -> tuple[int | None, int]:
    """How much was in flight, and how much of it is over."""
    progress, began = operation["progress"], (operation["receipt"] or {}).get("in_flight_at_flip", 0)
    if progress["phase"] == "applying" or not began:
        return None, 0
    return began, began - progress["in_flight"] - progress["tunnels"]


def _goes_on(common: Common, operation: dict[str, Any]) -> None:
    say(f"{operation['kind']} {operation['id']} goes on by itself")
    take_back = "" if operation["kind"] == "drain" else f"; take it back: `{common.command('rollback')}`"
    say(f"follow it: `{common.command('status --watch')}`{take_back}")


def _show(common: Common, operation: dict[str, Any]) -> None:
    if common.as_json:
        print_json(operation)
    else:
        show_operation(Page(), operation)
    if operation["state"] in RUNNING:
        _goes_on(common, operation)


def _show_done(common: Common, service: dict[str, Any], done: str) -> None:
    if common.as_json:
        print_json(service)
    else:
        Page().show(done)


def _show_plan(common: Common, plan: dict[str, Any]) -> None:
    if common.as_json:
        print_json(plan)
        return
    page = Page()
    for change in plan["changes"]:
        page.show(f"would change: {change_words(change)}")
    if not plan["changes"]:
        page.show("nothing would change")

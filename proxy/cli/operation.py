"""Making a change, following the operation that it begins to its end, and telling how that was."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote

from proxy.cli.admin_client import CALL_TIMEOUT, Problem, Unreachable
from proxy.cli.context import Change, Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.forecast_words import forecast_lines
from proxy.cli.messages import print_json, say
from proxy.cli.progress import live_progress
from proxy.cli.receipt import show_operation
from proxy.cli.refusals import end
from proxy.cli.rollout_words import ways_on
from proxy.cli.shift_words import way_on
from proxy.cli.terminal import Page
from proxy.wording.changes import change_words

LOOK_EVERY = 0.5
"""Seconds that one call waits for the end of the operation; the time between two updates of the progress bar."""

LONGEST_DRAIN = 400.0
"""Seconds to wait where nobody says how long: longer than a drain with its default deadlines can take."""

RUNNING = ("running", "paused")

ENDINGS = {
    "succeeded": ExitCode.DONE,
    "failed": ExitCode.FAILED,
    "aborted": ExitCode.FAILED,
    "rolled_back": ExitCode.ROLLED_BACK,
}


UNDONE = {**ENDINGS, "aborted": ExitCode.DONE}
"""The same where somebody wants it to end: a rolling deployment first finishes the batch that is under way."""

LASTING = ("shift", "roll")
"""What takes as long as it was told to."""


def carry_out(
    common: Common,
    change: Change,
    method: str,
    path: str,
    *,
    done: str = "done",
    undoes: bool = False,
    **fields: object,
) -> None:
    """Make a change and see it through; ends the command with the exit code that it deserves.

    Args:
        common: whom to ask.
        change: whether to change anything, and to wait.
        method: of the call.
        path: of the call.
        done: what to say of a change that has no operation to follow.
        undoes: whether it is meant to end an operation, which is the answer itself where nothing had moved yet.
        **fields: the body of the call; those that are ``None`` are left out.
    """
    body = _asked(common, method, path + change.query, common.body(**fields), _patience(fields))
    if change.dry_run:
        _show_plan(common, body)
    elif "kind" not in body:
        _show_done(common, body, done)
    elif undoes and body["kind"] != "rollback" and body["state"] not in RUNNING:
        _end(common, body, ExitCode.DONE)  # nothing had moved yet, so it only ended: that is what was wanted
    elif change.wait:
        _see_through(common, body, change.timeout, UNDONE if undoes else ENDINGS)
    else:
        _show(common, body)


def _patience(fields: dict[str, object]) -> float:
    """Seconds for the call: an exclusive switch is answered when it has moved the traffic."""
    wait = str(fields.get("max_wait") or "10s") if fields.get("mode") == "exclusive" else "0s"
    return CALL_TIMEOUT + float(wait.removesuffix("s"))


def _asked(common: Common, method: str, path: str, body: dict[str, object], timeout: float) -> dict[str, Any]:
    try:
        return common.client.call(method, path, body, timeout=timeout).body
    except KeyboardInterrupt:
        say(f"interrupted; whether it was done is not known; look: `{common.command('status')}`")
        sys.exit(ExitCode.INTERRUPTED)


def running_operation(common: Common) -> dict[str, Any]:
    """The operation that moves the traffic of the service now. Ends the command where there is none."""
    name = common.service_name()
    running: dict[str, Any] | None = common.client.get(common.service_path())["operation"]
    if running is None:
        problem = {"code": "nothing_running", "detail": f"no operation is running on service {name}"}
        end(common, ExitCode.REFUSED, problem, f"to undo the last one: `{common.command('rollback')}`")
    return running


def running_rollout(common: Common) -> dict[str, Any]:
    """The operation that updates servers of the service now, also beside one that moves traffic. Ends the command where
    there is none.
    """
    name = common.service_name()
    running: dict[str, Any] | None = common.client.get(common.service_path())["operation"]
    if running is not None and running["kind"] != "roll":
        page = common.client.get(f"/v1/operations?service={quote(name, safe='')}")["operations"]
        running = next((each for each in page if each["kind"] == "roll" and each["state"] in RUNNING), None)
    if running is None:
        problem = {"code": "nothing_running", "detail": f"no servers of service {name} are being updated"}
        end(common, ExitCode.REFUSED, problem, f"to begin: `{common.command('roll COLOR')}`")
    return running


def _see_through(
    common: Common, operation: dict[str, Any], timeout: float | None, endings: Mapping[str, ExitCode]
) -> NoReturn:
    """Look at it again and again until it has ended, or for so many seconds; live progress on a terminal.

    A shift or a roll takes as long as it was told to, and as those it waits for: without a timeout it is followed to
    its end.
    """
    if timeout is None:
        timeout = math.inf if operation["kind"] in LASTING else LONGEST_DRAIN
    deadline = time.monotonic() + timeout
    try:
        with live_progress(common, operation["kind"]) as update:
            while _awaited(operation) and (left := deadline - time.monotonic()) > 0:
                update(operation)
                operation = _look(common, operation["id"], min(LOOK_EVERY, left))
    except KeyboardInterrupt:
        _end(common, operation, ExitCode.INTERRUPTED)
    except (Unreachable, Problem):
        _goes_on(common, operation)
        raise
    _end(common, operation, endings.get(operation["state"], _code_of_running(operation)))


def _awaited(operation: dict[str, Any]) -> bool:
    """Whether there is still something to wait for: a hold lasts, and so only what ran before it is waited for."""
    if _holds(operation):
        return bool(operation["progress"]["in_flight"])
    return operation["state"] in RUNNING


def _holds(operation: dict[str, Any]) -> bool:
    return (operation["kind"], operation["progress"]["phase"]) == ("hold", "holding")


def _code_of_running(operation: dict[str, Any]) -> ExitCode:
    return ExitCode.TIMED_OUT if _awaited(operation) else ExitCode.DONE


def _look(common: Common, operation: str, wait: float) -> dict[str, Any]:
    return common.client.get(f"/v1/operations/{operation}?wait={wait:.3f}s", timeout=wait + CALL_TIMEOUT)


def _end(common: Common, operation: dict[str, Any], code: ExitCode) -> NoReturn:
    _show(common, operation)
    sys.exit(code)


def _goes_on(common: Common, operation: dict[str, Any]) -> None:
    if _holds(operation):
        say(f"requests wait until they are released: `{common.command('release')}`")
        return
    say(f"{operation['kind']} {operation['id']} {'; '.join(_ways_on(common, operation)) or 'goes on by itself'}")
    say(f"follow it: `{common.command('status --watch')}`{_way_back(common, operation['kind'])}")


def _ways_on(common: Common, operation: dict[str, Any]) -> list[str]:
    """That it waits, and what lets it go on; nothing where it goes on by itself."""
    if operation["kind"] == "roll":
        ways = ways_on(common, operation["rollout"])
        return ["waits", *ways] if ways else []
    return ["waits", str(way_on(common, operation["shift"]))] if operation["state"] == "paused" else []


def _way_back(common: Common, kind: str) -> str:
    if kind == "roll":
        return f"; end it: `{common.command('abort')}`"
    return "" if kind == "drain" else f"; take it back: `{common.command('rollback')}`"


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
    for line in forecast_lines(plan.get("forecast") or {}):
        page.show(line)

"""When the admin API says no, or nothing: a message, what can be done about it, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from proxy.cli.admin_client import Problem, Unreachable
from proxy.cli.context import Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.messages import print_json, say

REMEDIES = {
    "color_not_healthy": "see why: {upstreams}; to do it all the same, add --force",
    "operation_running": "watch it: {status --watch}; or end it: {abort}",
    "operation_ended": "see what there is: {status}",
    "revision_mismatch": "somebody else changed it meanwhile: look again ({status}), then decide anew",
    "nothing_to_roll_back": "to move traffic: {switch COLOR}",
    "not_pausable": "to undo it: {rollback}",
    "no_room": "see who serves: {upstreams}; or ask for less with --min-available",
    "not_updating": "see how far it is: {status}",
    "no_way_back": "say what runs now (--from-version), or where a server says it (--detect-header, --detect-path)",
    "command_not_allowed": "name the program in hooks.commands of the front door's config file, or use a webhook",
    "needs_sticky_cookie": "name a cookie in the config file (sticky), or leave --new-users-only out",
    "steps_not_steady": "give shares that only grow, or only fall",
    "operation_not_found": "see which there were: {history}; the newest one's: {receipts}",
    "not_abortable": "let it serve again: {upstreams ready COLOR HOST:PORT}",
    "service_not_found": "see what there is: {status}",
    "upstream_not_found": "see what there is: {upstreams}",
    "duplicate_upstream": "to change it: {upstreams weight|ready|drain|maint COLOR HOST:PORT}",
    "last_upstream": "add another first: {upstreams add COLOR HOST:PORT}; or add --force",
    "upstream_not_resolvable": "check the name, and whether the front door's machine can resolve it",
    "unauthorized": "give a token with --token or BLUEGREEN_TOKEN",
    "forbidden": "give a token of a higher role with --token or BLUEGREEN_TOKEN",
    "host_not_allowed": "name the admin API by a loopback address, or configure tokens",
    "store_unavailable": "traffic is served as before; look at the disk that holds the state, then try again",
}
"""What to do about a refusal, by its code. What stands in braces is shown as a command that can be typed."""

START_IT = "start it with `bluegreen run`, or say where it is with --admin or BLUEGREEN_ADMIN"


@contextmanager
def reported_refusals(common: Common) -> Iterator[None]:
    """Ends the command with a message and the right exit code when the admin API refuses or is not there."""
    try:
        yield
    except Unreachable as error:
        remedy = f"whether it was done is not known; look: {common.command('status')}" if error.sent else START_IT
        end(common, ExitCode.UNREACHABLE, {"code": "unreachable", "detail": str(error)}, remedy)
    except Problem as error:
        code = ExitCode.FAILED if error.status >= 500 else ExitCode.REFUSED
        end(
            common, code, {**error.document, "code": error.code, "detail": error.detail}, remedy_for(common, error.code)
        )


def end(common: Common, code: ExitCode, document: dict[str, Any], remedy: str | None = None) -> NoReturn:
    """End the command with a problem document."""
    if common.as_json:
        print_json(document)
    say(f"{document['detail']} ({document['code']})")
    if remedy:
        say(remedy)
    sys.exit(code)


def remedy_for(common: Common, code: str) -> str | None:
    """What can be done about a refusal, in commands for the same service and admin API."""
    words = REMEDIES.get(code, "")
    before, _, rest = words.partition("{")
    text = before
    while rest:
        verb, _, after = rest.partition("}")
        before, _, rest = after.partition("{")
        text += f"`{common.command(verb)}`{before}"
    return text or None

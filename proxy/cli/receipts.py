"""``bluegreen receipts``: what an operation did to requests, counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click
from click.shell_completion import CompletionItem

from proxy.cli.admin_client import DEFAULT_ADMIN, AdminClient, Problem, Unreachable
from proxy.cli.context import Common
from proxy.cli.exit_codes import ExitCode
from proxy.cli.messages import print_json
from proxy.cli.options import common_options
from proxy.cli.receipt import show_operation
from proxy.cli.refusals import end
from proxy.cli.terminal import Page
from proxy.wording.numbers import took_words
from proxy.wording.receipts import loss_words

HASTE = 1.0
"""Seconds that somebody who has pressed Tab waits."""

SUGGESTED = 20


def _suggested(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest operations; none where nobody tells them."""
    with suppress(Unreachable, Problem, ValueError):
        client = AdminClient(ctx.params.get("admin") or DEFAULT_ADMIN, ctx.params.get("token"))
        found = client.get(f"/v1/operations?limit={SUGGESTED}", timeout=HASTE)["operations"]
        items = [CompletionItem(each["id"], help=f"{each['kind']} {each['state']}") for each in found]
        return [item for item in items if item.value.startswith(incomplete)]
    return []


@click.command
@click.argument("operation_id", metavar="[ID]", required=False, shell_complete=_suggested)
@common_options
def command(common: Common, *, operation_id: str | None) -> None:
    """Show what an operation did to requests: how many were in flight, how they ended, and whose fault it was if not
    well. Without an ID, the newest one.
    """
    operation = _newest(common) if operation_id is None else _named(common, operation_id)
    if common.as_json:
        print_json(operation)
    else:
        _show(Page(), operation)


def _named(common: Common, name: str) -> dict[str, Any]:
    return common.client.get(f"/v1/operations/{quote(name, safe='')}")


def _newest(common: Common) -> dict[str, Any]:
    of = "" if common.service is None else f"&service={quote(common.service, safe='')}"
    found: list[dict[str, Any]] = common.client.get(f"/v1/operations?limit=1{of}")["operations"]
    if not found:
        problem = {"code": "operation_not_found", "detail": "there was no operation yet"}
        end(common, ExitCode.REFUSED, problem, f"to begin one: `{common.command('switch COLOR')}`")
    return found[0]


def _show(page: Page, operation: dict[str, Any]) -> None:
    """How it ended and what was counted; below, where eyes rest, what that comes to."""
    show_operation(page, operation)
    page.show("")
    for line in _conclusion(operation):
        page.show(line)


def _conclusion(operation: dict[str, Any]) -> Iterator[str]:
    """What was lost, and by whose fault; what the judge says; who, when and why."""
    yield from loss_words(operation)
    plan = operation["shift"] or operation.get("rollout")
    if plan and plan["judge"]:
        yield f"judge: {plan['judge']['words']}"
    why = f": {operation['reason']}" if operation["reason"] else ""
    yield f"service {operation['service']}, {_when(operation)}, by {operation['by']}{why}"


def _when(operation: dict[str, Any]) -> str:
    began = datetime.fromtimestamp(operation["started_at"], UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if operation["ended_at"] is None:
        return f"since {began}"
    return f"{began}, took {took_words(operation['ended_at'] - operation['started_at'])}"

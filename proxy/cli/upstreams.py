"""``bluegreen upstreams``: list, add, remove, and say how much each may take."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from proxy.cli.context import Change, Common, change_options, common_options
from proxy.cli.operation import conclude
from proxy.cli.terminal import add_row, make_console, make_table

COLOR = click.argument("color", type=click.Choice(["blue", "green"]))
ADDRESS = click.argument("address", metavar="HOST:PORT")


@click.group("upstreams", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the upstreams of both colors, or change them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_upstreams)


@command.command("list")
@common_options
def list_upstreams(common: Common) -> None:
    """List the upstreams of both colors."""
    service = common.client.get(f"/v1/services/{common.service_name()}").body
    if common.as_json:
        click.echo(json.dumps(service["pools"]))
        return
    console = make_console()
    console.print(upstream_table(console, service))


def upstream_table(console: Any, service: dict[str, Any]) -> Any:
    """Both pools, an upstream a row."""
    table = make_table(console, "color", "upstream", ">weight", "admin", "health", ">in flight")
    for color, pool in service["pools"].items():
        for upstream in pool["upstreams"]:
            cells = (upstream[key] for key in ("address", "weight", "admin", "health", "in_flight"))
            add_row(table, (color, *cells))
    return table


@command.command
@COLOR
@ADDRESS
@click.option("--weight", type=click.IntRange(0, 256), default=1, show_default=True, help="Its weight.")
@common_options
@change_options
def add(common: Common, color: str, address: str, *, weight: int, change: Change) -> None:
    """Add an upstream; it serves once it has answered its health check."""
    path = f"{_pool(common, color)}/upstreams{change.query}"
    _finish(common, change, common.client.call("POST", path, common.body(address=address, weight=weight)).body)


@command.command
@COLOR
@ADDRESS
@common_options
@change_options
def remove(common: Common, color: str, address: str, *, change: Change) -> None:
    """Remove an upstream, and wait until what it is serving has ended."""
    path = f"{_pool(common, color)}/upstreams/{quote(address)}{change.query}"
    _finish(common, change, common.client.call("DELETE", path, common.body() or None).body)


@command.command
@COLOR
@ADDRESS
@click.argument("weight", type=click.IntRange(0, 256))
@common_options
@change_options
def weight(common: Common, color: str, address: str, weight: int, *, change: Change) -> None:
    """Set an upstream's WEIGHT; 0 means none at all."""
    _patch(common, change, color, address, weight=weight)


@command.command
@COLOR
@ADDRESS
@common_options
@change_options
def ready(common: Common, color: str, address: str, *, change: Change) -> None:
    """Let an upstream serve again."""
    _patch(common, change, color, address, admin="ready")


@command.command
@COLOR
@ADDRESS
@common_options
@change_options
def drain(common: Common, color: str, address: str, *, change: Change) -> None:
    """Send an upstream nothing new, and wait until what it is serving has ended. Its health is still checked."""
    _patch(common, change, color, address, admin="drain")


@command.command
@COLOR
@ADDRESS
@common_options
@change_options
def maint(common: Common, color: str, address: str, *, change: Change) -> None:
    """Send an upstream nothing at all, not even health checks."""
    _patch(common, change, color, address, admin="maint")


def _patch(common: Common, change: Change, color: str, address: str, **fields: object) -> None:
    path = f"{_pool(common, color)}/upstreams/{quote(address)}{change.query}"
    _finish(common, change, common.client.call("PATCH", path, common.body(**fields)).body)


def _pool(common: Common, color: str) -> str:
    return f"/v1/services/{common.service_name()}/pools/{color}"


def _finish(common: Common, change: Change, body: dict[str, Any]) -> None:
    """A change that takes traffic from an upstream began a drain; any other is done."""
    if change.dry_run or "kind" in body:
        conclude(common, change, body)
    elif common.as_json:
        click.echo(json.dumps(body))
    else:
        click.echo("done")

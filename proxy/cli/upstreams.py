"""``bluegreen upstreams``: list, add, remove, and say how much each may take."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click
from click.core import ParameterSource
from rich.table import Table

from proxy.cli.context import Change, Common
from proxy.cli.messages import print_json
from proxy.cli.operation import carry_out
from proxy.cli.options import change_options, color_argument, common_options
from proxy.cli.terminal import Page, add_row, make_table
from proxy.wording.rollouts import stage_words

MAX_WEIGHT = 256

address_argument = click.argument("address", metavar="HOST:PORT")


@click.group("upstreams", invoke_without_command=True)
@common_options
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """List the upstreams of both colors, or change them."""
    if ctx.invoked_subcommand is None:
        _list(common)
    elif any(ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ctx.params):
        raise click.UsageError(f"options stand at the end, after {ctx.invoked_subcommand!r} and its arguments")


@command.command("list")
@common_options
def list_upstreams(common: Common) -> None:
    """List the upstreams of both colors."""
    _list(common)


def _list(common: Common) -> None:
    service = common.client.get(common.service_path())
    if common.as_json:
        print_json(service["pools"])
    else:
        page = Page()
        page.show(upstream_table(page, service))


def upstream_table(page: Page, service: dict[str, Any]) -> Table:
    """Both pools, an upstream a row; while servers are being updated, with how far that is."""
    rows = [(color, each) for color, pool in service["pools"].items() for each in pool["upstreams"]]
    rolling = ["rollout"] if any(each.get("stage") for _, each in rows) else []
    table = make_table(page, "color", "upstream", ">weight", "admin", "health", ">in flight", *rolling)
    for color, each in rows:
        cells = [each[key] for key in ("address", "weight", "admin", "health", "in_flight")]
        add_row(table, color, *cells, *(stage_words(each) for _ in rolling))
    return table


@command.command
@color_argument
@address_argument
@click.option("--weight", type=click.IntRange(0, MAX_WEIGHT), default=1, show_default=True, help="Its weight.")
@common_options
@change_options
def add(common: Common, color: str, address: str, *, weight: int, change: Change) -> None:
    """Add an upstream; it serves once it has passed its health checks."""
    done = f"{color} {address} added; it serves once it is healthy: `{common.command('upstreams')}`"
    carry_out(common, change, "POST", f"{_pool(common, color)}/upstreams", done=done, address=address, weight=weight)


@command.command
@color_argument
@address_argument
@click.option("--force", is_flag=True, help="Even if it is the last one of a color that has traffic.")
@common_options
@change_options
def remove(common: Common, color: str, address: str, *, force: bool, change: Change) -> None:
    """Remove an upstream, and wait until what it is serving has ended."""
    path = _upstream(common, color, address)
    carry_out(common, change, "DELETE", path, done=f"{color} {address} removed", force=force or None)


@command.command
@color_argument
@address_argument
@click.argument("weight", type=click.IntRange(0, MAX_WEIGHT))
@common_options
@change_options
def weight(common: Common, color: str, address: str, weight: int, *, change: Change) -> None:
    """Set an upstream's WEIGHT; 0 means no requests at all."""
    path = _upstream(common, color, address)
    carry_out(common, change, "PATCH", path, done=f"{color} {address} has weight {weight}", weight=weight)


@command.command
@color_argument
@address_argument
@common_options
@change_options
def ready(common: Common, color: str, address: str, *, change: Change) -> None:
    """Let an upstream serve again."""
    _administer(common, change, color, address, "ready")


@command.command
@color_argument
@address_argument
@common_options
@change_options
def drain(common: Common, color: str, address: str, *, change: Change) -> None:
    """Send an upstream nothing new, and wait until what it is serving has ended. Its health is still checked."""
    _administer(common, change, color, address, "drain")


@command.command
@color_argument
@address_argument
@common_options
@change_options
def maint(common: Common, color: str, address: str, *, change: Change) -> None:
    """Send an upstream nothing at all, not even health checks."""
    _administer(common, change, color, address, "maint")


def _administer(common: Common, change: Change, color: str, address: str, admin: str) -> None:
    path = _upstream(common, color, address)
    carry_out(common, change, "PATCH", path, done=f"{color} {address} is set to {admin}", admin=admin)


def _pool(common: Common, color: str) -> str:
    return f"{common.service_path()}/pools/{color}"


def _upstream(common: Common, color: str, address: str) -> str:
    return f"{_pool(common, color)}/upstreams/{quote(address, safe='')}"

"""``bluegreen status``: who serves what, and how it is doing."""

from __future__ import annotations

import json
import time
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from proxy.cli.context import Common, common_options
from proxy.cli.terminal import make_console, styled
from proxy.cli.upstreams import upstream_table

LOOK_EVERY = 1.0
"""Seconds between two looks of ``--watch``."""

BAR = 40
"""Columns of the bar that shows the split."""


@click.command
@click.option("--watch", is_flag=True, help="Go on and keep it up to date, until Ctrl-C.")
@common_options
def command(common: Common, *, watch: bool) -> None:
    """Show services, split, pools, upstreams, health, in-flight requests and the running operation."""
    console = make_console()
    if not watch:
        _print(common, console)
    elif common.as_json or not console.is_terminal:
        while True:
            _print(common, console)
            time.sleep(LOOK_EVERY)
    else:
        _watch(common, console)


def _watch(common: Common, console: Console) -> None:
    with Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            live.update(_picture(console, _read(common)), refresh=True)
            time.sleep(LOOK_EVERY)


def _print(common: Common, console: Console) -> None:
    services = _read(common)
    if common.as_json:
        click.echo(json.dumps({"services": services}))
    else:
        console.print(_picture(console, services))


def _read(common: Common) -> list[dict[str, Any]]:
    if common.service is not None:
        return [common.client.get(f"/v1/services/{common.service}").body]
    services: list[dict[str, Any]] = common.client.get("/v1/services").body["services"]
    return services


def _picture(console: Console, services: list[dict[str, Any]]) -> Group:
    return Group(*(part for service in services for part in _service(console, service)))


def _service(console: Console, service: dict[str, Any]) -> list[Any]:
    workers = service["workers"]
    facts = f"revision {service['revision']}, generation {service['generation']}, "
    facts += f"{workers['applied']} of {workers['total']} workers serve it"
    parts: list[Any] = [
        Text.assemble((service["name"], "bold"), f" is {service['state']}, live is ", styled(service["live"])),
        _split(service["split"]),
        Text(facts, style="dim"),
        _in_flight(service),
        upstream_table(console, service),
    ]
    if service["operation"]:
        parts.append(_operation(service["operation"]))
    return parts


def _split(split: dict[str, float]) -> Text:
    green = round(BAR * split["green"] / 100)
    bar = Text.assemble(("█" * (BAR - green), "blue"), ("█" * green, "green"))
    return Text.assemble(f"blue {split['blue']:g} % ", bar, f" green {split['green']:g} %")


def _in_flight(service: dict[str, Any]) -> Text:
    words = []
    for color, pool in service["pools"].items():
        flight = pool["in_flight"]
        words.append(f"{color}: {flight['requests']} requests and {flight['tunnels']} long-lived in flight")
    return Text("; ".join(words))


def _operation(operation: dict[str, Any]) -> Text:
    progress = operation.get("progress") or {}
    text = Text.assemble(f"{operation['kind']} {operation['id']} by {operation['by']} is ", styled(operation["state"]))
    text.append(f", {progress.get('phase', '')}")
    if operation.get("reason"):
        text.append(f" ({operation['reason']})")
    return text

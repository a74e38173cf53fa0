"""``bluegreen status``: who serves what, and how it is doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NoReturn

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from proxy.cli.admin_client import Unreachable
from proxy.cli.context import Common
from proxy.cli.messages import print_json, say
from proxy.cli.options import common_options
from proxy.cli.receipt import headline
from proxy.cli.rollout_words import ways_on
from proxy.cli.shift_words import way_on
from proxy.cli.terminal import STYLES, Page, styled
from proxy.cli.upstreams import upstream_table
from proxy.wording import rollouts, shifts
from proxy.wording.numbers import counted, flow_words, left_words, span_words

LOOK_EVERY = 0.5
"""Seconds between two looks of ``--watch``."""

BAR = 40
"""Columns of the bar that shows the split."""


@click.command
@click.option("--watch", is_flag=True, help="Go on and keep it up to date, until Ctrl-C.")
@common_options
def command(common: Common, *, watch: bool) -> None:
    """Show services, split, pools, upstreams, health, in-flight requests and the running operation."""
    page, services = Page(), common.services()
    if not watch:
        _print(common, page, services)
    elif page.lively and not common.as_json:
        _watch(common, page, services)
    else:
        _print_on(common, page, services)


def _print(common: Common, page: Page, services: list[dict[str, Any]]) -> None:
    if common.as_json:
        print_json({"services": services})
    else:
        page.show(picture(common, page, services))


def _print_on(common: Common, page: Page, services: list[dict[str, Any]]) -> NoReturn:
    """A page after the other; a program that is restarted meanwhile is waited for."""
    while True:
        _print(common, page, services)
        time.sleep(LOOK_EVERY)
        try:
            services = common.services()
        except Unreachable as error:
            say(str(error))


def _watch(common: Common, page: Page, services: list[dict[str, Any]]) -> NoReturn:
    trouble = Text()
    with Live(console=page, auto_refresh=False, screen=True) as live:
        while True:
            live.update(Group(trouble, picture(common, page, services)), refresh=True)
            time.sleep(LOOK_EVERY)
            try:
                services, trouble = common.services(), Text()
            except Unreachable as error:
                trouble = Text(f"{error}; trying again. This is how it was:", style="red")


def picture(common: Common, page: Page, services: list[dict[str, Any]]) -> Group:
    """All services, one below the other."""
    return Group(*(part for service in services for part in _service(common, page, service)))


def _service(common: Common, page: Page, service: dict[str, Any]) -> Iterator[RenderableType]:
    workers = service["workers"]
    facts = f"revision {service['revision']}, generation {service['generation']}, "
    facts += f"served by {workers['applied']} of {workers['total']} workers"
    yield Text.assemble((service["name"], "bold"), f" is {service['state']}, live is ", styled(service["live"]))
    yield from _held(service)
    yield Text(f"{facts}\n", style="dim")
    for color, pool in service["pools"].items():
        yield _pool(page, color, service["split"][color], pool["in_flight"])
    if service["operation"]:
        yield Text()
        yield _operation(service["operation"])
        yield from _shift(common, service["operation"])
        yield from _rollout(common, service["operation"])
    if service.get("warm"):
        yield Text()
        yield _warm(common, service["warm"])
    yield Text()
    yield upstream_table(page, service)


def _held(service: dict[str, Any]) -> Iterator[Text]:
    """Why not everybody is served."""
    if service.get("maintenance") is not None:
        yield Text(f"users are told: {service['maintenance']}", style="yellow")
    if hold := service.get("hold"):
        waiting, which = counted(service["held"], "request"), "unsafe ones" if hold["unsafe_only"] else "all new ones"
        text = f"{waiting} held now; {which} wait, each for {hold['max_wait']:g} s at most, because of "
        yield Text(text + (hold["operation"] or "an operation"), style="yellow")


def _pool(page: Page, color: str, share: float, in_flight: dict[str, int]) -> Text:
    line = Text.assemble(styled(f"{color:<6}"), f"{share:6.2f} %  ")
    if page.lively:
        filled = round(BAR * share / 100)
        line.append("█" * filled, STYLES[color]).append("░" * (BAR - filled) + "  ", "dim")
    return line.append(flow_words(in_flight))


def _operation(operation: dict[str, Any]) -> Text:
    text = headline(operation)
    if not shifts.is_moving(operation) and not rollouts.is_rolling(operation):
        text.append(f", {left_words(operation['progress'], time.time())}")
    text.append(f", by {operation['by']}")
    if operation["reason"]:
        text.append(f" ({operation['reason']})")
    return text


def _shift(common: Common, operation: dict[str, Any]) -> Iterator[Text]:
    """Where it stands, why it waits, and what lets it go on."""
    if not shifts.is_moving(operation):
        return
    shift = operation["shift"]
    yield Text(f"{shifts.place_words(shift)}, {shifts.left_words(shift)}")
    for words in (*shifts.detail_words(shift), way_on(common, shift)):
        if words:
            yield Text(words)


def _rollout(common: Common, operation: dict[str, Any]) -> Iterator[Text]:
    """Which batch is where, who serves meanwhile, why it waits, and what lets it go on."""
    if not rollouts.is_rolling(operation):
        return
    rollout = operation["rollout"]
    yield Text(f"{rollouts.place_words(rollout)}, {rollouts.left_words(rollout)}")
    for words in (*rollouts.detail_words(rollout), *ways_on(common, rollout)):
        yield Text(words)


def _warm(common: Common, warm: dict[str, Any]) -> Text:
    left = span_words(max(0.0, warm["until"] - time.time()))
    back = f"`{common.command('rollback')}` returns to green {warm['rollback_to']['green']:g} %"
    return Text(f"watched for another {left} after shift {warm['operation']}; {back}")

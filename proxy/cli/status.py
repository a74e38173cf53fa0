"""``bluegreen status``: who serves what, and how it is doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NoReturn

import click
from rich.console import Group, RenderableType
from rich.text import Text

from proxy.cli.admin_client import Problem, Unreachable
from proxy.cli.context import Common, service_path
from proxy.cli.drawing import bar
from proxy.cli.load_table import LATELY, load_table
from proxy.cli.messages import print_json, say
from proxy.cli.options import common_options
from proxy.cli.service_words import detail_lines, held_lines, operation_line, title_line, warm_line
from proxy.cli.terminal import STYLES, Page, styled
from proxy.cli.upstreams import upstream_table
from proxy.cli.watch.loop import LOOK_EVERY, watch
from proxy.wording.numbers import flow_words

BAR = 40
"""Columns of the bar that shows the split."""


@click.command
@click.option("--watch", "watched", is_flag=True, help="Go on and keep it up to date, until Ctrl-C.")
@common_options
def command(common: Common, *, watched: bool) -> None:
    """Show services, split, pools, upstreams, health, in-flight requests and the running operation."""
    page = Page()
    if watched and page.steady and not common.as_json:
        watch(common, page)
    services = common.services()
    _print(common, page, services)
    if watched:
        _print_on(common, page)


def _print(common: Common, page: Page, services: list[dict[str, Any]]) -> None:
    if common.as_json:
        print_json({"services": services})
    else:
        page.show(picture(common, page, services))


def _print_on(common: Common, page: Page) -> NoReturn:
    """A page after the other; a program that is restarted meanwhile is waited for."""
    while True:
        time.sleep(LOOK_EVERY)
        try:
            _print(common, page, common.services())
        except Unreachable as error:
            say(str(error))


def picture(common: Common, page: Page, services: list[dict[str, Any]]) -> Group:
    """All services, one below the other."""
    return Group(*(part for service in services for part in _service(common, page, service)))


def _service(common: Common, page: Page, service: dict[str, Any]) -> Iterator[RenderableType]:
    workers = service["workers"]
    facts = f"revision {service['revision']}, generation {service['generation']}, "
    facts += f"served by {workers['applied']} of {workers['total']} workers"
    yield title_line(service)
    yield from held_lines(service)
    yield Text(f"{facts}\n", style="dim")
    for color, pool in service["pools"].items():
        yield _pool(page, color, service["split"][color], pool["in_flight"])
    if numbers := load_table(page, _load(common, service["name"])):
        yield Text()
        yield numbers
    if service["operation"]:
        yield Text()
        yield operation_line(service["operation"], time.time())
        yield from detail_lines(common, service["operation"])
    if service.get("warm"):
        yield Text()
        yield warm_line(common, service["warm"], time.time())
    yield Text()
    yield upstream_table(page, service)


def _load(common: Common, name: str) -> dict[str, Any] | None:
    """``None`` of a front door that does not tell it."""
    try:
        return common.client.get(f"{service_path(name)}/load?points={LATELY}")
    except Problem:
        return None


def _pool(page: Page, color: str, share: float, in_flight: dict[str, int]) -> Text:
    line = Text.assemble(styled(f"{color:<6}"), f"{share:6.2f} %  ")
    if page.lively:
        line.append_text(bar(share / 100, width=BAR, style=STYLES[color], fine=page.fine)).append("  ")
    return line.append(flow_words(in_flight))

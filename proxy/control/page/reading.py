"""What the page reads: the state and the meters as they are now, and what the store has of earlier times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from proxy.control.admin import views
from proxy.control.admin.context import AdminContext, ReloadResult
from proxy.control.page.buttons import operation_buttons
from proxy.control.page.cards.card import Card, Head, card, head
from proxy.control.page.cards.drain import Holder
from proxy.control.page.entries import Entry, entry
from proxy.control.store.base import StoreError
from proxy.shm.names import Series
from proxy.traffic.model import Operation, Service
from proxy.traffic.spec import Color

RECENT = 6
"""Operations that are told on the page of a service."""

LATEST = 10
"""Entries of the history likewise."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the store tells of a service, or why it does not."""

    operations: tuple[Head, ...] = ()
    entries: tuple[Entry, ...] = ()
    trouble: str | None = None


def on_upstream(context: AdminContext, service: str, color: Color, address: str) -> tuple[int, int]:
    """Requests and tunnels in flight on an upstream."""
    totals, key = context.fleet.totals, (service, color.value, address)
    tunnels = totals.total(Series.UPSTREAM_TUNNELS, *key)
    return max(0, totals.total(Series.UPSTREAM_IN_FLIGHT, *key) - tunnels), tunnels


def operation_card(context: AdminContext, operation: Operation, *, steering: bool) -> Card:
    """An operation as the API tells of it, with what it still waits for."""
    answer = views.operation(context, operation).model_dump(mode="json")
    buttons = operation_buttons(operation) if steering else ()
    return card(answer, lambda left: _holders(context, operation.service, left), buttons)


def _holders(context: AdminContext, name: str, left: dict[str, Any]) -> Iterator[Holder]:
    """The upstreams of what an operation leaves on which something is still under way."""
    color, service = Color(left["color"]), context.controller.state.services.get(name)
    pool = service.pool(color) if service else ()
    addresses = [left["upstream"]] if left["upstream"] else [upstream.address for upstream in pool]
    for address in addresses:
        requests, tunnels = on_upstream(context, name, color, address)
        if requests or tunnels:
            yield Holder(address, color.value, requests, tunnels)


def running(context: AdminContext, service: Service) -> list[Operation]:
    """The operations of a service that are not over, those first that move its traffic or update servers."""
    found = [each for each in context.controller.state.operations.values() if each.service == service.name]
    return sorted(found, key=lambda each: not (each.moves_traffic or each.rollout))


async def past(context: AdminContext, service: str) -> Past:
    """Ended operations and the newest of the history. A store that fails is no reason not to show the rest."""
    try:
        operations = await context.controller.operations(service=service, limit=RECENT)
        entries = await context.store.journal(service=service, limit=LATEST)
    except StoreError as error:
        return Past(trouble=str(error))
    heads = [head(views.operation(context, each).model_dump(mode="json")) for each in operations]
    return Past(tuple(heads), tuple(entry(each) for each in entries))


@dataclass(frozen=True, slots=True)
class Program:
    """How the program itself is doing."""

    workers: int
    applied: int
    generation: int
    obstacles: tuple[str, ...]
    store_up: bool
    refused: ReloadResult | None
    """What became of the config file, if it was refused when it was last read."""


def program(context: AdminContext) -> Program:
    """Workers, generation, and what stands in the way."""
    generation = context.controller.state.generation
    applied = context.publisher.applied(generation)
    last = context.reloading.last
    return Program(
        workers=applied.total,
        applied=applied.applied,
        generation=generation,
        obstacles=tuple(context.obstacles()),
        store_up=context.controller.store_up,
        refused=None if last is None or last.ok else last,
    )

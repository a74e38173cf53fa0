"""The list of services."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from proxy.control.admin import views
from proxy.control.admin.context import AdminContext
from proxy.control.page.figures import rate_words, share_words
from proxy.control.page.paging import Here, Slice, sliced
from proxy.traffic.fitness import can_serve, serves
from proxy.traffic.model import Service
from proxy.traffic.spec import Color
from proxy.wording.receipts import state_words


@dataclass(frozen=True, slots=True)
class Line:
    """One service of the list."""

    name: str
    path: str
    live: str
    blue: float
    green: float
    state: str
    look: str
    operation: str
    """What runs, in words."""
    healthy: tuple[str, str]
    """Of both colors: how many upstreams serve, of how many."""
    rate: str
    errors: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of the list."""

    lines: Slice[Line]
    find: str
    here: str


def overview(context: AdminContext, here: Here, page: int, find: str) -> Overview:
    """A page of the services whose name has ``find`` in it."""
    names = [name for name in context.controller.state.services if find.lower() in name.lower()]
    found = sliced(names, page, lambda number: here.with_(page=number))
    lines = [_line(context, context.controller.state.services[name]) for name in found.rows]
    return Overview(
        Slice(lines, found.page, found.pages, found.first, found.total, found.previous, found.next), find, here.path
    )


def service_path(name: str) -> str:
    """Where the page of a service is."""
    return f"/services/{quote(name, safe='')}"


def _line(context: AdminContext, service: Service) -> Line:
    figures = [context.series(service.name, 1).latest(color) for color in Color]
    blue, green = (service.share(color) / 100 for color in Color)
    state = views.state_of(service)
    sound = can_serve(service, service.live)
    return Line(
        name=service.name,
        path=service_path(service.name),
        live=service.live.value,
        blue=blue,
        green=green,
        state=state if sound else "no healthy upstream",
        look="bad" if not sound else "good" if state == views.SERVING else "waiting",
        operation=_operation(context, service),
        healthy=(_healthy(service, Color.BLUE), _healthy(service, Color.GREEN)),
        rate=rate_words(sum(each.requests for each in figures)),
        errors=share_words(sum(each.errors for each in figures), sum(each.requests for each in figures)),
    )


def _operation(context: AdminContext, service: Service) -> str:
    state = context.controller.state
    running = state.operation_of(service.name) or state.rollout_of(service.name)
    if running is None:
        return ""
    words = state_words({"state": running.state.value, "progress": {"phase": running.phase.value}})
    return f"{running.kind} {running.id} {words}"


def _healthy(service: Service, color: Color) -> str:
    pool = service.pool(color)
    return f"{sum(serves(service, upstream) for upstream in pool)} of {len(pool)}"

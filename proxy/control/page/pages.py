"""Every page, and what stands at the address of the admin API."""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from proxy.control.admin.context import AdminContext
from proxy.control.admin.sessions import SESSIONS, Sessions
from proxy.control.page.assets import serve_asset
from proxy.control.page.cards.rollout import most_telling
from proxy.control.page.entries import entry
from proxy.control.page.overview_page import overview, service_path
from proxy.control.page.paging import Here, sliced
from proxy.control.page.queries import HistoryQuery, OperationQuery, OverviewQuery, ServiceQuery
from proxy.control.page.reading import operation_card, past
from proxy.control.page.rendering import prepare, render
from proxy.control.page.service_page import service_page
from proxy.control.page.sign_in import Doorkeeping
from proxy.control.page.site import Body, PageRoute, Site, Visit, wants_page
from proxy.traffic.commands import Context
from proxy.traffic.model import Service
from proxy.traffic.reduction import find_service
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color

ENTRIES = 50
"""Rows of the history on one page."""

MOST_SERVERS = 12
"""Servers of a rolling deployment that are told on the page of a service; its own page has all."""

_PLAIN = """\
bluegreen front door: admin API. In a browser this is a page to look at it and to steer it.

GET /v1/services     services: live color, split, pools, health
GET /v1/operations   switches, rollbacks and drains, running and ended
GET /v1/history      who changed what, when and why
GET /v1/events       the same live, as server-sent events
GET /metrics         Prometheus metrics
GET /livez /readyz   liveness; readiness
GET /openapi.json    every call in detail
"""


async def home(visit: Visit[OverviewQuery]) -> Body:
    """The list of services; where there is only one, its page."""
    services, query = visit.context.controller.state.services, visit.query
    if len(services) == 1:
        (service,) = services.values()
        return await _service(visit, service, "/", {Color.BLUE: query.blue, Color.GREEN: query.green}, query.find)
    here = Here("/", {"page": query.page, "find": query.find})
    found = overview(visit.context, here, query.page, query.find)
    return Body("Services", render("overview.html", view=found))


async def service(visit: Visit[ServiceQuery]) -> Body:
    """One service."""
    name, query = visit.request.match_info["service"], visit.query
    found = find_service(visit.context.controller.state, name, Context(now=0.0, by=""))
    pages = {Color.BLUE: query.blue, Color.GREEN: query.green}
    return await _service(visit, found, service_path(name), pages, query.find)


async def _service(visit: Visit[Any], service: Service, path: str, pages: dict[Color, int], find: str) -> Body:
    earlier = await past(visit.context, service.name)
    current = visit.context.controller.state.services.get(service.name, service)
    here = Here(path, {**{color.value: page for color, page in pages.items()}, "find": find})
    view = service_page(visit.context, current, here, pages, find, earlier, steering=visit.steering)
    return Body(current.name, render("service.html", view=view, most_telling=most_telling, room=MOST_SERVERS))


async def operation(visit: Visit[OperationQuery]) -> Body:
    """One operation with its receipt."""
    name = visit.request.match_info["operation"]
    found = await visit.context.controller.operation(name)
    if found is None:
        raise Refused(RefusalCode.OPERATION_NOT_FOUND, f"there is no operation {name!r}")
    shown = operation_card(visit.context, found, steering=visit.steering)
    here = Here(visit.request.path, {})
    servers = shown.rolling.servers if shown.rolling else ()
    rows = sliced(servers, visit.query.page, lambda page: here.with_(page=page))
    content = render("operation.html", card=shown, servers=rows, now=visit.context.clock.wall())
    return Body(f"{found.kind} {found.id}", content, live=found.ended_at is None)


async def history(visit: Visit[HistoryQuery]) -> Body:
    """Who changed what, when and why."""
    query, here = visit.query, Here("/history", {"service": visit.query.service})
    found = await visit.context.store.journal(service=query.service or None, before=query.before, limit=ENTRIES + 1)
    older = here.with_(before=found[ENTRIES - 1].id) if len(found) > ENTRIES else None
    content = render(
        "history.html",
        entries=[entry(each) for each in found[:ENTRIES]],
        service=query.service,
        newest=here.with_() if query.before is not None else None,
        older=older,
    )
    return Body("History", content, live=query.before is None)


PAGES: tuple[PageRoute[Any], ...] = (
    PageRoute("/services/{service}", ServiceQuery, service),
    PageRoute("/operations/{operation}", OperationQuery, operation),
    PageRoute("/history", HistoryQuery, history),
)

_HOME: PageRoute[Any] = PageRoute("/", OverviewQuery, home)


def add_pages(app: web.Application, context: AdminContext) -> None:
    """Put the pages, what they need, and the doors to them into the application."""
    prepare()
    app[SESSIONS] = Sessions(context.clock)
    site, doors = Site(context), Doorkeeping(context)
    show_home = site.endpoint(_HOME)

    async def front(request: web.Request) -> web.StreamResponse:
        """The first page for browsers, and a few lines for everybody else."""
        if wants_page(request):
            return await show_home(request)
        return web.Response(text=_PLAIN, headers={hdrs.VARY: hdrs.ACCEPT, hdrs.CACHE_CONTROL: "no-store"})

    app.router.add_get("/", front)
    for route in PAGES:
        app.router.add_get(route.path, site.endpoint(route))
    app.router.add_get("/sign-in", doors.ask)
    app.router.add_post("/sign-in", doors.sign_in)
    app.router.add_post("/sign-out", doors.sign_out)
    app.router.add_get("/static/{file}", serve_asset)
    app.router.add_get("/static/{version}/{file}", serve_asset)

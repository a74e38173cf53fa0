"""The application: guard, routes, and one border at which every error becomes a problem document."""

from __future__ import annotations

import asyncio
import json

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from proxy.control.admin import openapi
from proxy.control.admin.bodies import MAX_BODY, answer_expectation
from proxy.control.admin.context import AdminContext
from proxy.control.admin.events import STREAMS, end_streams
from proxy.control.admin.guard import Guard
from proxy.control.admin.idempotency import IdempotentAnswers
from proxy.control.admin.probes import OPENAPI
from proxy.control.admin.problems import problem_of
from proxy.control.admin.route import Endpoint
from proxy.control.admin.table import ROUTES
from proxy.control.clock import SystemClock
from proxy.control.page.pages import add_pages
from proxy.control.page.site import problem_page

_FOR_BROWSERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer, browsers would not tell the origin of our own forms either.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
"""Nothing is loaded from elsewhere, nothing runs that stands in a page itself, and no other page shows ours."""


def create_app(context: AdminContext) -> web.Application:
    """The admin API as an application that can be served on any socket."""
    app = web.Application(middlewares=[_border(Guard(context))], client_max_size=MAX_BODY)
    app[STREAMS] = set[asyncio.Task[None]]()
    app[OPENAPI] = json.dumps(openapi.document(secured=bool(context.tokens))).encode()
    app.on_shutdown.append(end_streams)
    app.on_response_prepare.append(_sign)
    kept = IdempotentAnswers(SystemClock())
    for route in ROUTES:
        endpoint = Endpoint(route, context, kept)
        for method in route.methods:
            _add(app, method, route.path, endpoint.serve)
    add_pages(app, context)
    return app


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    app.router.add_route(method, path, handler, expect_handler=answer_expectation)


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Say who answers, but not with which versions of what; and what browsers may make of it."""
    response.headers[hdrs.SERVER] = "bluegreen"
    response.headers.update(_FOR_BROWSERS)


def _border(guard: Guard) -> Middleware:
    @web.middleware
    async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
            return await handler(request)
        except ConnectionError:  # there is nobody left to answer
            raise
        except Exception as error:  # noqa: BLE001 - every other error has to become an answer
            problem = problem_of(error)
            return problem_page(request, problem) or problem.response()

    return border

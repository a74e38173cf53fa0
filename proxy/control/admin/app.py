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
    return app


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    app.router.add_route(method, path, handler, expect_handler=answer_expectation)


async def _sign(_: web.Request, response: web.StreamResponse) -> None:
    """Say who answers, but not with which versions of what; and that browsers are not to guess what it is."""
    response.headers[hdrs.SERVER] = "bluegreen"
    response.headers["X-Content-Type-Options"] = "nosniff"


def _border(guard: Guard) -> Middleware:
    @web.middleware
    async def border(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            guard.check(request)
            return await handler(request)
        except ConnectionError:  # there is nobody left to answer
            raise
        except Exception as error:  # noqa: BLE001 - every other error has to become an answer
            return problem_of(error).response()

    return border

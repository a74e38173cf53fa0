"""Routes for machines that watch over the program."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web

from proxy.control.admin.answers import ProbeAnswer
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import NoBody, NoQuery
from proxy.control.admin.route import AnyRoute, Call, Route, answered

METRICS_TYPE = "text/plain"
"""Of the usual format; a client that asks for OpenMetrics gets that."""

WORTH_COMPRESSING = 64 * 1024
"""Bytes of text; numbers with the same words around them shrink to a tenth."""

OPENAPI = web.AppKey("openapi", bytes)
"""The OpenAPI document."""


async def livez(_: Call[NoQuery, NoBody]) -> web.Response:
    """An answer is all that is asked for."""
    return answered(ProbeAnswer(status="alive"))


async def readyz(call: Call[NoQuery, NoBody]) -> web.Response:
    """Ready, or what is in the way."""
    obstacles = list(call.context.obstacles())
    if obstacles:
        raise Problem(AdminCode.NOT_READY, "; ".join(obstacles), obstacles=obstacles)
    return answered(ProbeAnswer(status="ready"))


async def metrics(call: Call[NoQuery, NoBody]) -> web.Response:
    """All numbers, in the format that the client likes best."""
    text, content_type = await call.context.metrics(call.request.headers.get(hdrs.ACCEPT))
    answer = web.Response(body=text, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
    if len(text) > WORTH_COMPRESSING:
        answer.enable_compression()  # as far as the client takes it, and in a thread
    return answer


async def openapi_document(call: Call[NoQuery, NoBody]) -> web.Response:
    """This API, described."""
    return web.Response(body=call.request.app[OPENAPI], content_type="application/json")


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/livez",
        "Whether the program is alive",
        livez,
        NoQuery,
        NoBody,
        role=None,
        answers={HTTPStatus.OK: ProbeAnswer},
    ),
    Route(
        "GET",
        "/readyz",
        "Whether every worker serves from the newest table",
        readyz,
        NoQuery,
        NoBody,
        role=None,
        answers={HTTPStatus.OK: ProbeAnswer},
        problems=(AdminCode.NOT_READY,),
    ),
    Route(
        "GET",
        "/metrics",
        "Metrics for Prometheus, as text or OpenMetrics",
        metrics,
        NoQuery,
        NoBody,
        answers={HTTPStatus.OK: METRICS_TYPE},
    ),
    Route(
        "GET",
        "/openapi.json",
        "This API as an OpenAPI 3.1 document",
        openapi_document,
        NoQuery,
        NoBody,
        role=None,
        answers={HTTPStatus.OK: "application/json"},
    ),
)

"""The route of the load: how many requests each color of a service was given lately, and how it did."""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from proxy.control.admin.load_answers import Course, Courses, LoadAnswer
from proxy.control.admin.requests import LoadQuery, NoBody
from proxy.control.admin.route import AnyRoute, Call, Route, answered
from proxy.control.load import EVERY
from proxy.control.load_series import Series
from proxy.traffic.commands import Context
from proxy.traffic.reduction import find_service
from proxy.traffic.refusal import RefusalCode
from proxy.traffic.spec import Color


async def get_load(call: Call[LoadQuery, NoBody]) -> web.Response:
    """The last minutes of a service, look by look."""
    context, name = call.context, call.path("service")
    find_service(context.controller.state, name, Context(now=0.0, by=call.by))
    series = context.series(name, call.query.points)
    return answered(
        LoadAnswer(
            service=name,
            now=round(context.clock.wall(), 3),
            every=EVERY,
            at=[round(moment, 3) for moment in series.at],
            colors=Courses(blue=_course(series, Color.BLUE), green=_course(series, Color.GREEN)),
        )
    )


def _course(series: Series, color: Color) -> Course:
    figures = series.colors[color]
    return Course(
        requests=_numbers([each.requests for each in figures]),
        errors=_numbers([each.errors for each in figures]),
        p50=_numbers([each.p50 for each in figures]),
        p95=_numbers([each.p95 for each in figures]),
        p99=_numbers([each.p99 for each in figures]),
        in_flight=_numbers([each.in_flight for each in figures]),
    )


def _numbers(values: Sequence[float]) -> list[float | None]:
    """JSON has no word for what is not known but null."""
    return [None if math.isnan(value) else value for value in values]


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/services/{service}/load",
        "Requests, errors, times and what was in flight of each color in the last minutes",
        get_load,
        LoadQuery,
        NoBody,
        answers={HTTPStatus.OK: LoadAnswer},
        problems=(RefusalCode.SERVICE_NOT_FOUND,),
    ),
)

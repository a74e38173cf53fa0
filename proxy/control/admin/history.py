"""The route of the history: who changed what, when and why."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.control.admin import views
from proxy.control.admin.answers import HistoryAnswer
from proxy.control.admin.problems import AdminCode
from proxy.control.admin.requests import HistoryQuery, NoBody
from proxy.control.admin.route import AnyRoute, Call, Route, answered


async def list_history(call: Call[HistoryQuery, NoBody]) -> web.Response:
    """A page of it."""
    query = call.query
    entries = await call.context.store.journal(service=query.service, before=query.before, limit=query.limit)
    more = entries[-1].id if len(entries) == query.limit else None
    return answered(HistoryAnswer(entries=[views.entry(entry) for entry in entries], next_before=more))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/history",
        "What was changed, by whom, when and why, newest first",
        list_history,
        HistoryQuery,
        NoBody,
        answers={HTTPStatus.OK: HistoryAnswer},
        problems=(AdminCode.STORE_UNAVAILABLE,),
    ),
)

"""Routes of the config file."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from proxy.config.settings import Role
from proxy.control.admin import views
from proxy.control.admin.answers import LastReloadAnswer, ReloadAnswer
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.requests import NoBody, NoQuery
from proxy.control.admin.route import AnyRoute, Call, Route, answered

_PATH = "/v1/reload"


async def last_reload(call: Call[NoQuery, NoBody]) -> web.Response:
    """What became of it."""
    last = call.context.reloading.last
    return answered(LastReloadAnswer(last=views.reload(last) if last else None))


async def reload(call: Call[NoQuery, NoBody]) -> web.Response:
    """Now."""
    result = await call.context.reloading.reload(call.by)
    if not result.ok:
        problems = list(result.problems)
        detail = "the config file is not served, the old one goes on: " + "; ".join(problems)
        raise Problem(AdminCode.CONFIG_REFUSED, detail, problems=problems)
    return answered(views.reload(result))


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        _PATH,
        "What became of the config file when it was last read again",
        last_reload,
        NoQuery,
        NoBody,
        answers={HTTPStatus.OK: LastReloadAnswer},
    ),
    Route(
        "POST",
        _PATH,
        "Read the config file again, as the signal HUP does",
        reload,
        NoQuery,
        NoBody,
        role=Role.ADMIN,
        answers={HTTPStatus.OK: ReloadAnswer},
        problems=(AdminCode.CONFIG_REFUSED,),
    ),
)

"""The routes of the page: who asks, may they, what for, and a frame around what is shown.

They are no part of the API and of its document: an answer is for people, and nobody should parse it. Errors are pages
too, for whoever asks for pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

from aiohttp import hdrs, web
from markupsafe import Markup
from pydantic import BaseModel

import proxy
from proxy.config.settings import Role
from proxy.control.admin.auth import Identity
from proxy.control.admin.bodies import parse_query
from proxy.control.admin.context import AdminContext
from proxy.control.admin.problems import STATUS, AdminCode, Problem
from proxy.control.admin.sessions import identified, session_of
from proxy.control.page.moments import Moments
from proxy.control.page.reading import Program, program
from proxy.control.page.rendering import render

Q = TypeVar("Q", bound=BaseModel)

PAGE_TYPE: Final = "text/html; charset=utf-8"
_HEADERS: Final = {hdrs.CONTENT_TYPE: PAGE_TYPE, hdrs.CACHE_CONTROL: "no-store", hdrs.VARY: "Accept, Cookie"}


@dataclass(frozen=True, slots=True)
class Visit(Generic[Q]):
    """Somebody who may, looking at one page."""

    context: AdminContext
    request: web.Request
    query: Q
    steering: bool
    """Whether they may change something, and so are shown buttons."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a page shows, without the frame."""

    title: str
    content: Markup
    live: bool = True
    """Whether it is worth looking again."""


Handler = Callable[[Visit[Q]], Awaitable[Body]]


@dataclass(frozen=True, slots=True)
class PageRoute(Generic[Q]):
    """One page: what can be asked for is in its path and its query."""

    path: str
    query: type[Q]
    handler: Handler[Q]


class Site:
    """Serves pages. What is the same for everybody with the same role is rendered once for a moment."""

    def __init__(self, context: AdminContext) -> None:
        self._context = context
        self._moments: Moments[Body] = Moments(context.clock)

    def endpoint(self, route: PageRoute[Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What takes the requests of one route."""

        async def serve(request: web.Request) -> web.StreamResponse:
            identity = identified(request, self._context.tokens)
            query = parse_query(request, route.query)
            visit = Visit(self._context, request, query, identity.role >= Role.OPERATOR)
            key = (route.path, tuple(request.match_info.items()), query, visit.steering, self._context.events.last_id)
            body = await self._moments.get(key, lambda: route.handler(visit))
            return page_response(self._framed(request, body, identity))

        return serve

    def _framed(self, request: web.Request, body: Body, identity: Identity) -> Markup:
        session = session_of(request) if self._context.tokens else None
        return frame(
            body,
            program=program(self._context),
            identity=identity,
            csrf=session.csrf if session else "",
            steering=identity.role >= Role.OPERATOR,
        )


def frame(
    body: Body,
    *,
    program: Program | None = None,
    identity: Identity | None = None,
    csrf: str = "",
    steering: bool = False,
) -> Markup:
    """A whole page. Without ``program`` and ``identity``, for somebody who may not know anything, it tells nothing."""
    return render(
        "frame.html",
        title=body.title,
        content=body.content,
        live=body.live,
        program=program,
        identity=identity,
        csrf=csrf,
        steering=steering,
        version=proxy.__version__,
    )


def page_response(page: Markup, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A page as an answer."""
    return web.Response(status=status, body=page.encode(), headers=_HEADERS)


def wants_page(request: web.Request) -> bool:
    """Whether who asks is a browser that would show a page."""
    kinds = (each.partition(";") for each in request.headers.get(hdrs.ACCEPT, "").lower().split(","))
    return any(kind.strip() == "text/html" and rest.replace(" ", "") != "q=0" for kind, _, rest in kinds)


def problem_page(request: web.Request, problem: Problem) -> web.Response | None:
    """A problem as a page; ``None`` where the problem document is what was asked for."""
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) or request.path.startswith("/v1/"):
        return None
    if not wants_page(request):
        return None
    status = STATUS[problem.code]
    if problem.code is AdminCode.UNAUTHORIZED:
        response = sign_in_form(request, request.path_qs, status=status)
    else:
        content = render("problem.html", status=status, detail=problem.detail, code=problem.code.value)
        response = page_response(frame(Body(status.phrase, content, live=False)), status)
    response.headers.update(problem.headers)
    return response


def sign_in_form(
    request: web.Request, next_path: str, complaint: str = "", status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    """The form in which a token is shown.

    A browser that followed a link of another site sends no cookie of ours along, though it may have one; it sends it
    when it looks again by itself.
    """
    look_again = request.headers.get("Sec-Fetch-Site") == "cross-site" and not complaint
    content = render("sign_in.html", next=next_path, complaint=complaint)
    page = render("bare.html", title="Sign in", content=content, look_again=look_again)
    return page_response(page, status)


def see_other(path: str) -> web.Response:
    """Send a browser on to a path of ours."""
    return web.Response(
        status=HTTPStatus.SEE_OTHER,
        headers={hdrs.LOCATION: path, hdrs.CACHE_CONTROL: "no-store"},
    )

"""Signing in with a token, and out again."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from aiohttp import hdrs, web

from proxy.control.admin.auth import find_token
from proxy.control.admin.bodies import BODY_TIMEOUT, parse_query
from proxy.control.admin.context import AdminContext
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.admin.sessions import COOKIE, LASTS, SESSIONS, session_of
from proxy.control.page.queries import SignInQuery
from proxy.control.page.site import see_other, sign_in_form

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 8 * 1024
_MOST_FIELDS: Final = 16

_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of ours: with a second slash or a backslash, a browser would take what follows for another host."""


class Doorkeeping:
    """Lets in who has a token."""

    def __init__(self, context: AdminContext) -> None:
        self._tokens = context.tokens

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """The form; whoever needs none is sent on."""
        wanted = own_path(parse_query(request, SignInQuery).next)
        if not self._tokens or session_of(request):
            return see_other(wanted)
        return sign_in_form(request, wanted)

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Open a session for who shows a token."""
        form = await _form(request)
        wanted = own_path(form.get("next", "/"))
        if not self._tokens:
            return see_other(wanted)
        token = find_token(self._tokens, form.get("token", ""))
        if token is None:
            return sign_in_form(request, wanted, "This token is not known.", HTTPStatus.UNAUTHORIZED)
        response, sessions = see_other(wanted), request.app[SESSIONS]
        sessions.close(request.cookies.get(COOKIE, ""))
        response.set_cookie(
            COOKIE,
            sessions.open(token),
            max_age=int(LASTS),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=request.headers.get(hdrs.ORIGIN, "").startswith("https:"),
        )
        return response

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session. Raises :class:`Problem` (403) where its own page did not ask for that."""
        form, session = await _form(request), session_of(request)
        if session is not None and not session.permits(form.get("csrf", "")):
            raise Problem(AdminCode.CSRF_FAILED, "only our own page can sign somebody out")
        request.app[SESSIONS].close(request.cookies.get(COOKIE, ""))
        response = see_other("/sign-in")
        response.del_cookie(COOKIE, path="/")
        return response


def own_path(wanted: str) -> str:
    """Where to go after signing in: what was asked for, if it is a page of ours, or else the first page."""
    return wanted if _OWN_PATH.fullmatch(wanted) else "/"


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form. Raises :class:`Problem`: it is none, too large, or too slow."""
    if request.content_type != _FORM:
        raise Problem(AdminCode.UNSUPPORTED_MEDIA_TYPE, f"a form has to be Content-Type: {_FORM}")
    if (request.content_length or 0) > _MOST_BYTES:
        raise Problem(AdminCode.BODY_TOO_LARGE, f"a form may have {_MOST_BYTES} bytes", limit=_MOST_BYTES)
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise Problem(AdminCode.BODY_TOO_SLOW, f"the form did not arrive within {BODY_TIMEOUT:g} s") from None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(AdminCode.BAD_REQUEST, f"a form may have {_MOST_FIELDS} fields") from None
    return {name: values[-1] for name, values in fields.items()}

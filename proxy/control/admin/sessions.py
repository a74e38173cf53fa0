"""Who is signed in at the page: sessions in memory, each with a secret for its cookie and another against forgery.

A cookie goes along with whatever a browser sends here, so a change that comes with one has to show two more things:
that it comes from our own page (Origin), and the session's second secret, which no other page can read.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from proxy.control.admin.auth import Identity, Token, authenticated
from proxy.control.admin.guard import HARMLESS
from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.clock import Clock

COOKIE: Final = "bluegreen_session"
CSRF_FIELD: Final = "X-CSRF-Token"

LASTS: Final = 12 * 3600.0
"""Seconds from signing in until one has to do so again."""

MOST: Final = 32
"""Sessions of one token at the same time; one more ends the oldest."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that has shown a token."""

    identity: Identity
    until: float
    """Seconds of the monotonic clock."""
    csrf: str = field(repr=False)
    """What its page sends along with every change."""

    def permits(self, csrf: str) -> bool:
        """Whether this is the secret that only its own page knows."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogateescape"))


class Sessions:
    """All sessions. They end with the program, after some hours, or when somebody signs out."""

    def __init__(self, clock: Clock) -> None:
        """Nobody is signed in yet."""
        self._clock = clock
        self._by_digest: dict[bytes, Session] = {}

    def open(self, token: Token) -> str:
        """Sign the holder of a token in. Gives the secret for the cookie; only its digest is kept."""
        now, identity = self._clock.monotonic(), Identity(token.name, token.role)
        self._by_digest = {digest: each for digest, each in self._by_digest.items() if each.until > now}
        own = [digest for digest, each in self._by_digest.items() if each.identity == identity]
        for oldest in own[: max(0, len(own) - MOST + 1)]:
            del self._by_digest[oldest]
        secret = secrets.token_urlsafe(32)
        self._by_digest[_digest(secret)] = Session(identity, now + LASTS, secrets.token_urlsafe(32))
        return secret

    def find(self, secret: str) -> Session | None:
        """The session of a cookie; ``None`` if it is over, or never was."""
        session = self._by_digest.get(_digest(secret))
        return session if session is not None and session.until > self._clock.monotonic() else None

    def close(self, secret: str) -> None:
        """Sign out. A session that is over already is no error."""
        self._by_digest.pop(_digest(secret), None)

    def __len__(self) -> int:
        return len(self._by_digest)


SESSIONS = web.AppKey("sessions", Sessions)


def session_of(request: web.Request) -> Session | None:
    """The session of a request's cookie, if there is one."""
    secret = request.cookies.get(COOKIE)
    return request.app[SESSIONS].find(secret) if secret else None


def identified(request: web.Request, tokens: tuple[Token, ...]) -> Identity:
    """Who asks, by a bearer token or, where there is none, by a session.

    Raises:
        Problem: nobody that we know (401), or a change that did not come from our own page (403).
    """
    session = session_of(request) if tokens and hdrs.AUTHORIZATION not in request.headers else None
    if session is None:
        return authenticated(request, tokens)
    if request.method not in HARMLESS:
        _refuse_forged(request, session)
    return session.identity


def _refuse_forged(request: web.Request, session: Session) -> None:
    """Whose page an Origin is of was looked at before; here it must not be missing."""
    if hdrs.ORIGIN not in request.headers:
        raise Problem(AdminCode.ORIGIN_NOT_ALLOWED, "a change by somebody who is signed in has to name its Origin")
    if not session.permits(request.headers.get(CSRF_FIELD, "")):
        raise Problem(AdminCode.CSRF_FAILED, f"a change by somebody who is signed in needs {CSRF_FIELD}")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()

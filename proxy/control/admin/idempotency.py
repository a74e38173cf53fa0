"""Idempotency-Key: a call that is made again after a lost answer is answered again and not carried out again.

Only answers to calls that did something are kept: what was refused changed nothing, and may be tried again. They are
kept in memory, so a restart of the program forgets them.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from proxy.control.admin.problems import AdminCode, Problem
from proxy.control.clock import Clock

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""Set on an answer that is given again."""

KEPT_SECONDS = 24 * 3600.0
KEPT_ANSWERS = 1_000
"""Beyond so many the oldest answer is forgotten early."""

_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key as somebody used it: whose it is, and for what request."""

    key: str
    by: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    at: float
    answer: web.Response | None
    """``None`` while the call is being carried out."""


def key_use(request: web.Request, body: bytes, by: str) -> KeyUse | None:
    """The use of a key that a request makes, or ``None`` without one. Raises :class:`Problem` for a malformed key."""
    keys = request.headers.getall(HEADER, [])
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Problem(AdminCode.INVALID_IDEMPOTENCY_KEY, f"{HEADER} must be one word of 1 to 255 visible ASCII letters")
    parts = (request.method, request.raw_path, request.headers.get("If-Match", ""))
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape") + b"\n" + body)
    return KeyUse(keys[0], by, digest.digest())


class IdempotentAnswers:
    """The answers given to calls with a key, for a day."""

    def __init__(self, clock: Clock) -> None:
        """None yet."""
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def answer(self, use: KeyUse, carry_out: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """The answer kept for this use, or that of carrying it out now.

        Raises:
            Problem: the key was used for another request, or the same request is still being carried out.
        """
        self._forget()
        place = (use.by, use.key)
        known = self._kept.get(place)
        if known is not None:
            return _again(known, use)
        begun = self._clock.monotonic()
        self._kept[place] = _Kept(use.fingerprint, begun, None)
        try:
            response = await carry_out()
        except BaseException:
            del self._kept[place]
            raise
        self._kept[place] = _Kept(use.fingerprint, begun, response)
        return _copy(response)

    def _forget(self) -> None:
        """Drop what is too old, and the oldest where there are too many; never what is being carried out."""
        too_old = self._clock.monotonic() - KEPT_SECONDS
        surplus = len(self._kept) - KEPT_ANSWERS + 1
        done = [place for place, kept in self._kept.items() if kept.answer is not None]
        for number, place in enumerate(done):
            if number < surplus or self._kept[place].at <= too_old:
                del self._kept[place]


def _again(known: _Kept, use: KeyUse) -> web.Response:
    if known.fingerprint != use.fingerprint:
        detail = f"{HEADER} {use.key} was used for another request; take a new key for each thing to do"
        raise Problem(AdminCode.IDEMPOTENCY_KEY_REUSED, detail)
    if known.answer is None:
        detail = "this very request is still being carried out; ask again when that is over"
        raise Problem(AdminCode.IDEMPOTENCY_IN_PROGRESS, detail, headers={"Retry-After": "1"})
    answer = _copy(known.answer)
    answer.headers[REPLAYED] = "true"
    return answer


def _copy(response: web.Response) -> web.Response:
    """An answer that can be sent: a response object serves one request only."""
    assert isinstance(response.body, bytes)
    return web.Response(status=response.status, body=response.body, headers=response.headers)

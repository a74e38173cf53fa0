"""Has a batch updated by a webhook: it is told by POST, and asked where it says so until it is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from proxy.control.clock import Clock
from proxy.control.gates.finding import Finding, Reply, Verdict, by_status, first_line, quoted, rest, wish
from proxy.control.gates.line import Hopeless, Line, NoReply, Question
from proxy.control.gates.webhook import telling
from proxy.control.hooks.call import Call
from proxy.control.hooks.moves import read_moves
from proxy.control.hooks.outcome import Answer
from proxy.traffic.gates import gate_url_complaint
from proxy.traffic.rollout.plan import WebhookHook

_MOST = 64 * 1024
"""Bytes that are read of an answer: it may name all servers of a batch."""

_STATUS_TIMEOUT = 10.0
"""Seconds for one answer about the status."""

_FIRST_REST, _LONGEST_REST = 1.0, 5.0
"""Seconds until the status is asked for, and at most; half as much again each time."""

_SHORTEST_REST = 0.1
"""Seconds between two requests at least, also where ``Retry-After`` says 0: it may say so for ten minutes."""

_ACCEPTED = 202

Said = tuple[Reply, Finding]
"""An answer, and what it comes to."""


class Telling:
    """One call of one webhook."""

    def __init__(
        self, hook: WebhookHook, call: Call, facts: Mapping[str, Any], line: Line, secret: bytes | None, clock: Clock
    ) -> None:
        """``facts`` is the operation as JSON-ready data; with a ``secret`` what is told is signed."""
        self._hook = hook
        self._call = call
        self._facts = dict(facts)
        self._line = line
        self._secret = secret
        self._clock = clock
        self._last = "nothing was heard of it"

    async def answer(self) -> Answer:
        """Tell it, and wait until it is done, or has failed, or its time is over."""
        try:
            async with asyncio.timeout(self._hook.timeout):
                reply, finding = await self._tell()
                if finding.verdict is Verdict.GO and reply.status == _ACCEPTED:
                    reply, finding = await self._follow(status_url(reply, self._hook.url), reply)
        except TimeoutError:
            return Answer(False, f"the webhook was not done within {self._hook.timeout:g} s: {self._last}")
        except (Hopeless, ValueError) as error:
            return Answer(False, f"the webhook cannot be asked: {quoted(str(error))}")
        if finding.verdict is not Verdict.GO:
            return Answer(False, f"the webhook {finding.detail}")
        try:
            return Answer(True, f"the webhook answered {reply.status}", _moves(reply, self._call))
        except ValueError as error:
            words = quoted(str(error))
            return Answer(False, f"the webhook answered {reply.status}, but what it says is of no use: {words}")

    async def _tell(self) -> Said:
        """Tell it until it has taken notice. Who hears it twice knows it by its id."""
        tries = 0
        while True:
            tries += 1
            said = await self._ask(self._question())
            if isinstance(said, tuple):
                return said
            await asyncio.sleep(max(_SHORTEST_REST, rest(tries, said.retry_after)))

    async def _follow(self, url: str, reply: Reply) -> Said:
        """Ask for the status until it is a final one."""
        tries, wished = 0, wish(reply.headers.get("Retry-After"), self._clock.wall())
        while True:
            tries += 1
            await asyncio.sleep(_pause(tries) if wished is None else max(_SHORTEST_REST, wished))
            said = await self._ask(Question("GET", url, _MOST), _STATUS_TIMEOUT)
            if not isinstance(said, tuple):
                wished = said.retry_after
            elif said[0].status == _ACCEPTED:
                wished = wish(said[0].headers.get("Retry-After"), self._clock.wall())
            else:
                return said

    async def _ask(self, question: Question, timeout: float | None = None) -> Said | Finding:
        """Ask once: the answer, or only why it was none that will last. Raises :class:`Hopeless`."""
        try:
            async with asyncio.timeout(timeout):
                reply = await self._line.send(question)
        except Hopeless:
            raise
        except NoReply as error:
            found = Finding(Verdict.AGAIN, str(error))
        except TimeoutError:
            found = Finding(Verdict.AGAIN, f"no answer within {timeout:g} s")
        else:
            found = by_status(reply, first_line(reply.body), self._clock.wall())
            self._last = f"it {found.detail}"
            return found if found.verdict is Verdict.AGAIN else (reply, found)
        self._last = found.detail
        return found

    def _question(self) -> Question:
        now = self._clock.wall()
        return telling(self._hook.url, self._told(now), at=now, secret=self._secret, most=_MOST)

    def _told(self, now: float) -> dict[str, Any]:
        call = self._call
        return {
            "id": call.identity,
            "action": call.action.value,
            "sent_at": now,
            "service": call.service,
            "color": call.color,
            "batch": call.batch,
            "upstreams": [{"address": server.address, "version_before": server.before} for server in call.servers],
            "version": call.version,
            "operation": self._facts,
        }


def status_url(reply: Reply, asked: str) -> str:
    """Where an answer of 202 wants to be asked. Raises ``ValueError`` with the reason where that is not possible.

    Args:
        reply: the answer.
        asked: the URL that gave it; its user and password go along as long as host and port are the same.
    """
    written = reply.headers.get("Location") or _named(reply.body)
    if not written:
        raise ValueError("it answered 202 without saying where to ask: neither Location nor status_url")
    try:
        url = urljoin(asked, written).partition("#")[0]
        ours, theirs = urlsplit(asked), urlsplit(url)
        same = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
    except ValueError:
        raise ValueError("where it answered 202 wants to be asked is no URL") from None
    if complaint := gate_url_complaint(url):
        raise ValueError(f"where it answered 202 wants to be asked is no such URL: it {complaint}")
    if same and "@" not in theirs.netloc:
        return theirs._replace(netloc=ours.netloc).geturl()
    return url


def _named(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    url = answer.get("status_url") if isinstance(answer, dict) else None
    return url if isinstance(url, str) else ""


def _pause(tries: int) -> float:
    return min(_FIRST_REST * 1.5 ** min(tries - 1, 10), _LONGEST_REST)


def _moves(reply: Reply, call: Call) -> Mapping[str, str]:
    """The new addresses that an answer names. What does not look like JSON is for people, and names none."""
    body = reply.body.strip()
    if not body or not (body.startswith(b"{") or "json" in reply.headers.get("Content-Type", "").lower()):
        return {}
    if not reply.whole:
        raise ValueError(f"it is longer than {_MOST // 1024} KiB")
    return read_moves(body, call)

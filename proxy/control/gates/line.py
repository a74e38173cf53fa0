"""The way to the gates: one HTTP request over a connection of its own, and what goes wrong on it in words.

Only what is in the gate's URL decides where a request goes: no proxy of the environment, no cookies, no redirects.
"""

from __future__ import annotations

import base64
import errno
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp

from proxy.config.reach import plain_ip, why_forbidden
from proxy.control.gates.finding import Reply

_UNKNOWN_NAME = "its name cannot be resolved"


class NoReply(Exception):
    """No whole answer came; the message says why, without naming the URL."""


class Hopeless(NoReply):
    """And none would come at another time: the address is forbidden, or the certificate is not trusted."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request."""

    method: str
    url: str
    """A user and a password in it are sent as basic authentication."""
    most: int
    """Bytes of the answer's body that are of interest."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class Line:
    """Sends requests."""

    def __init__(self) -> None:
        """To be made, used and closed within one event loop."""
        connector = aiohttp.TCPConnector(
            ssl=ssl.create_default_context(),
            limit=0,  # the timeout of a gate is not for waiting in a queue of ours
            force_close=True,  # gates are asked rarely; a connection kept that long may be gone
            use_dns_cache=False,
            resolver=aiohttp.ThreadedResolver(),
            socket_factory=_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(),  # none: who asks sets one for all of it
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Break off what is under way."""
        await self._session.close()

    async def send(self, question: Question) -> Reply:
        """Ask once; there is no time limit. Raises :class:`NoReply`, and nothing else."""
        try:
            return await self._send(question)
        except Exception as error:  # whatever a stranger's answer does to a library, it is no answer
            raise (Hopeless if _is_hopeless(error) else NoReply)(_words(error)) from error

    async def _send(self, question: Question) -> Reply:
        headers = {"User-Agent": "bluegreen", "Accept-Encoding": "identity", **question.headers}
        parts = urlsplit(question.url)
        user, named, host = parts.netloc.rpartition("@")
        if named:
            headers["Authorization"] = _basic(user)
        url = parts._replace(netloc=host).geturl()
        async with self._session.request(
            question.method, url, headers=headers, data=question.body, allow_redirects=False
        ) as answer:
            body = await _beginning(answer.content, question.most + 1)
            whole = len(body) <= question.most
            if not whole:
                answer.close()
            return Reply(answer.status, answer.headers, body[: question.most], whole)


def _basic(written: str) -> str:
    """What ``user:password`` of a URL is as a field (RFC 7617)."""
    user, _, password = written.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


async def _beginning(content: aiohttp.StreamReader, size: int) -> bytes:
    """So many bytes, or as many as there are."""
    found = bytearray()
    while len(found) < size and (piece := await content.read(size - len(found))):
        found += piece
    return bytes(found)


class _Forbidden(OSError):
    """The address is none that we let somebody send us to."""


def _socket(info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
    """A socket for one of the addresses that a name stands for: looked at here, where it can no longer change."""
    family, kind, protocol, _, address = info
    if reason := why_forbidden(plain_ip(str(address[0]).partition("%")[0])):
        raise _Forbidden(errno.EACCES, reason)
    return socket.socket(family, kind, protocol)


def _is_hopeless(error: Exception) -> bool:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return True
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _Forbidden)


def _words(error: Exception) -> str:
    """Why there is no answer. Only words of ours and of the system: those of libraries may quote the URL."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return _UNKNOWN_NAME
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "")
            return "its certificate is not trusted" + (f": {reason}" if reason else "")
        case aiohttp.ClientSSLError():
            return "it does not speak TLS as we do"
        case aiohttp.ClientConnectorError():
            return _no_connection(error.os_error)
        case aiohttp.ClientResponseError():
            return "what it answered is not HTTP"
        case aiohttp.ClientError() | OSError():
            return "the connection broke off before the whole answer was there"
    return f"it could not be asked ({type(error).__name__})"


def _no_connection(error: OSError) -> str:
    if isinstance(error, _Forbidden):
        return str(error.strerror)
    if isinstance(error, socket.gaierror):
        return _UNKNOWN_NAME
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return f"no connection: {os.strerror(error.errno)}" if error.errno else "no connection"

"""Calls to the admin API over TCP or a unix socket, with the standard library alone so that the command starts fast."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

DEFAULT_ADMIN = "127.0.0.1:9000"
DEFAULT_PORT = 9000

CALL_TIMEOUT = 30.0
"""Seconds for one call that is not asked to wait for anything."""

JSON_TYPES = ("application/json", "application/problem+json")


class Unreachable(Exception):
    """Nobody who speaks for a front door answers at the admin address.

    ``sent`` tells whether the call may have been carried out all the same.
    """

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class Problem(Exception):
    """The admin API refused a call (RFC 9457). ``code`` is stable, ``detail`` is for people."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.detail = str(document.get("detail") or document.get("title") or f"status {status}")
        self.document = document
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer of the admin API."""

    status: int
    body: dict[str, Any]


class AdminClient:
    """One admin API; a connection for each call."""

    def __init__(self, address: str, token: str | None) -> None:
        """``address`` is ``host:port``, ``http://host:port`` or ``unix:PATH``.

        Raises:
            ValueError: it is none of these, or the token cannot be one.
        """
        self.address = address
        self._token = (token or "").strip()
        if not (self._token.isascii() and self._token.isprintable()):
            raise ValueError("a token has printable ASCII characters only")
        self._unix = address.removeprefix("unix:") if address.startswith("unix:") else None
        parts = urlsplit(address if "//" in address else f"//{address}")
        speakable = parts.scheme in ("", "http") and parts.hostname and parts.hostname.isprintable()
        if self._unix is None and (not speakable or " " in str(parts.hostname)):
            raise ValueError(f"{address!r} is no admin address: give host:port, http://host:port or unix:PATH")
        self._host, self._port = parts.hostname or "localhost", parts.port or DEFAULT_PORT

    def get(self, path: str, *, timeout: float = CALL_TIMEOUT) -> dict[str, Any]:
        """What can be read at a path. Raises as :meth:`call` does."""
        return self.call("GET", path, timeout=timeout).body

    def call(self, method: str, path: str, body: object = None, *, timeout: float = CALL_TIMEOUT) -> Reply:
        """Make one call.

        Raises:
            Unreachable: no connection, or no answer that an admin API would give, within ``timeout`` seconds.
            Problem: the admin API refused.
        """
        connection = self._connection(timeout)
        sent = False
        try:
            connection.connect()
            sent = method != "GET"
            connection.request(method, path, None if body is None else json.dumps(body), self._headers(body))
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise Unreachable(f"no admin API answers at {self.address}: {_reason(error)}", sent=sent) from error
        finally:
            connection.close()
        return self._reply(response, data)

    def _headers(self, body: object) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self._unix is not None:
            return _UnixConnection(self._unix, timeout)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def _reply(self, response: http.client.HTTPResponse, data: bytes) -> Reply:
        try:
            document = json.loads(data) if response.headers.get_content_type() in JSON_TYPES else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            detail = f"what answers at {self.address} is no admin API (status {response.status}); is it the front door?"
            raise Unreachable(detail, sent=False)
        if response.status >= 400:
            raise Problem(response.status, document)
        return Reply(response.status, document)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__

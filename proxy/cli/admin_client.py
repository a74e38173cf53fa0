"""Calls to the admin API over TCP or a unix socket, with the standard library alone so that the command starts fast."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

DEFAULT_ADMIN = "127.0.0.1:9000"

CALL_TIMEOUT = 30.0
"""Seconds for one call that is not asked to wait for anything."""


class Unreachable(Exception):
    """Nobody answers at the admin address."""


class Problem(Exception):
    """The admin API refused a call (RFC 9457). ``code`` is stable, ``detail`` is for people."""

    def __init__(self, status: int, code: str, detail: str, document: dict[str, Any]) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.document = document


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer of the admin API."""

    status: int
    body: Any


class AdminClient:
    """One admin API; a connection for each call."""

    def __init__(self, address: str, token: str | None) -> None:
        """``address`` is ``host:port``, ``http://host:port`` or ``unix:PATH``.

        Raises:
            ValueError: it is none of these.
        """
        self._address = address
        self._token = token
        self._unix = address.removeprefix("unix:") if address.startswith("unix:") else None
        parts = urlsplit(address if "//" in address else f"//{address}")
        if self._unix is None and (parts.hostname is None or parts.scheme not in ("", "http")):
            raise ValueError(f"{address!r} is no admin address: give host:port, http://host:port or unix:PATH")
        self._host, self._port = parts.hostname or "localhost", parts.port or 9000

    def get(self, path: str, *, timeout: float = CALL_TIMEOUT) -> Reply:
        """Read something. Raises as :meth:`call` does."""
        return self.call("GET", path, timeout=timeout)

    def call(self, method: str, path: str, body: object = None, *, timeout: float = CALL_TIMEOUT) -> Reply:
        """Make one call.

        Raises:
            Unreachable: no connection, or none that speaks HTTP, within ``timeout`` seconds.
            Problem: the admin API refused.
        """
        connection = self._connection(timeout)
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no admin API answers at {self._address}: {error}") from error
        finally:
            connection.close()
        return _reply(response.status, data)

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self._unix is not None:
            return _UnixConnection(self._unix, timeout)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _reply(status: int, data: bytes) -> Reply:
    try:
        body = json.loads(data) if data else None
    except ValueError as error:
        raise Unreachable("whatever answers at the admin address does not speak JSON: is it the front door?") from error
    if status < 400:
        return Reply(status, body)
    document = body if isinstance(body, dict) else {}
    raise Problem(status, str(document.get("code", "unknown")), str(document.get("detail", "")), document)

"""One export on the wire: a POST to the collector, with bounds on everything that it may do to us."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]

LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer's body that are read."""

COME_BACK = frozenset({429, 502, 503, 504})
"""Statuses by which a collector asks to be sent the same again later (OTLP/HTTP, failures)."""


class NotDelivered(Exception):
    """The message says why."""


class Later(NotDelivered):
    """And it may be of use to send the same once more."""


def deliver(url: str, headers: Headers, body: bytes, *, timeout: float) -> bytes:
    """Send one export; gives the body of the answer, which is the collector's word on it.

    ``timeout`` is the seconds for a connection and for each read; the whole may take twice as long.

    Raises:
        NotDelivered: it was refused, or there was no whole answer in time.
    """
    connection = _connection(url, timeout)
    with closing(connection):
        try:
            connection.connect()
            with _hung_up_after(connection.sock, 2 * timeout):
                return _post(connection, urlsplit(url).path, headers, body)
        except TimeoutError as error:
            raise Later(f"no answer within {timeout:g} s") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Later(str(error) or type(error).__name__) from error


def _connection(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=timeout)


def _post(connection: http.client.HTTPConnection, path: str, headers: Headers, body: bytes) -> bytes:
    fields = {"Content-Type": "application/x-protobuf", "Connection": "close", **dict(headers)}
    connection.request("POST", path, body, fields)
    response = connection.getresponse()
    answer = response.read(LONGEST_ANSWER)
    if response.length and len(answer) < LONGEST_ANSWER:
        raise http.client.IncompleteRead(answer, response.length)
    if response.status in COME_BACK:
        raise Later(f"answered {response.status}")
    if not 200 <= response.status < 300:
        raise NotDelivered(f"answered {response.status}")
    return answer if response.headers.get_content_type() == "application/x-protobuf" else b""


@contextmanager
def _hung_up_after(sock: socket.socket, seconds: float) -> Iterator[None]:
    """End the connection then: the socket's own limit is for each read, and an answer can come byte by byte.

    By a second descriptor, so that what TLS knows of the first one is left alone.
    """
    with socket.socket(fileno=os.dup(sock.fileno())) as same:
        over = threading.Event()
        timer = threading.Timer(seconds, _hang_up, [same, over])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
    if over.is_set():  # and so what was read is no whole answer, though it may look like one
        raise TimeoutError


def _hang_up(sock: socket.socket, over: threading.Event) -> None:
    over.set()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)

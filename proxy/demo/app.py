"""The demo application: ``python -m proxy.demo.app --color blue --version v1 --listen 127.0.0.1:9001``.

It answers ``/`` with a line that says who it is, ``/healthz`` with 200, ``/slow?seconds=2`` after a while, and whatever
comes with a body with that body. It tells its color and version in fields of every answer.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_SLOW = 60.0
"""Seconds that ``/slow`` may be asked to take."""

MAX_BODY = 16 * 1024 * 1024
"""Bytes of a body that is sent back."""


class App(ThreadingHTTPServer):
    """One server of the demo application; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, host: str, port: int, *, color: str, version: str) -> None:
        """Listen at once; serve with :meth:`serve_forever`."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.color = color
        self.version = version
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Listen, without asking for this machine's name, which can take a while and is not needed."""
        super(ThreadingHTTPServer, self).server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is nothing to tell about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Answers over connections that are kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: App

    def do_GET(self) -> None:
        """Say who answers; send a body back."""
        try:
            body = self._body()
        except ValueError as error:
            self.close_connection = True
            self._answer(400, f"{error}\n".encode())
            return
        url = urlsplit(self.path)
        if url.path == "/slow":
            time.sleep(_seconds(url.query))
        app = self.server
        self._answer(200, body or f"hello from {app.color} {app.version} on port {app.server_port}\n".encode())

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the base class asks for these

    def _body(self) -> bytes:
        """The whole body, so that the next request on this connection begins where this one ends."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunked()
        return self._exactly(int(self.headers.get("Content-Length") or 0))

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(1024).partition(b";")[0], 16):
            body += self._exactly(size, already=len(body))
            self.rfile.readline(3)
        while self.rfile.readline(65_536).strip():
            pass  # trailers
        return body

    def _exactly(self, size: int, *, already: int = 0) -> bytes:
        if not 0 <= size <= MAX_BODY - already:
            raise ValueError(f"a body may have {MAX_BODY} bytes")
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionResetError("the client went away in the middle of a body")
        return data

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Color", self.server.color)
        self.send_header("X-Version", self.server.version)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent: the front door's access log tells it all."""


def _seconds(query: str) -> float:
    """What ``/slow`` was asked for; 1 where that is no number."""
    with contextlib.suppress(ValueError):
        seconds = float(parse_qs(query).get("seconds", ["1"])[0])
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), MAX_SLOW)
    return 1.0


def main() -> None:
    """Serve until TERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m proxy.demo.app", description="The demo application.")
    parser.add_argument("--color", default="blue")
    parser.add_argument("--version", default="v1")
    parser.add_argument("--listen", default="127.0.0.1:9001", metavar="HOST:PORT")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    # The first process of a container is not ended by a TERM that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        try:
            app = App(host.strip("[]"), int(port), color=options.color, version=options.version)
        except (OSError, ValueError, OverflowError) as error:
            sys.exit(f"cannot listen on {options.listen}: {error}")
        app.serve_forever()


if __name__ == "__main__":
    main()

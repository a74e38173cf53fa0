"""The demo application: ``python -m proxy.demo.app --color blue --version v1 --listen 127.0.0.1:9001``.

It answers ``/`` with a line that says who it is, ``/healthz`` with 200, ``/slow?seconds=2`` after a while, and a POST with what
it was sent. It tells its color and version in fields of every answer.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_SLOW = 60.0
"""Seconds that ``/slow`` may be asked to take."""


class App(ThreadingHTTPServer):
    """One server of the demo application; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, host: str, port: int, *, color: str, version: str) -> None:
        """Listen at once; serve with :meth:`serve_forever`."""
        super().__init__((host, port), Handler)
        self.color = color
        self.version = version


class Handler(BaseHTTPRequestHandler):
    """Answers over connections that are kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: App

    def do_GET(self) -> None:
        """Say who answers."""
        url = urlsplit(self.path)
        if url.path == "/slow":
            seconds = parse_qs(url.query).get("seconds", ["1"])[0]
            with contextlib.suppress(ValueError):
                time.sleep(min(float(seconds), MAX_SLOW))
        app = self.server
        self._answer(f"hello from {app.color} {app.version} on port {app.server_port}\n".encode())

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Send the body back."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Color", self.server.color)
        self.send_header("X-Version", self.server.version)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Stay silent: the front door's access log tells it all."""


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m proxy.demo.app", description="The demo application.")
    parser.add_argument("--color", default="blue")
    parser.add_argument("--version", default="v1")
    parser.add_argument("--listen", default="127.0.0.1:9001", metavar="HOST:PORT")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    with contextlib.suppress(KeyboardInterrupt):
        App(host, int(port), color=options.color, version=options.version).serve_forever()


if __name__ == "__main__":
    main()

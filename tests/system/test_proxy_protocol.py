"""The program behind a balancer that speaks the PROXY protocol."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import struct
import threading
from collections.abc import Iterator
from email.message import Message
from ipaddress import ip_address
from pathlib import Path

import pytest

from proxy.http1.proxy_protocol import SIGNATURE
from tests.harness.fleet import Fleet
from tests.harness.processes import free_port, wait_until
from tests.harness.program import Program

GET = b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"
PACKED = ip_address("2001:db8::7").packed
BINARY = SIGNATURE + struct.pack("!BBH", 0x21, 0x21, 36) + PACKED * 2 + struct.pack("!HH", 40000, 443)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        if self.path == "/who":
            self.server.seen.append(self.headers)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """Remembers what it was asked with."""

    seen: list[Message]


@pytest.fixture
def upstream() -> Iterator[_Server]:
    """A server in this process."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _ask(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(65536):
                answer += piece
        return answer


@pytest.mark.system
@pytest.mark.paced
def test_the_client_is_known_from_end_to_end(tmp_path: Path, upstream: _Server) -> None:
    """Both versions: the upstream and the access log are told of the client. The listener beside it is as ever."""
    log, balanced = tmp_path / "access.log", free_port()
    program = Program(tmp_path, Fleet(tmp_path, blue=0, green=0))
    program.config["listen"].append({"address": f"127.0.0.1:{balanced}", "proxy_protocol": True})
    program.config["access_log"] = {"format": "json", "path": str(log)}
    program.service_config["pools"]["blue"]["upstreams"] = [f"127.0.0.1:{upstream.server_port}"]
    program.write_config()
    with program:
        program.wait_healthy()
        for port, data in ((balanced, LINE + GET), (balanced, BINARY + GET), (program.door[1], GET)):
            assert _ask(port, data).startswith(b"HTTP/1.1 200 ")
        assert _ask(balanced, GET) == b""
        assert _ask(program.door[1], LINE + GET).startswith(b"HTTP/1.1 400 ")
        assert [seen["X-Forwarded-For"] for seen in upstream.seen] == ["192.0.2.7", "2001:db8::7", "127.0.0.1"]
        assert [seen["X-Real-IP"] for seen in upstream.seen] == ["192.0.2.7", "2001:db8::7", "127.0.0.1"]
        wait_until(lambda: log.read_text().count("\n") == 5, timeout=5, what="five lines in the access log")
        metrics = str(program.admin("GET", "/metrics").body)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {(line["client"], line["outcome"]) for line in lines} == {
        ("192.0.2.7", "finished"),
        ("2001:db8::7", "finished"),
        ("127.0.0.1", "finished"),
        ("127.0.0.1", "proxy_protocol"),
        ("127.0.0.1", "request_line"),
    }
    assert 'bluegreen_rejected_requests_total{reason="proxy_protocol"} 1' in metrics

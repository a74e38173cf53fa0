from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from proxy.dataplane.accounting import METHODS
from proxy.http1.errors import Reason
from proxy.shm.names import PauseReason
from proxy.shm.totals import WORKER_DIED
from proxy.traffic.retry import FailureReason
from tests.harness.processes import free_port
from tests.harness.program import Program
from tests.tools import require_tool

pytestmark = pytest.mark.system

CODES = {str(code) for code in range(100, 600)}
REASONS = {*Reason, *FailureReason, WORKER_DIED, *PauseReason, "stale_connection"} | {
    *("worker_full", "queue_full", "not_delivered"),
    *("max_forwards", "no_service", "no_upstream", "no_preview_upstream", "maintenance", "hold_full", "held_too_long"),
}
KNOWN = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT", "SEARCH")
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Whimsical:
    """Upstreams of both colors that answer with whatever stands in the query as their status line."""

    def __init__(self) -> None:
        self.port = free_port()
        self.blue, self.green = [self], [self]
        self._leaving = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), name="whimsical")
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"127.0.0.1:{self.port}"

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._ready.set()
        await self._leaving.wait()
        server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                line = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
                status = line.split()[1].partition(b"?")[2] or b"200"
                writer.write(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()

    def stop(self) -> None:
        """Serve no more."""
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A running front door with an upstream of each color, and previews by cookie."""
    upstreams = Whimsical()
    try:
        program = Program(tmp_path_factory.mktemp("program"), upstreams)
        program.service_config["preview"] = {"cookie": "bluegreen_color"}
        program.write_config()
        with program:
            program.wait_healthy()
            yield program
    finally:
        upstreams.stop()


def ask(program: Program, requests: list[str]) -> None:
    """Send whole heads on one connection, and wait for its end."""
    with socket.create_connection(program.door, timeout=30) as client, contextlib.suppress(ConnectionError):
        client.sendall("".join(requests).encode("latin-1"))
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass


def hostile(number: int) -> str:
    """A request of which everything is made up that passes, the status of its answer with it."""
    method, status = KNOWN[number % len(KNOWN)], 200 + number % 1000
    return (
        f"{method} /p{number}?{status} HTTP/1.1\r\nHost: h{number}.example\r\nContent-Length: 0\r\n"
        f"X-{number}: {number}\r\nX-Request-Id: {number}\r\nTraceparent: 00-{number:032x}-{number:016x}-01\r\n"
        f"Cookie: bluegreen_color=c{number}; u={number}\r\nUser-Agent: a{number}\r\n\r\n"
    )


def broken(number: int) -> str:
    """What is no request, each time in another way."""
    kinds = (
        f"M{number} / HTTP/1.1\r\nHost: a\r\n\r\n",
        f"G{number}\r\n\r\n",
        f"GET /{number} HTTP/{number}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x{number}\r\n\r\n",
        f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {number}x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a b{number}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: u{number}\r\nConnection: upgrade\r\nExpect: {number}\r\n\r\n",
    )
    return kinds[number % len(kinds)]


def attack(program: Program, numbers: range) -> None:
    """Send what is made up of these numbers."""
    for start in numbers[::100]:
        ask(program, [hostile(number) for number in range(start, start + 100)])
    for number in numbers[::20]:
        ask(program, [broken(number)])


def series(program: Program) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(str(program.admin("GET", "/metrics").body))
    return {(each.name, tuple(sorted(each.labels.items()))): each.value for every in families for each in every.samples}


def test_no_client_and_no_upstream_can_invent_a_label_value(program: Program) -> None:
    """Thousands of methods, hosts, paths, fields, ids, cookies and statuses: every label keeps to a fixed set.

    When all of them come again with other values, but for method and status, hardly a series is added.
    """
    attack(program, range(1000))
    first = series(program)
    attack(program, range(9000, 10_000))
    second = series(program)

    allowed = {
        "service": {"default"},
        "color": {"blue", "green"},
        "upstream": {str(program.service_config["pools"]["blue"]["upstreams"][0])},
        "code": CODES,
        "method": {*(method.decode() for method in METHODS), "OTHER"},
        "reason": REASONS,
    }
    strange = [pair for _, labels in second for pair in labels if pair[1] not in allowed.get(pair[0], {pair[1]})]
    assert strange == []
    answered = sum(value for (name, _), value in second.items() if name == "bluegreen_http_requests_total")
    assert answered >= 1900
    assert len(second.keys() - first.keys()) <= 5, second.keys() - first.keys()  # a retry, perhaps, by bad luck


def test_promtool_and_the_strict_parser_have_no_complaint(program: Program) -> None:
    """Of the real program with real numbers in both formats; exemplars carry ids of requests or traces."""
    ask(program, ["GET /?200 HTTP/1.1\r\nHost: a\r\n\r\n"] * 20)
    promtool = require_tool("promtool", package="prometheus")
    text = str(program.admin("GET", "/metrics").body)
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    answer = program.admin("GET", "/metrics", headers=OPENMETRICS)
    families = list(parse_openmetrics(answer.body))  # type: ignore[no-untyped-call] # the library's
    labels = [sample.exemplar.labels for each in families for sample in each.samples if sample.exemplar]
    assert labels
    for each in labels:
        assert re.fullmatch("[0-9a-f]{20}", each.get("request_id", "")) or re.fullmatch(
            "[0-9a-f]{32}", each["trace_id"]
        )


def test_a_large_answer_is_compressed_for_those_who_take_it(program: Program) -> None:
    """Prometheus takes gzip; whoever does not say so gets plain text."""
    for start in range(100, 600, 100):
        ask(program, [f"GET /?{code} HTTP/1.1\r\nHost: a\r\n\r\n" for code in range(max(start, 200), start + 100)])
    plain = program.admin("GET", "/metrics")
    assert "content-encoding" not in plain.headers
    raw = fetch(program, "Accept-Encoding: gzip\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert b"bluegreen_build_info" in gzip.decompress(body)
    assert len(body) < len(str(plain.body)) / 5


def fetch(program: Program, fields: str) -> bytes:
    """The bytes of one answer of ``/metrics``."""
    with socket.create_connection(program.admin_address, timeout=30) as client:
        client.sendall(f"GET /metrics HTTP/1.0\r\nHost: localhost\r\n{fields}\r\n".encode())
        return b"".join(iter(lambda: client.recv(65536), b""))

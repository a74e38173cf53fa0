from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from proxy.control.hooks.versions import read_version
from proxy.traffic.rollout.plan import VersionProbe
from proxy.traffic.spec import HealthCheck
from tests.control.checked import Checked, checked

CHECK = HealthCheck(path="/healthz", timeout=5.0, host="app.example")


@pytest.fixture
async def server() -> AsyncIterator[Checked]:
    """A server that says what it is told to."""
    async with checked() as server:
        yield server


@pytest.mark.parametrize(
    ("probe", "check", "path", "host"),
    [
        (VersionProbe("/version"), CHECK, "/version", "app.example"),
        (VersionProbe(), CHECK, "/healthz", "app.example"),
        (VersionProbe(), None, "/", None),
    ],
)
async def test_where_it_is_looked_at(
    server: Checked, probe: VersionProbe, check: HealthCheck | None, path: str, host: str | None
) -> None:
    """At the path that is named, or where health is checked."""
    await read_version(server.address, probe, check)
    first, second, *_ = server.asked[0].decode().split("\r\n")
    assert (first, second) == (f"GET {path} HTTP/1.1", f"Host: {host or server.address}")


@pytest.mark.parametrize(
    ("answer", "header", "version"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n v2.1 \r\nx", None, "v2.1"),
        (b"HTTP/1.1 200 OK\r\n\r\nv2.1", None, "v2.1"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nv2\r\n2\r\n.1\r\n0\r\n\r\n", None, "v2.1"),
        (b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 OK\r\n\r\nv2\x1b\x00\n", None, "v2"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000, None, "x" * 200),
        (b"HTTP/1.1 503 No\r\nX-version:  2.1 \r\nContent-Length: 0\r\n\r\n", "X-Version", "2.1"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nv2.1", None, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", None, None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nv2.1", "X-Version", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nv2", None, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", None, None),
        (b"SSH-2.0\r\n\r\n", None, None),
        (b"", None, None),
    ],
    ids=[
        *("length", "until close", "chunked", "interim", "long", "field", "an error", "nothing", "no field"),
        *("cut short", "bad chunk", "garbage", "silence"),
    ],
)
async def test_what_is_read(server: Checked, answer: bytes, header: str | None, version: str | None) -> None:
    """A field, or the first line of the body, fit to be shown; trouble of any kind is no version."""
    server.answer = answer
    assert await read_version(server.address, VersionProbe(header=header), CHECK) == version


async def test_who_says_nothing_has_no_version(server: Checked) -> None:
    """It has as long as a health check."""
    server.answer = None
    assert await read_version(server.address, VersionProbe(), HealthCheck(timeout=0.05)) is None


@pytest.mark.parametrize("path", ["version", "/a b", "/\r\nX: y", "/\u20ac"])
async def test_a_path_that_is_none(server: Checked, path: str) -> None:
    """Nothing is asked."""
    assert await read_version(server.address, VersionProbe(path), None) is None
    assert server.asked == []

from __future__ import annotations

import resource
import socket
from collections.abc import AsyncIterator

import pytest

from proxy.http1.response import MAX_RESPONSE_HEAD
from proxy.traffic.spec import HealthCheck
from proxy.upstream.address import split_address
from proxy.upstream.probe import ProbeReason, probe, reach, resolve
from tests.control.checked import Checked, checked

CHECK = HealthCheck(path="/healthz?deep=1", timeout=5.0)


@pytest.fixture
async def server() -> AsyncIterator[Checked]:
    """A server that is well."""
    async with checked() as server:
        yield server


async def test_a_good_answer_is_ok_and_the_request_is_plain(server: Checked) -> None:
    """GET with the path as configured and the address as Host, on a connection of its own."""
    assert (await probe(server.address, CHECK)).ok

    lines = server.asked[0].split(b"\r\n")
    assert lines[0] == b"GET /healthz?deep=1 HTTP/1.1"
    assert b"Host: " + server.address.encode() in lines
    assert b"Connection: close" in lines


async def test_the_host_can_be_configured(server: Checked) -> None:
    """For servers that answer by name."""
    await probe(server.address, HealthCheck(host="app.example"))

    assert b"\r\nHost: app.example\r\n" in server.asked[0]


@pytest.mark.parametrize(("status", "reason"), [(204, "ok"), (399, "ok"), (400, "status"), (503, "status")])
async def test_the_status_decides(server: Checked, status: int, reason: str) -> None:
    """Within the expected ranges it is good."""
    server.status(status)

    assert (await probe(server.address, CHECK)).reason == reason


async def test_interim_answers_are_passed_over(server: Checked) -> None:
    """The verdict is in the final answer."""
    server.answer = b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"

    result = await probe(server.address, CHECK)

    assert (result.reason, result.detail) == (ProbeReason.STATUS, "answered 500")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n", b"x" * (2 * MAX_RESPONSE_HEAD)]
)
async def test_what_is_no_answer_is_broken(server: Checked, answer: bytes) -> None:
    """Cut off, another protocol, garbage or too long: a result and no exception."""
    server.answer = answer

    assert (await probe(server.address, CHECK)).reason is ProbeReason.BROKEN


async def test_silence_is_a_timeout(server: Checked) -> None:
    """The whole probe has one deadline."""
    server.answer = None

    assert (await probe(server.address, HealthCheck(timeout=0.05))).reason is ProbeReason.TIMEOUT


async def test_nobody_there_is_refused() -> None:
    """A closed port says so at once."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert (await probe(f"127.0.0.1:{port}", CHECK)).reason is ProbeReason.REFUSED


async def test_a_connection_is_enough_where_nobody_says_how_to_ask() -> None:
    """Nothing is asked, nobody needs to answer; a closed port is no connection."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert (await reach(f"127.0.0.1:{silent.getsockname()[1]}", timeout=5.0)).ok
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert (await reach(f"127.0.0.1:{sock.getsockname()[1]}", timeout=5.0)).reason is ProbeReason.REFUSED


@pytest.mark.parametrize("address", ["no-such-host.invalid:80", f"{'a' * 64}.example:80", "a..b:80"])
async def test_a_name_that_means_nothing_is_unreachable(address: str) -> None:
    """Neither a missing name nor one that no DNS can hold ends in an exception."""
    assert (await probe(address, CHECK)).reason is ProbeReason.UNREACHABLE


async def test_addresses_are_resolved_and_split() -> None:
    """IPv6 addresses stand in brackets."""
    assert await resolve("127.0.0.1:80") == ["127.0.0.1"]
    assert split_address("[::1]:8080") == ("::1", 8080)


async def test_a_lack_of_our_own_says_nothing_of_the_upstream() -> None:
    """Without a descriptor to ask with, nobody is found to be ill."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        result = await probe("127.0.0.1:9", CHECK)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (result.reason, result.ok, result.telling) == (ProbeReason.NO_RESOURCES, False, False)

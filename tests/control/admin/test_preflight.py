from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from proxy.config.addresses import TcpAddress
from proxy.control.admin.preflight import resolve_all
from proxy.control.admin.problems import AdminCode, Code, Problem
from proxy.traffic.spec import ServiceSpec
from proxy.upstream.probe import resolve

HERE = TcpAddress("127.0.0.1", 9000)
EVERYWHERE = TcpAddress("0.0.0.0", 8080)


class Resolving:
    """Resolves, and probes nobody."""

    async def resolve(self, address: str) -> Sequence[str]:
        return await resolve(address)

    async def healthy(self, service: ServiceSpec, address: str) -> bool:
        raise NotImplementedError


async def refused(address: str) -> Code | None:
    """The code with which an address is refused."""
    try:
        await resolve_all(Resolving(), (HERE, EVERYWHERE), [address])
    except Problem as problem:
        return problem.code
    return None


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254:80",
        "[fe80::1]:80",
        "[fd00:ec2::254]:80",
        "[::ffff:169.254.0.1]:80",
        "224.0.0.1:80",
        "127.0.0.1:9000",
        "localhost:9000",
        "127.0.0.1:8080",
        "0.0.0.0:8080",
    ],
)
async def test_where_no_upstream_may_be(address: str) -> None:
    """Secrets of the cloud, groups, and this program itself."""
    assert await refused(address) is AdminCode.UPSTREAM_NOT_ALLOWED


@pytest.mark.parametrize("address", ["127.0.0.1:8081", "10.1.2.3:8080", "127.0.0.2:9000", "[::1]:9000"])
async def test_where_an_upstream_may_be(address: str) -> None:
    """The same port elsewhere, another port here."""
    assert await refused(address) is None


async def test_every_address_of_this_machine_leads_to_a_wildcard() -> None:
    """Also one that is not loopback, by whatever name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address would be used
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own = probe.getsockname()[0]
    assert await refused(f"{own}:8080") is AdminCode.UPSTREAM_NOT_ALLOWED
    assert await refused(f"{own}:8081") is None


async def test_a_name_that_stands_for_nothing() -> None:
    """Is found out before anything changes."""
    assert await refused("no-such-host.invalid:80") is AdminCode.UPSTREAM_NOT_RESOLVABLE

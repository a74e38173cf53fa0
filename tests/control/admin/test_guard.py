from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.addresses import TcpAddress, UnixAddress
from proxy.config.settings import Role
from proxy.control.admin.auth import Token, digest_of
from tests.control.admin.door import Api, running_admin
from tests.control.core import Core

SWITCH = "/v1/services/shop/switch"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9000", "localhost.", "127.0.0.1:9000", "[::1]:9000", "127.9.9.9"]
)
async def test_loopback_names_are_answered(api: Api, host: str) -> None:
    """However the operator spells this machine."""
    assert (await api.get("/v1/services", Host=host)).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9000", "localhost.evil.example", "10.0.0.1", "[::2]:1", ""]
)
async def test_other_names_are_refused(api: Api, host: str) -> None:
    """A name that was made to point here (DNS rebinding) gives itself away."""
    reply = await api.get("/v1/services", Host=host)
    assert (reply.status, reply.code) == (403, "host_not_allowed")


async def test_the_address_it_listens_on_is_answered(core: Core) -> None:
    """Whatever name the config gives it."""
    async with running_admin(core, listen=TcpAddress("door.internal", 9000)) as admin:
        assert (await admin.api.get("/livez", Host="door.internal:9000")).status == 200


async def test_a_unix_socket_has_no_name(core: Core) -> None:
    """No browser connects there."""
    async with running_admin(core, listen=UnixAddress(Path("/run/admin.sock"))) as admin:
        assert (await admin.api.get("/livez", Host="anything")).status == 200


async def test_with_tokens_any_name_will_do(core: Core) -> None:
    """In a container network the name is the container's, and a page has no token."""
    async with running_admin(core, tokens=(Token("ci", Role.VIEWER, digest_of(b"s")),)) as admin:
        assert (await admin.api.get("/v1/services", Host="front:9000", Authorization="Bearer s")).status == 200
        assert (await admin.api.get("/v1/services", Host="front:9000")).status == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "http://[", ""])
async def test_pages_of_others_change_nothing(api: Api, origin: str) -> None:
    """Not even a call without a body, which a browser sends without asking first."""
    reply = await api.call("POST", SWITCH, {"to": "green"}, Origin=origin)
    assert (reply.status, reply.code) == (403, "origin_not_allowed")
    assert (await api.shop())["revision"] == 1


async def test_our_own_page_may_change_things(api: Api) -> None:
    """Same origin."""
    reply = await api.call("POST", SWITCH, {"to": "green"}, Origin=f"http://127.0.0.1:{api.port}")
    assert reply.status == 200

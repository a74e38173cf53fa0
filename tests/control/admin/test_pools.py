from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, Api
from tests.control.core import until

POOL = "/v1/services/shop/pools/{}"


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    """The address of a server that is healthy."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"127.0.0.1:{sock.getsockname()[1]}"


def upstreams(service: Any, color: str) -> dict[str, tuple[int, str, str]]:
    """Weight, admin state and health of each upstream."""
    pool = service["pools"][color]["upstreams"]
    return {each["address"]: (each["weight"], each["admin"], each["health"]) for each in pool}


async def test_replacing_the_live_pool_puts_healthy_ones_to_work_at_once(
    admin: Admin, upstream: str, nobody: str
) -> None:
    """New ones that answer serve from the same instant at which the old ones stop; others join later."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    reply = await admin.api.call("PUT", POOL.format("blue"), {"upstreams": [upstream, nobody]})
    assert (reply.status, reply.body["kind"], reply.body["state"]) == (200, "drain", "running")
    assert upstreams(await admin.api.shop(), "blue") == {
        upstream: (1, "ready", "healthy"),
        nobody: (1, "ready", "unknown"),
    }
    table = admin.core.crew.workers[0].table
    assert table is not None
    assert [each.address for each in table.services[0].blue] == [upstream]
    request.end()
    ended = await admin.api.get(f"/v1/operations/{reply.body['id']}?wait=10s")
    assert (ended.body["state"], ended.body["receipt"]["finished_on_old"]) == ("succeeded", 1)


async def test_a_live_pool_is_not_replaced_by_silent_ones(api: Api, nobody: str) -> None:
    """Unless somebody insists."""
    refused = await api.call("PUT", POOL.format("blue"), {"upstreams": [nobody]})
    assert (refused.status, refused.code) == (409, "color_not_healthy")
    assert (await api.call("PUT", POOL.format("blue"), {"upstreams": [nobody], "force": True})).status == 200


async def test_a_live_pool_is_not_emptied(api: Api) -> None:
    """Traffic needs somewhere to go."""
    reply = await api.call("PUT", POOL.format("blue"), {"upstreams": []})
    assert (reply.status, reply.code) == (409, "pool_empty")


async def test_the_idle_pool_is_free(api: Api, nobody: str) -> None:
    """Preparing a release harms nobody."""
    body = {"upstreams": [{"address": nobody, "weight": 3, "admin": "drain"}]}
    assert (await api.call("PUT", POOL.format("green"), body)).status == 200
    assert upstreams(await api.shop(), "green") == {nobody: (3, "drain", "unknown")}


async def test_an_upstream_is_added(api: Api, nobody: str) -> None:
    """It is there, waiting for its health checks; the answer is the service."""
    reply = await api.call("POST", POOL.format("blue") + "/upstreams", {"address": nobody, "weight": 2})
    assert (reply.status, reply.body["name"], reply.headers["ETag"]) == (200, "shop", '"2"')
    assert upstreams(reply.body, "blue")[nobody] == (2, "ready", "unknown")


async def test_a_weight_is_served_once_the_answer_is_there(admin: Admin) -> None:
    """In every worker."""
    reply = await admin.api.call("PATCH", POOL.format("blue") + "/upstreams/a:1", {"weight": 9})
    assert reply.status == 200
    for worker in admin.core.crew.workers:
        assert worker.table is not None
        assert {each.address: each.weight for each in worker.table.services[0].blue} == {"a:1": 9, "a:2": 1}


async def test_an_upstream_is_drained_and_removed(admin: Admin) -> None:
    """Waiting for the drain waits for what is in flight there."""
    request = admin.core.crew.workers[1].admit(Color.BLUE, "a:2")
    path = POOL.format("blue") + "/upstreams/a:2"
    call = asyncio.create_task(admin.api.call("PATCH", f"{path}?wait=drained", {"admin": "drain", "reason": "disk"}))
    await until(lambda: bool(admin.core.controller.state.operations))
    request.end()
    reply = await call
    assert (reply.body["kind"], reply.body["state"], reply.body["reason"]) == ("drain", "succeeded", "disk")
    assert reply.body["leaving"] == [{"color": "blue", "upstream": "a:2"}]
    assert (await admin.api.call("DELETE", path)).status == 200
    assert list(upstreams(await admin.api.shop(), "blue")) == ["a:1"]


@pytest.mark.parametrize(("query", "body"), [("?force=true", None), ("", {"force": True, "reason": "gone for good"})])
async def test_the_last_upstream_is_removed_by_force_alone(api: Api, query: str, body: object) -> None:
    """In the query or in the body."""
    path = POOL.format("blue") + "/upstreams/a:"
    assert (await api.call("DELETE", f"{path}1")).status == 200
    refused = await api.call("DELETE", f"{path}2")
    assert (refused.status, refused.code) == (409, "last_upstream")
    assert (await api.call("DELETE", f"{path}2{query}", body)).status == 200


async def test_a_dry_run_of_a_replacement_is_checked_as_the_real_thing(
    admin: Admin, upstream: str, nobody: str
) -> None:
    """It is refused for the same reasons, and where it is not, nothing changes."""
    path = POOL.format("blue") + "?dry_run=true"
    assert (await admin.api.call("PUT", path, {"upstreams": [nobody]})).code == "color_not_healthy"
    before = admin.core.controller.state
    reply = await admin.api.call("PUT", path, {"upstreams": [upstream]})
    assert reply.body["after"]["pools"]["blue"] == [{"address": upstream, "weight": 1, "admin": "ready"}]
    assert admin.core.controller.state is before


async def test_an_address_has_one_spelling(api: Api) -> None:
    """However it is written in a body or in a path."""
    path = POOL.format("green") + "/upstreams"
    assert (await api.call("POST", path, {"address": "[0:0:0:0:0:0:0:1]:9001"})).status == 200
    assert (await api.call("POST", path, {"address": "[::1]:9001"})).code == "duplicate_upstream"
    assert (await api.call("DELETE", f"{path}/%5B0:0::1%5D:9001")).status == 200


async def test_nothing_is_probed_for_a_stale_revision(api: Api) -> None:
    """What cannot succeed is refused before anything is looked up."""
    body = {"upstreams": ["no-such-host.invalid:80"]}
    reply = await api.call("PUT", POOL.format("blue"), body, If_Match='"7"')
    assert reply.code == "revision_mismatch"

from __future__ import annotations

import pytest

from proxy.control.store.base import StoreUnavailable
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, Api

SWITCH = "/v1/services/shop/switch"


async def test_operations_are_listed_newest_first_in_pages(api: Api) -> None:
    """Every one is found, and the last page says that it is the last."""
    for number in range(5):
        await api.call("PUT", "/v1/services/shop/split", {"green": number + 1})
    seen: list[str] = []
    before = ""
    while True:
        page = (await api.get(f"/v1/operations?limit=2{before}")).body
        seen += [operation["id"] for operation in page["operations"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert seen == ["op-5", "op-4", "op-3", "op-2", "op-1"]


async def test_operations_of_one_service(api: Api) -> None:
    """Those of others are left out."""
    await api.call("POST", SWITCH, {"to": "green"})
    assert len((await api.get("/v1/operations?service=shop")).body["operations"]) == 1
    assert (await api.get("/v1/operations?service=blog")).body == {"operations": [], "next_before": None}


async def test_waiting_ends_with_the_time_given(admin: Admin) -> None:
    """The operation is then shown as it is."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    begun = await admin.api.call("POST", SWITCH, {"to": "green"})
    for wait in ("0s", "0.000s", "10ms"):
        reply = await admin.api.get(f"/v1/operations/{begun.body['id']}?wait={wait}")
        assert (reply.body["state"], reply.body["progress"]["phase"]) == ("running", "draining")
        assert reply.body["progress"]["deadline_at"] > reply.body["started_at"]
    request.end()


async def test_aborting_goes_back(admin: Admin) -> None:
    """The answer is the rollback; the operation itself has ended as aborted, with who did it."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    begun = await admin.api.call("POST", SWITCH, {"to": "green"})
    reply = await admin.api.call(
        "POST", f"/v1/operations/{begun.body['id']}/abort", {"reason": "errors"}, If_Match='"2"'
    )
    assert (reply.status, reply.body["kind"], reply.headers["ETag"]) == (200, "rollback", '"3"')
    over = (await admin.api.get(f"/v1/operations/{begun.body['id']}")).body
    assert (over["state"], over["note"]) == ("aborted", "aborted by local")
    assert (await admin.api.shop())["live"] == "blue"
    request.end()


async def test_a_drain_of_an_upstream_is_not_aborted(admin: Admin) -> None:
    """There is nothing to go back to; the refusal says what to do instead."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    begun = await admin.api.call("PATCH", "/v1/services/shop/pools/blue/upstreams/a:1", {"admin": "drain"})
    reply = await admin.api.call("POST", f"/v1/operations/{begun.body['id']}/abort")
    assert (reply.status, reply.code) == (409, "not_abortable")
    request.end()


@pytest.mark.parametrize("step", ["pause", "resume", "promote", "abort"])
async def test_what_has_ended_stays_ended(api: Api, step: str) -> None:
    """409 names what became of it."""
    begun = await api.call("POST", f"{SWITCH}?wait=drained", {"to": "green"})
    reply = await api.call("POST", f"/v1/operations/{begun.body['id']}/{step}")
    assert (reply.status, reply.code) == (409, "operation_ended")


@pytest.mark.parametrize("step", ["pause", "resume", "promote"])
async def test_a_switch_cannot_be_paused(admin: Admin, step: str) -> None:
    """It has one step."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    begun = await admin.api.call("POST", SWITCH, {"to": "green"})
    reply = await admin.api.call("POST", f"/v1/operations/{begun.body['id']}/{step}")
    assert (reply.status, reply.code) == (409, "not_pausable")
    request.end()


async def test_an_operation_that_cannot_be_read_back_was_carried_out_all_the_same(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that breaks right after the command is no reason to say that nothing happened."""

    async def broken(*_: object) -> None:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(admin.core.store, "operation", broken)
    reply = await admin.api.call("POST", f"{SWITCH}?wait=drained", {"to": "green"})
    assert reply.status == 202
    assert (await admin.api.shop())["live"] == "green"

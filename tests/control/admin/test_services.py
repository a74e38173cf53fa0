from __future__ import annotations

import asyncio

import pytest

from proxy.control.admin import changes
from proxy.traffic.commands import ObserveEjection
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, Api
from tests.control.core import until

AT_REST = {"cordoned": False, "ramp": 1.0, "stage": None}
"""An upstream that no rolling deployment is about."""


async def test_a_service_is_shown_as_promised(admin: Admin) -> None:
    """The shape of the contract, with numbers from the workers."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    reply = await admin.api.get("/v1/services/shop")
    assert reply.status == 200
    assert reply.headers["ETag"] == '"1"'
    assert reply.body == {
        "name": "shop",
        "revision": 1,
        "generation": admin.core.controller.state.generation,
        "live": "blue",
        "split": {"blue": 100.0, "green": 0.0},
        "state": "serving",
        "held": 0,
        "hold": None,
        "maintenance": None,
        "pools": {
            "blue": {
                "in_flight": {"requests": 1, "tunnels": 0},
                "upstreams": [
                    {"address": "a:1", "weight": 1, "admin": "ready", "health": "healthy", "in_flight": 1, **AT_REST},
                    {"address": "a:2", "weight": 1, "admin": "ready", "health": "healthy", "in_flight": 0, **AT_REST},
                ],
            },
            "green": {
                "in_flight": {"requests": 0, "tunnels": 0},
                "upstreams": [
                    {"address": "b:1", "weight": 1, "admin": "ready", "health": "healthy", "in_flight": 0, **AT_REST}
                ],
            },
        },
        "workers": {"total": 2, "applied": 2},
        "operation": None,
        "warm": None,
    }
    request.end()


async def test_all_services_are_listed(api: Api) -> None:
    """The list holds what the single reads hold."""
    assert (await api.get("/v1/services")).body == {"services": [await api.shop()]}


async def test_a_switch_answers_once_every_worker_serves_it(admin: Admin) -> None:
    """200, the operation, the new revision, and tables in all workers that say so."""
    reply = await admin.api.call("POST", "/v1/services/shop/switch", {"to": "green", "reason": "release 7"})
    assert reply.status == 200
    assert reply.headers["ETag"] == '"2"'
    assert {worker.table.services[0].split for worker in admin.core.crew.workers if worker.table} == {10_000}
    operation = reply.body
    assert (operation["kind"], operation["by"], operation["reason"]) == ("switch", "local", "release 7")
    assert operation["before"] == {"blue": 100.0, "green": 0.0}
    assert operation["after"] == {"blue": 0.0, "green": 100.0}
    assert operation["leaving"] == [{"color": "blue", "upstream": None}]
    assert (await admin.api.shop())["live"] == "green"


async def test_a_switch_that_a_worker_has_not_seen_is_202(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience is bounded; the answer then says where to ask on."""
    monkeypatch.setattr(changes, "APPLY_PATIENCE", 0.05)
    admin.core.crew.workers[0].asleep = True
    reply = await admin.api.call("POST", "/v1/services/shop/switch", {"to": "green"})
    assert reply.status == 202
    assert reply.body["progress"]["phase"] == "applying"
    shown = await admin.api.get(reply.headers["Location"])
    assert shown.body["id"] == reply.body["id"]
    admin.core.crew.workers[0].asleep = False
    admin.core.crew.look()
    ended = await admin.api.get(f"{reply.headers['Location']}?wait=10s")
    assert ended.body["state"] == "succeeded"


async def test_waiting_until_drained_answers_with_the_receipt(admin: Admin) -> None:
    """What was in flight is over when the answer comes, and is accounted for."""
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    call = asyncio.create_task(admin.api.call("POST", "/v1/services/shop/switch?wait=drained", {"to": "green"}))
    await until(lambda: admin.core.controller.state.services["shop"].live is Color.GREEN)
    shown = (await admin.api.shop())["operation"]
    assert shown["progress"]["in_flight"] == 1
    assert not call.done()
    request.end()
    reply = await call
    assert reply.status == 200
    assert reply.body["state"] == "succeeded"
    receipt = reply.body["receipt"]
    assert (receipt["in_flight_at_flip"], receipt["finished_on_old"], receipt["dropped"]) == (1, 1, 0)


async def test_a_switch_to_where_the_traffic_is_succeeds(api: Api) -> None:
    """A pipeline that asks twice is not punished."""
    reply = await api.call("POST", "/v1/services/shop/switch", {"to": "blue"})
    assert (reply.status, reply.body["state"]) == (200, "succeeded")
    assert (await api.shop())["revision"] == 1


@pytest.mark.parametrize(("percent", "split"), [(12.5, 12.5), (0.01, 0.01), (100, 100.0), (33.33, 33.33)])
async def test_a_split_is_set_to_the_hundredth(api: Api, percent: float, split: float) -> None:
    """What is asked for is what is shown."""
    reply = await api.call("PUT", "/v1/services/shop/split", {"green": percent})
    assert (reply.status, reply.body["after"]["green"]) == (200, split)
    assert (await api.shop())["split"]["green"] == split


async def test_a_rollback_goes_back_at_once(api: Api) -> None:
    """One call undoes the last one, while that one still drains."""
    await api.call("POST", "/v1/services/shop/switch", {"to": "green"})
    reply = await api.call("POST", "/v1/services/shop/rollback")
    assert (reply.status, reply.body["kind"]) == (200, "rollback")
    assert (await api.shop())["live"] == "blue"


async def test_a_dry_run_tells_and_changes_nothing(admin: Admin) -> None:
    """The plan says what would be; state, journal and workers are as before."""
    before = await admin.api.shop()
    history = await admin.core.history()
    reply = await admin.api.call("POST", "/v1/services/shop/switch?dry_run=true", {"to": "green"})
    assert reply.status == 200
    assert reply.body["dry_run"] is True
    assert reply.body["changes"] == [{"path": "split.green", "before": 0.0, "after": 100.0}]
    assert (reply.body["before"]["live"], reply.body["after"]["live"]) == ("blue", "green")
    assert reply.body["after"]["revision"] == 2
    assert await admin.api.shop() == before
    assert await admin.core.history() == history


async def test_an_ejected_upstream_is_shown_as_such(admin: Admin) -> None:
    """Ejection outweighs what the active checks say."""
    await admin.core.controller.observe(ObserveEjection("shop", Color.BLUE, "a:1", ejected=True))
    upstreams = (await admin.api.shop())["pools"]["blue"]["upstreams"]
    assert [upstream["health"] for upstream in upstreams] == ["ejected", "healthy"]

from __future__ import annotations

import asyncio

from proxy.control.admin.hold_requests import DEFAULT_MESSAGE
from proxy.shm.names import Series
from proxy.traffic.audience import HoldRule
from tests.control.admin.door import Admin, Api
from tests.control.core import until

SHOP = "/v1/services/shop"


async def test_a_hold_answers_once_every_worker_holds(admin: Admin) -> None:
    """200, the running operation, and tables that say so; the service tells how, and how many wait."""
    body = {"max_wait": "2s", "max_requests": 50, "max_bytes": "1MiB", "unsafe_only": True, "reason": "migration"}
    reply = await admin.api.call("POST", f"{SHOP}/hold", body)
    assert reply.status == 200
    assert reply.headers["ETag"] == '"2"'
    assert (reply.body["kind"], reply.body["state"], reply.body["reason"]) == ("hold", "running", "migration")
    assert reply.body["progress"]["phase"] == "holding"
    rule = HoldRule(2.0, 50, 1024**2, unsafe_only=True)
    assert [worker.table and worker.table.services[0].hold for worker in admin.core.crew.workers] == [rule] * 2
    admin.core.crew.workers[0].count(3, Series.HELD, "shop")
    shop = await admin.api.shop()
    assert (shop["state"], shop["held"], shop["operation"]) == ("held", 3, None)
    assert shop["hold"] == {
        "max_wait": 2.0,
        "max_requests": 50,
        "max_bytes": 1024**2,
        "unsafe_only": True,
        "operation": "op-1",
    }


async def test_a_release_answers_with_the_hold_that_it_has_ended(api: Api) -> None:
    """Once more, or where nothing is held, it changes nothing and answers with the service."""
    await api.call("POST", f"{SHOP}/hold")
    reply = await api.call("POST", f"{SHOP}/release", {"reason": "done"})
    assert (reply.status, reply.body["id"], reply.body["state"]) == (200, "op-1", "succeeded")
    assert (reply.body["receipt"]["held"], reply.body["receipt"]["held_too_long"]) == (0, 0)
    again = await api.call("POST", f"{SHOP}/release")
    assert (again.status, again.body["name"], again.body["state"]) == (200, "shop", "serving")
    assert again.headers["ETag"] == reply.headers["ETag"]


async def test_a_plan_of_a_hold_changes_nothing(api: Api) -> None:
    """It says what would be held."""
    reply = await api.call("POST", f"{SHOP}/hold?dry_run=true")
    assert reply.body["changes"] == [
        {"path": "hold", "before": None, "after": "1000 requests with 16777216 bytes for 10 s"}
    ]
    assert (await api.shop())["state"] == "serving"


async def test_maintenance_is_shown_and_ended(admin: Admin) -> None:
    """With the message that was given, or one of our own; the history tells of it."""
    reply = await admin.api.call("PUT", f"{SHOP}/maintenance", {"on": True, "message": "until six"})
    assert (reply.status, reply.body["state"], reply.body["maintenance"]) == (200, "maintenance", "until six")
    reply = await admin.api.call("PUT", f"{SHOP}/maintenance", {"on": True})
    assert reply.body["maintenance"] == DEFAULT_MESSAGE
    assert [w.table and w.table.services[0].maintenance for w in admin.core.crew.workers] == [DEFAULT_MESSAGE] * 2
    reply = await admin.api.call("PUT", f"{SHOP}/maintenance", {"on": False})
    assert (reply.body["state"], reply.body["maintenance"]) == ("serving", None)
    assert await admin.core.history() == ["maintenance", "maintenance", "maintenance", "start"]


async def test_an_exclusive_switch_answers_once_the_traffic_has_moved(admin: Admin) -> None:
    """Not before what was in flight has ended; meanwhile another is told to wait."""
    request = admin.core.crew.workers[0].admit()
    body = {"to": "green", "mode": "exclusive", "max_wait": "20s"}
    switch = asyncio.create_task(admin.api.call("POST", f"{SHOP}/switch", body))
    await until(lambda: bool(admin.core.crew.sent))
    shop = await admin.api.shop()
    assert (shop["state"], shop["live"], shop["operation"]["progress"]["phase"]) == ("held", "blue", "holding")
    assert shop["operation"]["progress"]["in_flight"] == 1
    other = await admin.api.call("POST", f"{SHOP}/hold")
    assert (other.status, other.code, other.body["operation"]) == (409, "operation_running", "op-1")
    assert not switch.done()
    request.end()
    reply = await switch
    assert (reply.status, reply.body["id"], reply.body["after"]["green"]) == (200, "op-1", 100.0)
    assert (await admin.api.shop())["live"] == "green"


async def test_an_exclusive_switch_that_is_given_up_says_so(admin: Admin) -> None:
    """The answer is the operation as it failed."""
    request = admin.core.crew.workers[0].admit()
    reply = await admin.api.call("POST", f"{SHOP}/switch", {"to": "green", "mode": "exclusive", "max_wait": "100ms"})
    assert (reply.status, reply.body["state"]) == (200, "failed")
    assert reply.body["note"] == "1 request on blue was still running after 0.1 s"
    assert (await admin.api.shop())["live"] == "blue"
    request.end()

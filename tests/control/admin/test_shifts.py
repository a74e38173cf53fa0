from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.control.admin.shift_requests import ShiftBody
from proxy.traffic.audience import Settled, StickyBy, StickyRule
from proxy.traffic.commands import AdvanceShift
from proxy.traffic.gates import Gates, Moment, PromQuery, Webhook
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.shift import Position, Step
from tests.control.admin.door import Admin, Reply, running_admin
from tests.control.core import SHOP, running_core

SHIFT = "/v1/services/shop/shift"
SHIFTED = {"to": "green", "steps": [{"percent": 5, "pause": "2m"}, {"percent": 50, "pause": None}]}


async def begin(admin: Admin, **body: Any) -> Reply:
    """A shift of the shop to green."""
    return await admin.api.call("POST", SHIFT, {**SHIFTED, **body})


async def tell(admin: Admin, verb: str, body: object = None, **headers: str) -> Reply:
    """Something said to the first operation."""
    return await admin.api.call("POST", f"/v1/operations/op-1/{verb}", body, data=None, **headers)


async def test_a_shift_answers_at_once_with_its_plan(admin: Admin) -> None:
    """202, where to look, and a plan that ends where it was asked to, though no step says so."""
    reply = await begin(admin, reason="release 7")
    assert (reply.status, reply.headers["Location"]) == (202, "/v1/operations/op-1")
    assert (reply.body["kind"], reply.body["state"], reply.body["reason"]) == ("shift", "running", "release 7")
    shift = reply.body["shift"]
    assert shift.pop("elapsed") >= 0
    assert shift == {
        "to": "green",
        "percent": 0.0,
        "target": 100.0,
        "step": 1,
        "steps": [
            {"percent": 5.0, "over": 0.0, "pause": 120.0},
            {"percent": 50.0, "over": 0.0, "pause": None},
            {"percent": 100.0, "over": 0.0, "pause": 0.0},
        ],
        "hindrance": None,
        "why": None,
        "judged": True,
        "judge": None,
        "gates": [],
        "settled_left": None,
        "eta": None,
        "eta_at": None,
    }
    assert (await admin.api.get(reply.headers["Location"])).body["shift"]["steps"] == shift["steps"]


async def test_a_steady_shift_says_when_it_will_be_there(admin: Admin) -> None:
    """Ten ramps to the share that was asked for, and the time they take."""
    shift = (await begin(admin, steps=None, over="10m", percent=50)).body["shift"]
    assert [step["percent"] for step in shift["steps"]] == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert (shift["eta"], shift["target"]) == (600.0, 50.0)
    assert shift["eta_at"] > 600


async def test_shares_are_those_of_the_color_that_gains(admin: Admin) -> None:
    """A shift to blue speaks of blue, though what is stored is green's share."""
    await admin.api.call("POST", "/v1/services/shop/switch?wait=drained", {"to": "green"})
    reply = await admin.api.call("POST", SHIFT, {"to": "blue", "over": "1m", "percent": 30})
    shift = reply.body["shift"]
    assert (shift["to"], shift["percent"], shift["target"], shift["steps"][0]["percent"]) == ("blue", 0.0, 30.0, 3.0)
    assert reply.body["after"] == {"blue": 30.0, "green": 70.0}


async def test_pausing_resuming_and_promoting(admin: Admin) -> None:
    """Each answers 200 with the operation as it is then; the service shows it, too."""
    await begin(admin)
    paused = await tell(admin, "pause", {"reason": "lunch"})
    assert (paused.status, paused.body["state"], paused.body["shift"]["hindrance"]) == (200, "paused", "operator")
    assert paused.body["shift"]["why"] == "paused by local"
    resumed = await tell(admin, "resume")
    assert (resumed.status, resumed.body["state"], resumed.body["shift"]["why"]) == (200, "running", None)
    promoted = await tell(admin, "promote")
    assert (promoted.status, promoted.body["shift"]["percent"]) == (200, 5.0)
    operation = (await admin.api.shop())["operation"]
    assert (operation["shift"]["percent"], operation["shift"]["step"]) == (5.0, 1)
    assert {w.table.services[0].split for w in admin.core.crew.workers if w.table} == {500}
    assert (await admin.api.get("/v1/history?limit=3")).body["entries"][2]["reason"] == "lunch"


async def test_promoting_to_the_end_moves_everything(admin: Admin) -> None:
    """What remains is applied and drained as a switch is, and the receipt is there."""
    await begin(admin)
    assert (await tell(admin, "promote", {"full": True})).status == 200
    over = (await admin.api.get("/v1/operations/op-1?wait=10s")).body
    assert (over["state"], over["shift"]["percent"], over["shift"]["eta"]) == ("succeeded", 100.0, 0.0)
    assert {"served_by_new", "errors_on_new", "held", "held_too_long"} <= over["receipt"].keys()
    assert (await admin.api.shop())["live"] == "green"


async def test_a_watched_shift_leaves_the_way_back_open(admin: Admin) -> None:
    """The service says until when the new color is watched, and what a rollback would return to."""
    await begin(admin)
    await tell(admin, "promote", {"full": True})
    over = (await admin.api.get("/v1/operations/op-1?wait=10s")).body
    warm = (await admin.api.shop())["warm"]
    assert warm.pop("until") >= over["started_at"] + SHOP.keep_warm
    assert warm == {"operation": "op-1", "rollback_to": {"blue": 100.0, "green": 0.0}}


async def test_aborting_a_shift_goes_back_at_once(admin: Admin) -> None:
    """As with every operation, and what it did is told."""
    await begin(admin)
    await tell(admin, "promote")
    reply = await tell(admin, "abort")
    assert (reply.status, reply.body["kind"], reply.body["after"]["green"]) == (200, "rollback", 0.0)
    assert (await admin.api.get("/v1/operations/op-1")).body["state"] == "aborted"


async def test_a_second_move_names_the_shift(admin: Admin) -> None:
    """409 with its id, for a switch as for another shift."""
    await begin(admin)
    for path, body in ((SHIFT, SHIFTED), ("/v1/services/shop/switch", {"to": "green"})):
        reply = await admin.api.call("POST", path, body)
        assert (reply.status, reply.code, reply.body["operation"]) == (409, "operation_running", "op-1")


@pytest.mark.parametrize("verb", ["pause", "resume", "promote"])
async def test_a_stale_revision_is_refused(admin: Admin, verb: str) -> None:
    """If-Match holds for what is said to an operation, too."""
    await begin(admin)
    reply = await tell(admin, verb, If_Match='"1"')
    assert (reply.status, reply.code, reply.body["revision"]) == (412, "revision_mismatch", 2)
    assert (await tell(admin, verb, If_Match='"2"')).status == 200


async def test_trying_changes_nothing(admin: Admin) -> None:
    """A dry run of a shift, and of what is said to one, leaves the state as it was."""
    before = admin.core.controller.state
    plan = await admin.api.call("POST", f"{SHIFT}?dry_run=true", SHIFTED)
    assert (plan.status, plan.body["changes"]) == (200, [{"path": "shift.green", "before": 0.0, "after": 100.0}])
    assert admin.core.controller.state is before
    await begin(admin)
    begun = admin.core.controller.state
    assert (await admin.api.call("POST", "/v1/operations/op-1/promote?dry_run=true")).body["dry_run"] is True
    assert admin.core.controller.state is begun


async def test_what_may_be_secret_in_an_address_is_not_shown(admin: Admin) -> None:
    """Neither in the answer, nor in what is listed, nor in events and history."""
    gates = {
        "webhooks": [{"url": "https://me:hush@hooks.test:8443/go?key=hush"}],
        "prometheus": [{"url": "http://me:hush@prom.test", "query": "up", "min": 1}],
        "approval": ["before_promotion"],
    }
    reply = await begin(admin, gates=gates)
    assert reply.body["shift"]["gates"] == [
        {
            "kind": "webhook",
            "url": "https://hooks.test:8443/go?…",
            "query": None,
            "at": ["before_start", "before_increase", "before_promotion"],
        },
        {"kind": "prometheus", "url": "http://prom.test", "query": "up", "at": ["before_increase", "before_promotion"]},
        {"kind": "approval", "url": None, "query": None, "at": ["before_promotion"]},
    ]
    await tell(admin, "pause")
    for path in ("/v1/operations", "/v1/operations/op-1", "/v1/history", "/v1/services"):
        assert b"hush" not in (await admin.api.get(path)).raw, path
    async with admin.api.session.get("/v1/events", headers={"Last-Event-ID": "1"}) as stream:
        told = await stream.content.readuntil(b"event: operation_progress\n")
        told += await stream.content.readuntil(b"\n\n")
    assert b"hush" not in told


async def test_the_judge_and_those_who_stay_are_asked_for_live(core_with_cookie: Admin) -> None:
    """What is known only while it runs is in the answer; without anybody to ask it is null."""
    verdict = Verdict(Finding.INCONCLUSIVE, "too little to tell", 12, 340)
    object.__setattr__(core_with_cookie.context, "verdict", {"op-1": verdict}.get)
    object.__setattr__(core_with_cookie.context, "settled_left", {"op-1": 7}.get)
    shift = (await begin(core_with_cookie, new_users_only={"deadline": "2h"})).body["shift"]
    assert shift["settled_left"] == 7
    assert shift["judge"] == {
        "finding": "inconclusive",
        "words": "too little to tell",
        "requests": 12,
        "needed": 340,
    }
    settled = core_with_cookie.core.controller.state.services["shop"].settled
    assert isinstance(settled, Settled)
    assert settled.green is False


@pytest.fixture
async def core_with_cookie(tmp_path: Path) -> AsyncIterator[Admin]:
    """The admin API of a service that tells its users apart by a cookie."""
    shop = replace(SHOP, sticky=StickyRule(StickyBy.COOKIE, "u"))
    async with running_core(tmp_path / "b.db", shop) as core, running_admin(core) as admin:
        yield admin


async def test_a_shift_that_moves_by_itself_shows_where_it_is(admin: Admin) -> None:
    """Between two steps of a ramp, as at their ends."""
    await begin(admin, steps=None, over="100s")
    await admin.core.controller.advance(AdvanceShift("op-1", Position(), Position(0, True, 5.0)))
    shift = (await admin.api.get("/v1/operations/op-1")).body["shift"]
    assert (shift["percent"], shift["step"], shift["eta"]) == (5.0, 1, 95.0)


def test_gates_say_by_default_when_they_are_asked() -> None:
    """A webhook before each decision; a query not before the start, when the new color has nothing to show."""
    body = ShiftBody.model_validate(
        {
            "to": "green",
            "over": "1m",
            "judge": False,
            "gates": {
                "webhooks": [
                    {"url": "http://a/"},
                    {"url": "http://a/", "at": ["after"], "timeout": "3s", "retries": 0},
                ],
                "prometheus": [{"url": "http://p", "query": "up", "max": 3}],
                "approval": ["before_start"],
            },
        }
    )
    decisions = (Moment.BEFORE_START, Moment.BEFORE_INCREASE, Moment.BEFORE_PROMOTION)
    assert body.gates.gates() == Gates(
        (Webhook("http://a/", decisions), Webhook("http://a/", (Moment.AFTER,), 3.0, 0)),
        (PromQuery("http://p", "up", decisions[1:], None, 3.0),),
        (Moment.BEFORE_START,),
    )


@pytest.mark.parametrize(
    ("body", "steps"),
    [
        ({"steps": [{"percent": 100}]}, (Step(10_000),)),
        ({"steps": [{"percent": 5, "pause": None}]}, (Step(500, pause=None), Step(10_000))),
        ({"steps": [{"percent": 5, "pause": "0s"}], "percent": 5}, (Step(500),)),
        ({"to": "blue", "steps": [{"percent": 5, "pause": "1m"}]}, (Step(9_500, pause=60.0), Step(0))),
        ({"over": "1m"}, ()),
    ],
)
def test_the_plan_ends_where_the_shift_is_to_end(body: dict[str, Any], steps: tuple[Step, ...]) -> None:
    """Where the last step is not there yet, one more follows, so that a pause of the last one means something."""
    assert ShiftBody.model_validate({"to": "green", **body}).plan == steps

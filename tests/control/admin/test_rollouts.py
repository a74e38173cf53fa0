"""Rolling deployments over the admin API. Nobody carries them on here: each step is taken by the test."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from proxy.control.admin.rollout_requests import RolloutBody
from proxy.traffic.commands import Advance
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.refusal import Refused
from proxy.traffic.rollout.commands import AgeBatch, MoveBatch, OpenBatch, TakeBatch
from proxy.traffic.rollout.plan import (
    Amount,
    CommandHook,
    ManualHook,
    OnFailure,
    Order,
    Readiness,
    RolloutPlan,
    SlowStart,
    VersionProbe,
    WebhookHook,
)
from proxy.traffic.rollout.stages import Event, Stage
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, Reply
from tests.control.core import until

ROLLOUTS = "/v1/services/shop/pools/blue/rollouts"


async def begin(admin: Admin, **body: Any) -> Reply:
    """Have blue's servers updated."""
    return await admin.api.call("POST", ROLLOUTS, body)


async def tell(admin: Admin, verb: str, body: object = None, **headers: str) -> Reply:
    """Something said to the first operation."""
    return await admin.api.call("POST", f"/v1/operations/op-1/{verb}", body, data=None, **headers)


async def step(admin: Admin, *commands: Advance) -> None:
    """What whoever carries rollouts on does."""
    for command in commands:
        await admin.core.controller.advance(command)


async def rollout(admin: Admin) -> Any:
    """How far it is."""
    return (await admin.api.get("/v1/operations/op-1")).body["rollout"]


async def take(admin: Admin, to: Stage = Stage.UPDATING) -> None:
    """The first server is taken out, until it is at a stage: where nothing is in flight, it drains by itself."""
    await step(admin, OpenBatch("op-1"), TakeBatch("op-1", ("a:1",), {"a:1": "v1"}))
    with suppress(Refused):
        await step(admin, MoveBatch("op-1", Stage.CORDONED, Event.SEEN))
        if to is Stage.UPDATING:
            await step(admin, MoveBatch("op-1", Stage.DRAINING, Event.DRAINED))
    await until(lambda: _stage(admin) is to)


def _stage(admin: Admin) -> Stage | None:
    rollout = admin.core.controller.state.operations["op-1"].rollout
    return rollout.stage if rollout else None


async def test_a_rollout_answers_at_once_with_its_plan(admin: Admin) -> None:
    """202, where to look, and what every default means."""
    reply = await begin(admin, reason="release 7")
    assert (reply.status, reply.headers["Location"], reply.headers["ETag"]) == (202, "/v1/operations/op-1", '"2"')
    assert (reply.body["kind"], reply.body["state"], reply.body["reason"]) == ("roll", "running", "release 7")
    assert reply.body["progress"]["phase"] == "rolling"
    told = reply.body["rollout"]
    assert told.pop("elapsed") >= 0
    servers = told.pop("servers")
    assert told == {
        "color": "blue",
        "course": "rolling",
        "plan": {
            "batch": 1,
            "min_available": "50%",
            "first_batch": 1,
            "first_watch": 120.0,
            "order": "as_listed",
            "drain_timeout": None,
            "update": {"kind": "manual", "argv": None, "env": None, "url": None, "timeout": None},
            "version": None,
            "previous_version": None,
            "detect": None,
            "health": {"consecutive": 3, "timeout": 120.0},
            "slow_start": {"over": 30.0, "floor": 0.1, "exponent": 1.0},
            "watch": 30.0,
            "judge": True,
            "gates": [],
            "on_failure": "stop",
        },
        "batch": 0,
        "batches": 2,
        "stage": None,
        "hindrance": None,
        "why": None,
        "available": 2,
        "min_available": 1,
        "judge": None,
        "eta": None,
        "eta_at": None,
    }
    assert [(each["address"], each["stage"], each["batch"], each["ramp"]) for each in servers] == [
        ("a:1", "serving", 0, 1.0),
        ("a:2", "serving", 0, 1.0),
    ]


async def test_a_batch_is_shown_on_its_way(admin: Admin) -> None:
    """Stages, versions, what is in flight, and how much weight it has, in the operation and in the service."""
    await begin(admin)
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    await take(admin, Stage.DRAINING)
    told = await rollout(admin)
    first = told["servers"][0]
    assert (told["batch"], told["stage"], told["available"], told["min_available"]) == (1, "draining", 1, 1)
    assert (first["stage"], first["batch"], first["version_before"], first["ramp"]) == ("draining", 1, "v1", 0.0)
    assert first["in_flight"] == 1
    request.end()
    shop = await admin.api.shop()
    assert shop["operation"]["id"] == "op-1"
    assert [(each["cordoned"], each["stage"]) for each in shop["pools"]["blue"]["upstreams"]] == [
        (True, "draining"),
        (False, "serving"),
    ]
    assert [each["stage"] for each in shop["pools"]["green"]["upstreams"]] == [None]


async def test_a_server_that_comes_back_has_a_part_of_its_weight(admin: Admin) -> None:
    """As much as slow start gives it, which grows."""
    await begin(admin, slow_start={"over": "100s", "floor": 0.25})
    await take(admin)
    await step(admin, MoveBatch("op-1", Stage.UPDATING, Event.UPDATED))
    await step(admin, MoveBatch("op-1", Stage.PROBING, Event.HEALTHY, versions={"a:1": "v2"}))
    told = (await rollout(admin))["servers"][0]
    assert (told["stage"], told["version"], told["ramp"]) == ("warming", "v2", 0.25)
    await step(admin, AgeBatch("op-1", 1, 50.0, 0.0))
    assert (await admin.api.shop())["pools"]["blue"]["upstreams"][0]["ramp"] == 0.5
    assert (await rollout(admin))["servers"][0]["eta"] == 170.0


async def test_somebody_says_that_a_server_is_ready(admin: Admin) -> None:
    """200 with the operation; at another address, which is looked at first."""
    await begin(admin)
    await take(admin)
    early = await tell(admin, "ready", {"upstream": "a:2"})
    assert (early.status, early.code) == (409, "not_updating")
    gone = await tell(admin, "ready", {"upstream": "a:1", "address": "169.254.169.254:80"})
    assert (gone.status, gone.code) == (422, "upstream_not_allowed")
    taken = await tell(admin, "ready", {"upstream": "a:1", "address": "127.0.0.1:8080"})
    assert (taken.status, taken.code) == (422, "upstream_not_allowed")
    ready = await tell(admin, "ready", {"upstream": "a:1", "address": "127.0.0.1:7001", "reason": "it is up"})
    assert ready.status == 200
    server = ready.body["rollout"]["servers"][0]
    assert (server["address"], server["was"], server["stage"]) == ("127.0.0.1:7001", "a:1", "probing")
    told = (await admin.api.get("/v1/history?limit=1")).body["entries"][0]
    assert (told["action"], told["reason"]) == ("ready", "it is up")


async def test_another_server_is_at_that_address(admin: Admin) -> None:
    """409, and nothing has moved."""
    other = "127.0.0.1:7002"
    await admin.api.call("POST", "/v1/services/shop/pools/blue/upstreams", {"address": other})
    await begin(admin, min_available=1)
    await take(admin)
    reply = await tell(admin, "ready", {"upstream": "a:1", "address": other})
    assert (reply.status, reply.code) == (409, "duplicate_upstream")


async def test_pausing_resuming_and_aborting(admin: Admin) -> None:
    """Each answers 200 with the rollout as it is then; an abort puts back what was only taken out."""
    await begin(admin)
    paused = await tell(admin, "pause", {"reason": "lunch"})
    assert (paused.status, paused.body["state"], paused.body["rollout"]["hindrance"]) == (200, "paused", "operator")
    assert paused.body["rollout"]["why"] == "paused by local"
    assert (await tell(admin, "resume")).body["rollout"]["hindrance"] is None
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    await take(admin, Stage.DRAINING)
    aborted = await tell(admin, "abort")
    request.end()
    assert (aborted.status, aborted.body["kind"], aborted.body["state"]) == (200, "roll", "aborted")
    assert [each["stage"] for each in aborted.body["rollout"]["servers"]] == ["serving", "serving"]
    assert not any(each["cordoned"] for each in (await admin.api.shop())["pools"]["blue"]["upstreams"])


async def test_an_abort_finishes_what_was_touched(admin: Admin) -> None:
    """It is answered while that goes on."""
    await begin(admin)
    await take(admin)
    told = (await tell(admin, "abort")).body
    assert (told["state"], told["rollout"]["course"], told["rollout"]["stage"]) == ("running", "aborting", "probing")
    assert (told["rollout"]["batches"], told["rollout"]["why"]) == (1, "aborted by local")


async def test_promoting_ends_the_watch(admin: Admin) -> None:
    """And with full no batch is watched any more."""
    await begin(admin)
    await take(admin)
    await step(admin, MoveBatch("op-1", Stage.UPDATING, Event.UPDATED))
    await step(admin, MoveBatch("op-1", Stage.PROBING, Event.HEALTHY))
    promoted = await tell(admin, "promote", {"full": True})
    assert (promoted.status, promoted.body["rollout"]["servers"][0]["eta"]) == (200, 0.0)


async def test_a_second_rollout_names_the_first(admin: Admin) -> None:
    """As does a shift, and whoever takes away a server that is being updated."""
    await begin(admin)
    await take(admin)
    for method, path, body in (
        ("POST", ROLLOUTS, {}),
        ("POST", "/v1/services/shop/shift", {"to": "green", "over": "1m"}),
        ("DELETE", "/v1/services/shop/pools/blue/upstreams/a:1", {}),
    ):
        reply = await admin.api.call(method, path, body)
        assert (reply.status, reply.code, reply.body["operation"]) == (409, "operation_running", "op-1")


async def test_a_revision_and_a_key_hold_for_rollouts_too(admin: Admin) -> None:
    """412 for a stale one; the same key does it once."""
    stale = await admin.api.call("POST", ROLLOUTS, {}, If_Match='"7"')
    assert (stale.status, stale.code) == (412, "revision_mismatch")
    first = await admin.api.call("POST", ROLLOUTS, {}, Idempotency_Key="release-7")
    again = await admin.api.call("POST", ROLLOUTS, {}, Idempotency_Key="release-7")
    assert (first.status, again.status, again.headers["Idempotency-Replayed"]) == (202, 202, "true")
    assert first.body == again.body


async def test_only_commands_that_are_named_are_run(admin: Admin) -> None:
    """403 with what to do about it, also of a dry run; a webhook needs no leave."""
    command = {"command": {"argv": ["/opt/deploy", "now"]}}
    for query in ("", "?dry_run=true"):
        reply = await admin.api.call("POST", f"{ROLLOUTS}{query}", {"update": command})
        assert (reply.status, reply.code) == (403, "command_not_allowed")
        assert "hooks" in reply.body["detail"]
    object.__setattr__(admin.context, "hook_commands", lambda: ("/opt/deploy",))
    assert (await begin(admin, update=command)).status == 202


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"update": "manual", "previous_version": "v1"}, "a restore needs a hook"),
        ({"update": {"webhook": {"url": "http://a/"}}}, "pass previous_version, or have versions detected"),
    ],
)
async def test_without_a_way_back_there_is_no_restore(admin: Admin, body: dict[str, Any], words: str) -> None:
    """422 before anything is touched."""
    reply = await begin(admin, on_failure="restore", **body)
    assert (reply.status, reply.code, words in reply.body["detail"]) == (422, "no_way_back", True)


async def test_no_room_at_all(admin: Admin) -> None:
    """A pool that could never spare a server is refused, and so is its last one, unless forced."""
    reply = await begin(admin, min_available="100%")
    assert (reply.status, reply.code) == (409, "no_room")
    await admin.api.call("DELETE", "/v1/services/shop/pools/blue/upstreams/a:2")
    last = await begin(admin)
    assert (last.status, last.code) == (409, "last_upstream")
    assert (await begin(admin, force=True)).status == 202


async def test_what_may_be_secret_is_not_shown(admin: Admin) -> None:
    """Neither values of the environment nor passwords in addresses, in no answer, list, event or history."""
    object.__setattr__(admin.context, "hook_commands", lambda: ("/opt/deploy",))
    command = {"argv": ["/opt/deploy", "now"], "env": {"TOKEN": "hush"}, "timeout": "1m"}
    gates = {"webhooks": [{"url": "https://me:hush@hooks.test/go?key=hush"}]}
    reply = await begin(admin, update={"command": command}, gates=gates)
    assert reply.body["rollout"]["plan"]["update"] == {
        "kind": "command",
        "argv": ["/opt/deploy", "now"],
        "env": ["TOKEN"],
        "url": None,
        "timeout": 60.0,
    }
    assert reply.body["rollout"]["plan"]["gates"][0]["url"] == "https://hooks.test/go?…"
    await take(admin)
    for path in ("/v1/operations", "/v1/operations/op-1", "/v1/history", "/v1/services"):
        assert b"hush" not in (await admin.api.get(path)).raw, path
    told = await events(admin, b"operation_progress")
    assert b"hush" not in told


async def events(admin: Admin, last: bytes) -> bytes:
    """The events up to the first one of that name."""
    async with admin.api.session.get("/v1/events", headers={"Last-Event-ID": "1"}) as stream:
        told = await stream.content.readuntil(b"event: " + last + b"\n")
        return told + await stream.content.readuntil(b"\n\n")


async def test_events_tell_how_it_comes_further(admin: Admin) -> None:
    """Of each stage, not of each second; what is known only when asked is left out."""
    await begin(admin)
    await take(admin)
    told = json.loads((await events(admin, b"operation_progress")).rpartition(b"data: ")[2])
    assert (told["rollout"]["batch"], told["rollout"]["stage"]) == (1, "cordoned")
    assert not {"judge", "available", "min_available"} & told["rollout"].keys()
    assert not {"in_flight", "ramp"} & told["rollout"]["servers"][0].keys()


async def test_growing_older_is_no_event(admin: Admin) -> None:
    """A weight that grows a little every second would drown all else."""
    await begin(admin)
    await take(admin)
    await step(admin, MoveBatch("op-1", Stage.UPDATING, Event.UPDATED))
    await step(admin, MoveBatch("op-1", Stage.PROBING, Event.HEALTHY))
    before = admin.core.events.last_id
    await step(admin, AgeBatch("op-1", 1, 5.0, 0.0))
    assert admin.core.events.last_id == before
    await step(admin, MoveBatch("op-1", Stage.WARMING, Event.WARM))
    assert admin.core.events.last_id == before + 1


async def test_the_judge_is_asked_live(admin: Admin) -> None:
    """What it says of updated servers stands in the answer."""
    verdict = Verdict(Finding.INCONCLUSIVE, "too little to tell", 12, 340)
    object.__setattr__(admin.context, "verdict", {"op-1": verdict}.get)
    told = (await begin(admin)).body["rollout"]["judge"]
    assert told == {"finding": "inconclusive", "words": "too little to tell", "requests": 12, "needed": 340}


def test_everything_that_can_be_asked_for() -> None:
    """Each field of a body reaches the state machine as what it means there."""
    body = {
        "batch": "25%",
        "min_available": 3,
        "first_batch": {"size": 2, "watch": "2m"},
        "order": "least_loaded",
        "drain_timeout": "10s",
        "update": {"command": {"argv": ["/opt/deploy"], "env": {"A": "b"}, "timeout": "1m"}},
        "version": "v2",
        "previous_version": "v1",
        "detect": {"header": "X-App-Version", "path": "/version?short"},
        "health": {"consecutive": 5, "timeout": "30s"},
        "slow_start": {"over": "10s", "floor": 0.2, "exponent": 2},
        "watch": "0s",
        "judge": False,
        "gates": {"approval": ["before_start"]},
        "on_failure": "restore",
    }
    plan = RolloutBody.model_validate(body).plan()
    assert plan == RolloutPlan(
        hook=CommandHook(("/opt/deploy",), (("A", "b"),), 60.0),
        batch=Amount(share=0.25),
        min_available=Amount(count=3),
        first_batch=Amount(count=2),
        first_watch=120.0,
        order=Order.LEAST_LOADED,
        drain_timeout=10.0,
        readiness=Readiness(5, 30.0),
        slow_start=SlowStart(10.0, 0.2, 2.0),
        watch=0.0,
        judged=False,
        gates=plan.gates,
        on_failure=OnFailure.RESTORE,
        version="v2",
        previous_version="v1",
        detect=VersionProbe("/version?short", "X-App-Version"),
    )
    assert [moment.value for moment in plan.gates.approvals] == ["before_start"]


def test_what_goes_without_saying() -> None:
    """By hand, one at a time, the first one watched four times as long; a time is a steady rise in that time."""
    assert RolloutBody().plan() == RolloutPlan(first_batch=Amount(count=1))
    plan = RolloutBody.model_validate({"watch": "10s", "slow_start": "0s", "update": "manual"}).plan()
    assert (plan.first_watch, plan.slow_start, plan.hook) == (40.0, SlowStart(0.0), ManualHook())
    hook = RolloutBody.model_validate({"update": {"webhook": {"url": "http://a/"}}}).plan().hook
    assert hook == WebhookHook("http://a/", 600.0)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"batch": 0}, "batch: must be a number of servers from 1, or a percentage"),
        ({"batch": "0%"}, "batch: must be more than 0%"),
        ({"batch": True}, "batch: must be a number of servers"),
        ({"batch": "25"}, "batch: must be a percentage such as 20%"),
        ({"min_available": -1}, "min_available: must be a number of servers from 0"),
        ({"min_available": "101%"}, "min_available: must be between 0% and 100%"),
        ({"first_batch": {"size": 0}}, "first_batch.size: must be a number of servers"),
        ({"first_batch": {"wach": "1m"}}, "first_batch.wach: unknown field; did you mean watch?"),
        ({"order": "random"}, "order: "),
        ({"drain_timeout": "0s"}, "drain_timeout: must be longer than zero"),
        ({"update": "by hand"}, 'update: must be "manual", or an object with command or webhook'),
        ({"update": {"command": {"argv": []}}}, "update.command.argv: "),
        ({"update": {"command": {"argv": ["/a\0b"]}}}, "update.command.argv[0]: must have no NUL"),
        (
            {"update": {"command": {"argv": ["/a"], "env": {"A=B": "c"}}}},
            "update.command.env: 'A=B' cannot be",
        ),
        ({"update": {"webhook": {"url": "ftp://a/"}}}, "update.webhook.url: must begin with http:"),
        (
            {"update": {"command": {"argv": ["/a"]}, "webhook": {"url": "http://a/"}}},
            "update: needs either a command or a webhook",
        ),
        ({"version": "v1", "previous_version": "v1"}, "version and previous_version are the same"),
        ({"version": ""}, "version: "),
        ({"detect": {}}, "detect: names neither header nor path"),
        ({"detect": {"header": "no header"}}, "detect.header: must be the name of a header such as X-App-Version"),
        ({"detect": {"path": "version"}}, "detect.path: must be a path"),
        ({"health": {"consecutive": 0}}, "health.consecutive: "),
        ({"slow_start": 30}, "slow_start: must be a JSON object"),
        ({"slow_start": "soon"}, "slow_start.over: must be a duration"),
        ({"slow_start": {"over": "1s", "floor": 0}}, "slow_start.floor: "),
        ({"watch": 30}, "watch: must have a unit"),
        ({"gates": {"webhooks": [{"url": "a"}]}}, "gates.webhooks[0].url: must begin with http:"),
        ({"on_failure": "restart"}, "on_failure: "),
        ({"bach": 1}, "bach: unknown field; did you mean batch?"),
    ],
)
async def test_what_makes_no_sense_is_named_with_its_place(admin: Admin, body: dict[str, Any], words: str) -> None:
    """422 with every field that is wrong, and nothing has begun."""
    reply = await begin(admin, **body)
    assert (reply.status, reply.code) == (422, "invalid_body")
    assert words in reply.body["detail"], reply.body["detail"]
    assert not admin.core.controller.state.operations


async def test_what_is_said_to_the_wrong_thing(admin: Admin) -> None:
    """Each with a code of its own."""
    nobody = await admin.api.call("POST", "/v1/services/nobody/pools/blue/rollouts", {})
    assert (nobody.status, nobody.code) == (404, "service_not_found")
    red = await admin.api.call("POST", "/v1/services/shop/pools/red/rollouts", {})
    assert (red.status, red.code) == (422, "unknown_color")
    assert (await tell(admin, "ready", {"upstream": "a:1"})).code == "operation_not_found"
    assert (await tell(admin, "ready", {})).code == "invalid_body"
    await admin.api.call("POST", "/v1/services/shop/shift", {"to": "green", "over": "1m"})
    refused = await tell(admin, "ready", {"upstream": "a:1"})
    assert (refused.status, refused.code) == (409, "not_updating")
    await tell(admin, "abort")
    assert (await tell(admin, "ready", {"upstream": "a:1"})).code == "operation_ended"

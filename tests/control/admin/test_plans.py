from __future__ import annotations

from typing import Any

import pytest

from proxy.control.load import Load
from proxy.shm.names import BUCKETS
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.model import Health
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin

SHOP = "/v1/services/shop"
SHIFT = {"to": "green", "steps": [{"percent": 5, "pause": None}]}


async def plan(admin: Admin, method: str, path: str, body: object = None) -> Any:
    """What a change would do, which must change nothing."""
    before = admin.core.controller.state
    reply = await admin.api.call(method, f"{SHOP}/{path}?dry_run=true", body)
    assert admin.core.controller.state is before
    assert reply.status == 200, reply.raw
    return reply.body


async def test_a_plan_holds_the_change_against_the_live_load(admin: Admin) -> None:
    """Rates of now, what is in flight, and what each upstream would have."""
    load = Load(10.0, 300, (0,) * BUCKETS.index(0.005) + (300,))
    object.__setattr__(admin.context, "load", lambda name, color: load if color is Color.BLUE else Load(10.0, 0))
    request = admin.core.crew.workers[0].admit(Color.BLUE, "a:1")
    told = await plan(admin, "POST", "switch", {"to": "green"})
    assert told["conflict"] is None
    assert told["forecast"] == {
        "moves": 100.0,
        "users": False,
        "per_second": 30.0,
        "capacity": {
            "color": "green",
            "healthy": 1,
            "total": 1,
            "healthy_weight": 1,
            "total_weight": 1,
            "per_upstream_now": 0.0,
            "per_upstream_then": 30.0,
            "times": 2.0,
            "unhealthy": [],
        },
        "drains": [
            {"color": "blue", "requests": 1, "tunnels": 0, "expected": 0.005, "timeout": 30.0, "tunnels_timeout": 300.0}
        ],
        "held_per_second": None,
        "rollout": None,
        "warnings": ["each upstream of green would get 2.0 times what one of blue has now"],
    }
    request.end()


async def test_unhealthy_upstreams_are_named(admin: Admin) -> None:
    """With what is known of each."""
    await admin.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    told = await plan(admin, "POST", "switch", {"to": "green", "force": True})
    assert told["forecast"]["capacity"]["unhealthy"] == [
        {"address": "b:1", "admin": "ready", "health": "unhealthy", "ejected": False}
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "moves"),
    [
        ("POST", "switch", {"to": "green"}, 100.0),
        ("PUT", "split", {"green": 20}, 20.0),
        ("POST", "shift", {"to": "green", "over": "1m", "percent": 30}, 30.0),
    ],
)
async def test_a_plan_names_who_is_in_the_way(
    admin: Admin, method: str, path: str, body: dict[str, Any], moves: float
) -> None:
    """It tells what would happen without the running operation; the real call is refused, and named the same."""
    await admin.api.call("POST", f"{SHOP}/shift", SHIFT)
    told = await plan(admin, method, path, body)
    assert told["conflict"] == {"id": "op-1", "kind": "shift", "state": "running", "by": "local"}
    assert told["forecast"]["moves"] == moves
    assert "it would have to end first" in told["forecast"]["warnings"][0]
    refused = await admin.api.call(method, f"{SHOP}/{path}", body)
    assert (refused.status, refused.body["operation"]) == (409, "op-1")


async def test_what_else_is_wrong_is_refused_beside_a_conflict(admin: Admin) -> None:
    """A plan for a sick color says no, whoever is in the way."""
    await admin.api.call("POST", f"{SHOP}/shift", SHIFT)
    await admin.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    reply = await admin.api.call("POST", f"{SHOP}/switch?dry_run=true", {"to": "green"})
    assert (reply.status, reply.code) == (409, "color_not_healthy")


async def test_a_rollback_is_in_nobodys_way(admin: Admin) -> None:
    """It ends what runs, and so its plan has no conflict."""
    await admin.api.call("POST", f"{SHOP}/shift", SHIFT)
    await admin.api.call("POST", "/v1/operations/op-1/promote")
    told = await plan(admin, "POST", "rollback")
    assert (told["conflict"], told["forecast"]["moves"], told["forecast"]["capacity"]["color"]) == (None, 5.0, "blue")


async def test_what_is_said_to_a_shift_moves_what_it_moves(admin: Admin) -> None:
    """A pause moves nothing, a promotion what its step moves."""
    await admin.api.call("POST", f"{SHOP}/shift", SHIFT)
    for verb, moves in (("pause", 0.0), ("promote", 5.0)):
        reply = await admin.api.call("POST", f"/v1/operations/op-1/{verb}?dry_run=true")
        assert reply.body["forecast"]["moves"] == moves


async def test_a_plan_of_a_rollout_tells_who_goes_out_with_whom(admin: Admin) -> None:
    """Batches, who serves meanwhile and with how much more, and what should be looked at first."""
    load = Load(10.0, 300, (0,) * BUCKETS.index(0.005) + (300,))
    object.__setattr__(admin.context, "load", lambda name, color: load if color is Color.BLUE else Load(10.0, 0))
    body = {"update": {"webhook": {"url": "http://deploy.test/"}}, "watch": "10s", "slow_start": "5s"}
    told = await plan(admin, "POST", "pools/blue/rollouts", body)
    assert (told["changes"], told["forecast"]["moves"]) == (
        [{"path": "roll.blue", "before": None, "after": "2 servers"}],
        0.0,
    )
    assert told["forecast"]["rollout"] == {
        "color": "blue",
        "batches": [
            {"number": 1, "servers": ["a:1"], "serving": 1, "per_server": 30.0, "times": 2.0},
            {"number": 2, "servers": ["a:2"], "serving": 1, "per_server": 30.0, "times": 2.0},
        ],
        "left_over": [],
        "available": 2,
        "min_available": 1,
        "per_server_now": 15.0,
        "drain_expected": 0.005,
        "drain_timeout": 30.0,
        "at_least": 60.0,
    }
    warnings = told["forecast"]["warnings"]
    assert "each server that is left would get up to 2.0 times what it has now" in warnings
    assert "versions are not detected: a hook that did nothing would not be noticed" in warnings
    assert "what the servers run now would not be known: nothing could restore it" in warnings


async def test_a_plan_of_a_rollout_says_what_stands_in_its_way(admin: Admin) -> None:
    """Servers that do not serve, those for whom there is no room, and another operation."""
    await admin.core.controller.observe(ObserveHealth("shop", Color.BLUE, "a:2", Health.UNHEALTHY))
    told = (await plan(admin, "POST", "pools/blue/rollouts", {}))["forecast"]
    assert told["rollout"]["left_over"] == ["a:1"]
    assert told["warnings"][:2] == [
        "a:2 is not serving, which leaves less room for the others",
        "a:1 would have to wait: 1 of blue serve, and 1 have to",
    ]
    await admin.api.call("POST", f"{SHOP}/shift", SHIFT)
    beside = await plan(admin, "POST", "pools/blue/rollouts", {})
    assert beside["conflict"]["id"] == "op-1"
    assert beside["forecast"]["rollout"]["available"] == 1


async def test_rolling_a_color_without_traffic_is_free(admin: Admin) -> None:
    """Nobody waits for it, nothing drains, and nothing can be judged; a rollback would find other servers."""
    object.__setattr__(admin.context, "load", lambda name, color: Load(10.0, 0))
    await admin.api.call("POST", f"{SHOP}/switch?wait=drained", {"to": "green"})
    told = (await plan(admin, "POST", "pools/blue/rollouts", {"batch": 2}))["forecast"]
    rollout = told["rollout"]
    assert [batch["servers"] for batch in rollout["batches"]] == [["a:1"], ["a:2"]]
    assert (rollout["min_available"], rollout["drain_expected"]) == (0, 0.0)
    assert told["warnings"] == [
        "nothing can be judged: blue has no traffic",
        "blue is where a rollback leads: it would find other servers than before",
    ]

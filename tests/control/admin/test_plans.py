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

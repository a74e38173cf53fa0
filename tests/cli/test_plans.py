from __future__ import annotations

from typing import Any

from tests.cli.conftest import Run
from tests.cli.scripted import Answer, Script

CHANGE = {"path": "split.green", "before": 0.0, "after": 100.0}


def planned(admin: Script, **facts: Any) -> None:
    """A plan of a switch with this forecast."""
    forecast = {
        "moves": 100.0,
        "users": False,
        "per_second": None,
        "capacity": None,
        "drains": [],
        "held_per_second": None,
        "warnings": [],
        **facts,
    }
    answer = Answer({"dry_run": True, "changes": [CHANGE], "conflict": None, "forecast": forecast})
    admin.on("POST", "/v1/services/default/switch", answer)


def test_a_plan_tells_who_moves_and_who_carries_it(run: Run, admin: Script) -> None:
    """Line by line, the warnings last."""
    sick = {"address": "b:2", "admin": "ready", "health": "unhealthy", "ejected": False}
    planned(
        admin,
        per_second=120.4,
        capacity={
            "color": "green",
            "healthy": 1,
            "total": 4,
            "healthy_weight": 2,
            "total_weight": 5,
            "per_upstream_now": 0.0,
            "per_upstream_then": 120.4,
            "times": 4.0,
            "unhealthy": [
                sick,
                {**sick, "address": "b:3", "admin": "drain"},
                {**sick, "address": "b:4", "health": "healthy", "ejected": True},
                {**sick, "address": "b:5", "health": "healthy"},
            ],
        },
        drains=[
            {"color": "blue", "requests": 3, "tunnels": 1, "expected": 0.25, "timeout": 30.0, "tunnels_timeout": 9.0}
        ],
        warnings=["green has 1 of 4 upstreams healthy"],
    )
    assert run("switch", "green", "--dry-run").stdout.splitlines() == [
        "would change: green 0 % -> 100 %",
        "would move: 100 % of the requests, about 120 requests a second now",
        "green has 1 of 4 upstreams healthy (weight 2 of 5); each has 0 requests a second now and would have 120",
        "  b:2 would take none: unhealthy",
        "  b:3 would take none: drain",
        "  b:4 would take none: ejected",
        "  b:5 would take none: weight 0",
        "blue would drain: 3 requests, 1 long-lived now, nearly all requests within 0.25 s",
        "warning: green has 1 of 4 upstreams healthy",
    ]


def test_what_is_not_known_is_not_said(run: Run, admin: Script) -> None:
    """Right after the start there are no rates yet."""
    planned(admin, users=True, moves=12.5, held_per_second=7.6)
    assert run("switch", "green", "--dry-run").stdout.splitlines() == [
        "would change: green 0 % -> 100 %",
        "would move: 12.5 % of the users",
        "would be parked: about 7.6 requests a second",
    ]

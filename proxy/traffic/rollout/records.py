"""Rollouts, read back from what ``asdict`` made of them."""

from __future__ import annotations

from typing import Any

from proxy.traffic.gate_records import load_gates
from proxy.traffic.hindrance import Hindrance
from proxy.traffic.rollout.plan import (
    Amount,
    CommandHook,
    Hook,
    ManualHook,
    OnFailure,
    Order,
    Readiness,
    RolloutPlan,
    SlowStart,
    VersionProbe,
    WebhookHook,
)
from proxy.traffic.rollout.rollout import Rollout, Turn
from proxy.traffic.rollout.stages import Course, Stage
from proxy.traffic.spec import Color

Record = dict[str, Any]


def load_rollout(raw: Record) -> Rollout:
    """A rollout as it was.

    Raises:
        KeyError, ValueError, TypeError: it was not written by ``asdict``.
    """
    return Rollout(
        **{
            **raw,
            "color": Color(raw["color"]),
            "plan": _plan(raw["plan"]),
            "turns": tuple(Turn(**{**turn, "stage": Stage(turn["stage"])}) for turn in raw["turns"]),
            "course": Course(raw["course"]),
            "hindrance": Hindrance(raw["hindrance"]) if raw["hindrance"] else None,
        }
    )


def _plan(raw: Record) -> RolloutPlan:
    return RolloutPlan(
        **{
            **raw,
            "hook": _hook(raw["hook"]),
            "batch": Amount(**raw["batch"]),
            "min_available": Amount(**raw["min_available"]),
            "first_batch": Amount(**raw["first_batch"]) if raw["first_batch"] else None,
            "order": Order(raw["order"]),
            "readiness": Readiness(**raw["readiness"]),
            "slow_start": SlowStart(**raw["slow_start"]),
            "gates": load_gates(raw["gates"]),
            "on_failure": OnFailure(raw["on_failure"]),
            "detect": VersionProbe(**raw["detect"]) if raw["detect"] else None,
        }
    )


def _hook(raw: Record) -> Hook:
    """Each kind has a field that no other has."""
    if "argv" in raw:
        env = tuple((name, value) for name, value in raw["env"])
        return CommandHook(tuple(raw["argv"]), env, raw["timeout"])
    return WebhookHook(**raw) if "url" in raw else ManualHook()

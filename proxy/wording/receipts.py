"""What an operation did, how it ended, and its receipt, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.wording.rollouts import done_words

_RECEIPT = (
    ("in_flight_at_flip", "in flight when the traffic moved"),
    ("finished_on_old", "of these finished where they began"),
    ("cut_by_client", "of these given up by their clients"),
    ("cut_by_proxy", "of these cut by a drain deadline"),
    ("failed", "of these failed by their upstream"),
    ("dropped", "of these lost"),
    ("served_by_new", "answered by the new color meanwhile"),
    ("errors_on_new", "of these with 5xx"),
    ("errors_on_old", "answers with 5xx of the color that was left"),
    ("held", "came while requests were held"),
    ("held_too_long", "of these turned away with 503"),
    ("retried", "tried again on another upstream"),
    ("spread_ms", "ms until every worker had seen it"),
    ("longest_ms", "ms until the last one was over"),
)
"""What a receipt says, in words."""


_ROLLED = {
    "in_flight_at_flip": "in flight when their servers were taken out",
    "served_by_new": "answered by updated servers meanwhile",
    "errors_on_old": "answers with 5xx of servers that were not updated",
}
"""The same of a rolling deployment, where it has other words."""


def receipt_lines(operation: dict[str, Any]) -> Iterator[tuple[int | float, str]]:
    """What an operation did to requests: each number with what it counts. Nothing where none were counted."""
    counted = operation["leaving"] or operation["kind"] in ("shift", "hold", "roll")
    if not (operation["receipt"] and counted and operation["ended_at"]):
        return
    others = _ROLLED if operation["kind"] == "roll" else {}
    for key, words in _RECEIPT:
        value = operation["receipt"].get(key)
        if value is not None:
            yield value, others.get(key, words)


def state_words(operation: dict[str, Any]) -> str:
    """How far it is, or how it ended: ``is draining``, ``succeeded``."""
    words = {
        "running": f"is {operation['progress']['phase']}",
        "paused": "is paused",
        "rolled_back": "was rolled back",
        "aborted": "was aborted",
    }
    return str(words.get(operation["state"], operation["state"]))


def what_words(operation: dict[str, Any]) -> str:
    """What it does: ``green 0 % -> 100 %``."""
    if operation.get("rollout"):
        return done_words(operation["rollout"])
    upstreams = [f"{left['color']} {left['upstream']}" for left in operation["leaving"] if left["upstream"]]
    if upstreams:
        return ", ".join(upstreams)
    if operation["kind"] == "hold":
        return "new requests wait" if operation["state"] == "running" else "new requests waited"
    before, after = operation["before"]["green"], operation["after"]["green"]
    return f"green {before:g} % -> {after:g} %" if before != after else f"green {after:g} %"

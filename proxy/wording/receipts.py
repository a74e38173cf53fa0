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


_FAULTS = (
    ("cut_by_proxy", "cut at the drain's deadline", "our"),
    ("held_too_long", "turned away with 503 by the bounds of the hold", "our"),
    ("failed", "failed by an upstream", "the upstream's"),
    ("cut_by_client", "given up by a client", "the client's"),
)
"""What else becomes of a request, and whose fault that is."""


def loss_words(operation: dict[str, Any]) -> list[str]:
    """What was lost, first of all by us; then what else did not end well, a sentence for each."""
    receipt = operation["receipt"]
    if operation["ended_at"] is None:
        return ["it is not over: the receipt is written at its end"]
    if receipt is None:
        return ["no receipt: what was counted is lost"]
    others = [(receipt.get(key) or 0, words, fault) for key, words, fault in _FAULTS]
    return [_dropped(receipt), *(f"{count:,} {words} ({fault} fault)" for count, words, fault in others if count)]


def _dropped(receipt: dict[str, Any]) -> str:
    """``0 dropped; 7 of 7 in flight finished``."""
    dropped, began, finished = receipt["dropped"], receipt["in_flight_at_flip"], receipt["finished_on_old"]
    words = f"{dropped:,} dropped with a worker that died (our fault)" if dropped else "0 dropped"
    if began:
        words += f"; {finished:,} of {began:,} in flight finished"
    left = began - finished - sum(receipt[key] for key in ("cut_by_proxy", "cut_by_client", "failed", "dropped"))
    if left > 0 and receipt["drained_at"] is None:
        words += f", {left:,} were under way when it ended"
    return words

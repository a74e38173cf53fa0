"""How an operation is shown: what it did, how it ended, and its receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from proxy.cli.rollout_words import done_words, failure_lines
from proxy.cli.terminal import Page, add_row, make_table, styled

RECEIPT = (
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


ROLLED = {
    "in_flight_at_flip": "in flight when their servers were taken out",
    "served_by_new": "answered by updated servers meanwhile",
    "errors_on_old": "answers with 5xx of servers that were not updated",
}
"""The same of a rolling deployment, where it has other words."""


def show_operation(page: Page, operation: dict[str, Any]) -> None:
    """An operation, after it has ended or as far as it is."""
    page.show(headline(operation))
    if operation["note"]:
        page.show(operation["note"])
    if operation.get("rollout"):
        for line in failure_lines(operation["rollout"]):
            page.show(line)
    counted = operation["leaving"] or operation["kind"] in ("shift", "hold", "roll")
    if operation["receipt"] and counted and operation["ended_at"]:
        show_receipt(page, operation["receipt"], ROLLED if operation["kind"] == "roll" else {})


def headline(operation: dict[str, Any]) -> Text:
    """``switch op-1 succeeded: green 0 % -> 100 %``."""
    text = Text.assemble(f"{operation['kind']} {operation['id']} ", _state(operation), f": {_what(operation)}")
    spread = (operation["receipt"] or {}).get("spread_ms")
    if spread is not None and not operation["leaving"] and operation["kind"] != "roll":
        text.append(f", served by every worker after {spread:.1f} ms")
    return text


def _state(operation: dict[str, Any]) -> Text:
    state = operation["state"]
    words = {
        "running": f"is {operation['progress']['phase']}",
        "paused": "is paused",
        "rolled_back": "was rolled back",
        "aborted": "was aborted",
    }
    return Text(words.get(state, state), style=styled(state).style)


def _what(operation: dict[str, Any]) -> str:
    if operation.get("rollout"):
        return done_words(operation["rollout"])
    upstreams = [f"{left['color']} {left['upstream']}" for left in operation["leaving"] if left["upstream"]]
    if upstreams:
        return ", ".join(upstreams)
    if operation["kind"] == "hold":
        return "new requests wait" if operation["state"] == "running" else "new requests waited"
    before, after = operation["before"]["green"], operation["after"]["green"]
    return f"green {before:g} % -> {after:g} %" if before != after else f"green {after:g} %"


def show_receipt(page: Page, receipt: dict[str, Any], others: Mapping[str, str]) -> None:
    """What an operation did to requests; ``others`` are other words for some of it."""
    table = make_table(page, ">count", "receipt")
    for key, words in RECEIPT:
        value = receipt.get(key)
        if value is not None:
            add_row(table, f"{value:.1f}" if isinstance(value, float) else value, others.get(key, words))
    page.show(table)

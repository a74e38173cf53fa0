"""What is going on with a service, in lines: the same in the plain status and in the live picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from proxy.cli.context import Common
from proxy.cli.receipt import headline
from proxy.cli.rollout_words import ways_on
from proxy.cli.shift_words import way_on
from proxy.cli.terminal import styled
from proxy.wording import rollouts, shifts
from proxy.wording.numbers import counted, left_words, span_words

STATES = {"maintenance": "in maintenance"}
"""States that need another word to make a sentence."""


def title_line(service: dict[str, Any]) -> Text:
    """``shop is serving, live is blue``."""
    state = STATES.get(service["state"], service["state"])
    return Text.assemble((service["name"], "bold"), f" is {state}, live is ", styled(service["live"]))


def held_lines(service: dict[str, Any]) -> Iterator[Text]:
    """Why not everybody is served."""
    if service.get("maintenance") is not None:
        yield Text(f"users are told: {service['maintenance']}", style="yellow")
    if hold := service.get("hold"):
        waiting, which = counted(service["held"], "request"), "unsafe ones" if hold["unsafe_only"] else "all new ones"
        text = f"{waiting} held now; {which} wait, each for {hold['max_wait']:g} s at most, because of "
        yield Text(text + (hold["operation"] or "an operation"), style="yellow")


def operation_line(operation: dict[str, Any], now: float) -> Text:
    """What runs, what it still waits for, who began it and why. ``now`` is Unix seconds."""
    text = headline(operation)
    if not shifts.is_moving(operation) and not rollouts.is_rolling(operation):
        text.append(f", {left_words(operation['progress'], now)}")
    text.append(f", by {operation['by']}")
    if operation["reason"]:
        text.append(f" ({operation['reason']})")
    return text


def detail_lines(common: Common, operation: dict[str, Any]) -> Iterator[Text]:
    """Where a shift or a rolling deployment stands, why it waits, and what lets it go on."""
    if shifts.is_moving(operation):
        shift = operation["shift"]
        yield _standing(f"{shifts.place_words(shift)}, {shifts.left_words(shift)}", shift)
        for words in (*shifts.detail_words(shift), way_on(common, shift)):
            if words:
                yield Text(words)
    if rollouts.is_rolling(operation):
        rollout = operation["rollout"]
        yield _standing(f"{rollouts.place_words(rollout)}, {rollouts.left_words(rollout)}", rollout)
        for words in (*rollouts.detail_words(rollout), *ways_on(common, rollout)):
            yield Text(words)


def _standing(words: str, plan: dict[str, Any]) -> Text:
    return Text(words, style="yellow" if plan["hindrance"] else "")


def warm_line(common: Common, warm: dict[str, Any], now: float) -> Text:
    """How long the color that was left is at hand, and how to return to it. ``now`` is Unix seconds."""
    left = span_words(max(0.0, warm["until"] - now))
    back = f"`{common.command('rollback')}` returns to green {warm['rollback_to']['green']:g} %"
    return Text(f"watched for another {left} after shift {warm['operation']}; {back}")

"""What happens to the traffic is told on standard error, with stable names and without secrets."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.control.chronicle import MOST_CHANGES, Chronicle
from proxy.control.events import EventName
from proxy.logs.log import EventLog
from proxy.traffic.commands import Abort, Pause, Promote, Resume, Rollback, StartShift, Switch
from proxy.traffic.gates import Gates, Moment, Webhook
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.reduction import Change
from proxy.traffic.shift import Step
from proxy.traffic.spec import Color
from tests.control.core import Core, running_core
from tests.logs.test_documentation import TOLD

SENTENCE = "green is worse: 9 % errors against 0 %"
SECRET = "https://hooks.example.com/T0/secret-token"
STEPS = (Step(1_000, pause=None), Step(10_000))


class Heard:
    """What was written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[dict[str, Any]]:
        """All of it."""
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def names(self) -> list[str]:
        """The events, in order."""
        return [line["event"] for line in self.lines()]

    def last(self, name: str) -> dict[str, Any]:
        """The newest line of an event, without time and level."""
        line = [line for line in self.lines() if line["event"] == name][-1]
        return {key: value for key, value in line.items() if key not in ("ts", "level", "event")}


@asynccontextmanager
async def told(tmp_path: Path) -> AsyncIterator[tuple[Core, Heard]]:
    """A core that tells what happens."""
    path = tmp_path / "stderr"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    async with running_core(tmp_path / "db") as core:
        chronicle = Chronicle(EventLog(descriptor), lambda operation: Verdict(Finding.FAIL, SENTENCE))
        core.controller.on_change(chronicle.follow)
        core.events.listen(chronicle.hear)
        heard = Heard(path)
        yield core, heard
        for line in heard.lines():
            assert line.keys() - {"ts", "level", "event"} <= TOLD[line["event"]], "the page knows every key"
    os.close(descriptor)


async def test_a_switch_is_told_from_its_start_to_its_receipt(tmp_path: Path) -> None:
    """Who, why, when all workers served it, and the numbers."""
    async with told(tmp_path) as (core, heard):
        await core.controller.execute(Switch("shop", Color.GREEN), by="ada", reason="v2")
        await core.controller.wait_ended("op-1", 10)
    names = ["operation_started", "changed", "operation_applied", "operation_ended"]
    assert heard.names() == names
    named = {"service": "shop", "operation": "op-1", "kind": "switch", "color": "green"}
    who = {"by": "ada", "reason": "v2"}
    assert heard.last("operation_started") == named | who | {"green_before": 0.0, "green_after": 100.0}
    changed = heard.last("changed")
    assert changed.pop("generation") == heard.last("operation_applied")["generation"]
    changes = {"changes": ["split.green: 0.0 -> 100.0"], "more": 0}
    assert changed == {"service": "shop", "operation": "op-1", "action": "switch", "revision": 2} | who | changes
    ended = heard.last("operation_ended")
    assert (ended["state"], ended["dropped"], ended["in_flight_at_flip"]) == ("succeeded", 0, 0)
    assert named.items() | who.items() <= ended.items()
    assert "held" not in ended, "what was not counted is not there"


async def test_a_shift_is_told_step_by_step(tmp_path: Path) -> None:
    """A pause, by whom; what it waits for; the next step; and that it was sent back, with the judge's sentence."""
    gates = Gates(webhooks=(Webhook(SECRET, (Moment.AFTER,)),))
    async with told(tmp_path) as (core, heard):
        await core.controller.execute(StartShift("shop", Color.GREEN, 10_000, steps=STEPS, gates=gates), by="ada")
        await core.controller.execute(Pause("op-1"), by="bob", reason="lunch")
        await core.controller.execute(Resume("op-1"), by="bob")
        paused, resumed = heard.last("operation_paused"), heard.last("operation_resumed")
        for _ in range(2):  # the first one opens the step it is in
            await core.controller.execute(Promote("op-1"), by="ada")
        step = heard.last("operation_step")
        await core.controller.execute(Rollback("shop", force=True), by="judge", reason=SENTENCE)
    assert (paused["by"], paused["reason"], paused["step"], paused["steps"]) == ("bob", "lunch", 1, 2)
    assert resumed["by"] == "bob"
    assert (step["step"], step["kind"]) == (2, "shift")
    ended, back = heard.last("operation_ended"), heard.last("rollback")
    assert (ended["operation"], ended["state"], ended["judge"]) == ("op-1", "rolled_back", SENTENCE)
    assert (back["operation"], back["by"], back["reason"]) == ("op-2", "judge", SENTENCE)
    assert "secret-token" not in json.dumps(heard.lines())


async def test_an_abort_is_told_with_who_did_it(tmp_path: Path) -> None:
    """The operation that undoes it is told, too."""
    async with told(tmp_path) as (core, heard):
        await core.controller.execute(StartShift("shop", Color.GREEN, 10_000, steps=STEPS), by="ada")
        await core.controller.execute(Abort("op-1"), by="bob")
    assert heard.last("operation_ended")["note"] == "aborted by bob"


async def test_hooks_and_gates_have_names_of_their_own(tmp_path: Path) -> None:
    """With what they said in a sentence; what a program printed stays in the journal."""
    async with told(tmp_path) as (core, heard):
        await core.controller.execute(StartShift("shop", Color.GREEN, 10_000, steps=STEPS), by="ada")
        operation = core.controller.state.operations["op-1"]
        printed = Change("hook.output", None, "PASSWORD=hunter2")
        await core.controller.note("hook", operation, "a:1 is updated", (Change("hook.ok", None, True), printed))
        await core.controller.note("hook", operation, "it failed", (Change("hook.ok", None, False), printed))
        await core.controller.note("hook", operation, "waits for somebody", ())
        await core.controller.note("gate", operation, "load: too high", (Change("gates.step", None, "no"),))
    of = {"service": "shop", "operation": "op-1"}
    assert heard.last("hook_succeeded") == of | {"detail": "a:1 is updated"}
    assert heard.last("hook_failed") == of | {"detail": "it failed"}
    assert heard.last("hook_waits") == of | {"detail": "waits for somebody"}
    assert heard.last("gate_answered") == of | {"ok": False, "detail": "load: too high"}
    assert "hunter2" not in json.dumps(heard.lines())


async def test_many_changes_are_counted_and_not_all_named(tmp_path: Path) -> None:
    """A line stays short."""
    async with told(tmp_path) as (core, heard):
        await core.controller.execute(StartShift("shop", Color.GREEN, 10_000, steps=STEPS), by="ada")
        changes = tuple(Change(f"path.{number}", None, number) for number in range(MOST_CHANGES + 5))
        await core.controller.note("reload", core.controller.state.operations["op-1"], "why", changes)
    line = heard.last("changed")
    assert (len(line["changes"]), line["changes"][0], line["more"]) == (MOST_CHANGES, "path.0: none -> 0", 5)


async def test_what_fails_beneath_has_names_to_build_alerts_on(tmp_path: Path) -> None:
    """The store, and a table that does not fit."""
    async with told(tmp_path) as (core, heard):
        core.events.emit(EventName.STORE_DOWN, error="disk full")
        core.events.emit(EventName.STORE_UP)
        core.events.emit(EventName.TOO_LARGE, error="too many upstreams")
    assert [(line["event"], line["level"], line.get("error")) for line in heard.lines()] == [
        ("store_down", "error", "disk full"),
        ("store_up", "info", None),
        ("table_too_large", "error", "too many upstreams"),
    ]

"""The verbs against the real admin API of a real control core, so that both speak of the same fields."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.config.settings import Role
from proxy.control.admin.auth import Token, digest_of
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.model import Health
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, running_admin
from tests.control.core import running_core, until


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)


class Shell:
    """Runs commands against one admin API."""

    def __init__(self, admin: Admin) -> None:
        self.core = admin.core
        self._address = f"127.0.0.1:{admin.api.port}"

    async def run(self, *arguments: str) -> Ended:
        """One command, to its end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", *arguments, "--admin", self._address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    """A service "shop" with two blue upstreams and a green one, all healthy; blue is live."""
    async with running_core(tmp_path / "bluegreen.db") as core, running_admin(core) as admin:
        yield Shell(admin)


async def test_there_and_back(shell: Shell) -> None:
    """Switch, split, rollback, and the history of it all."""
    switch = await shell.run("switch", "green", "--reason", "release 7")
    assert (switch.code, switch.err) == (0, "")
    assert switch.out.startswith("switch op-1 succeeded: green 0 % -> 100 %\ncount  receipt\n    0  in flight when")

    split = await shell.run("split", "12.5", "--output", "json")
    assert (split.code, split.document["after"]) == (0, {"blue": 87.5, "green": 12.5})

    rollback = await shell.run("rollback")
    assert (rollback.code, rollback.out.splitlines()[0]) == (0, "rollback op-3 succeeded: green 12.5 % -> 100 %")

    receipt = await shell.run("receipts", "op-1")
    assert receipt.out.splitlines()[0] == "switch op-1 succeeded: green 0 % -> 100 %"
    assert "\n0 dropped\nservice shop, " in receipt.out
    assert (await shell.run("receipts", "--output", "json")).document["id"] == "op-3"
    unknown = await shell.run("receipts", "op-9")
    assert (unknown.code, "see which there were: `bluegreen history --admin" in unknown.err) == (4, True)

    again = await shell.run("switch", "green")
    assert again.out == "switch op-4 succeeded: green 100 %\nthe split was already so; nothing changed\n"

    history = await shell.run("history")
    assert [line.split()[3] for line in history.out.splitlines()[2:]] == ["switch", "split", "rollback", "switch"]
    assert "release 7" in history.out


async def test_looking(shell: Shell) -> None:
    """Status and upstreams find the fields that they show."""
    status = await shell.run("status")
    assert (status.code, status.out.splitlines()[0]) == (0, "shop is serving, live is blue")
    assert (await shell.run("status", "--output", "json")).document["services"][0]["name"] == "shop"
    assert (await shell.run("upstreams")).out.splitlines()[3].split() == ["green", "b:1", "1", "ready", "healthy", "0"]


async def test_upstreams(shell: Shell) -> None:
    """All that can be done with one."""
    steps = {
        ("add", "green", "127.0.0.1:9102"): "green 127.0.0.1:9102 added; it serves once it is healthy",
        ("weight", "green", "127.0.0.1:9102", "5"): "green 127.0.0.1:9102 has weight 5",
        ("maint", "blue", "a:2"): "drain op-1 succeeded: blue a:2",
        ("ready", "blue", "a:2"): "blue a:2 is set to ready",
        ("drain", "blue", "a:2"): "drain op-2 succeeded: blue a:2",
        ("remove", "blue", "a:2"): "blue a:2 removed",
    }
    for arguments, said in steps.items():
        ended = await shell.run("upstreams", *arguments, "--reason", "spring cleaning")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(said)
    assert [upstream.address for upstream in shell.core.controller.state.services["shop"].blue] == ["a:1"]


async def test_the_last_upstream_needs_force(shell: Shell) -> None:
    """And can be removed with it."""
    await shell.run("upstreams", "remove", "blue", "a:2")
    refused = await shell.run("upstreams", "remove", "blue", "a:1")
    assert (refused.code, "(last_upstream)" in refused.err) == (4, True)
    assert (await shell.run("upstreams", "remove", "blue", "a:1", "--force")).code == 0


async def test_a_plan_changes_nothing(shell: Shell) -> None:
    """A dry run of every kind of change."""
    before = shell.core.controller.state
    switched = (await shell.run("switch", "green", "--dry-run")).out.splitlines()
    assert switched[:2] == ["would change: green 0 % -> 100 %", "would move: 100 % of the requests"]
    added = await shell.run("upstreams", "add", "green", "127.0.0.1:9102", "--dry-run")
    assert added.out == "would change: green 127.0.0.1:9102 added (weight 1, ready)\n"
    plan = await shell.run("split", "30", "--dry-run", "--output", "json")
    assert plan.document["after"]["split"] == {"blue": 70.0, "green": 30.0}
    assert shell.core.controller.state is before


async def test_a_color_that_is_not_healthy(shell: Shell) -> None:
    """Refused with a remedy that works."""
    await shell.core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    refused = await shell.run("switch", "green", "--output", "json")
    assert (refused.code, refused.document["code"]) == (4, "color_not_healthy")
    assert "add --force" in refused.err
    assert (await shell.run("switch", "green", "--force")).code == 0


async def test_waiting_for_a_drain(shell: Shell) -> None:
    """Exit code 6 while something is in flight, and abort takes the traffic back."""
    request = shell.core.crew.workers[0].admit()
    waited = await shell.run("switch", "green", "--timeout", "200ms")
    assert (waited.code, waited.out) == (6, "switch op-1 is draining: green 0 % -> 100 %\n")
    assert "switch op-1 is draining: green 0 % -> 100 %, 1 request, 0" in (await shell.run("status")).out
    aborted = await shell.run("abort")
    request.end()
    assert (aborted.code, aborted.out.splitlines()[0]) == (0, "rollback op-2 succeeded: green 100 % -> 0 %")
    assert (await shell.run("abort")).code == 4


async def test_being_rolled_back_while_waiting(shell: Shell) -> None:
    """Exit code 5: the traffic is not where it was sent."""
    request = shell.core.crew.workers[0].admit()
    switch = asyncio.create_task(shell.run("switch", "green"))
    await until(lambda: bool(shell.core.controller.state.operations))
    await shell.run("rollback", "--no-wait")
    ended = await switch
    request.end()
    assert ended.code == 5
    assert ended.out.splitlines()[:2] == ["switch op-1 was rolled back: green 0 % -> 100 %", "rolled back by local"]


async def test_rolling(shell: Shell) -> None:
    """A plan, a rollout that is shown, one whose server is not out yet, and the end of it."""
    plan = await shell.run("roll", "blue", "--dry-run")
    assert plan.out.splitlines()[:2] == [
        "would change: 2 servers of blue updated, some at a time",
        "batch 1: a:1; 1 server of blue in rotation meanwhile",
    ]
    begun = await shell.run("roll", "blue", "--to-version", "v2", "--watch", "0", "--no-wait")
    assert (begun.code, begun.out) == (0, "roll op-1 is rolling: 0 of 2 servers of blue updated to v2\n")
    early = await shell.run("ready", "a:1")
    assert (early.code, "(not_updating)" in early.err) == (4, True)
    status = await shell.run("status")
    assert "blue before the first batch, how long it takes is not known yet" in status.out
    assert status.out.splitlines()[-3].split()[-1] == "serving"
    refused = await shell.run("roll", "green", "--hook", "deploy", "--on-failure", "restore")
    assert (refused.code, "hooks.commands" in refused.err) == (4, True)
    aborted = await shell.run("abort")
    assert (aborted.code, aborted.out.splitlines()[0]) == (
        0,
        "roll op-1 was aborted: 0 of 2 servers of blue updated to v2",
    )


async def test_rights(tmp_path: Path) -> None:
    """Without a token, and with one that may only look, the message says which is needed."""
    token = Token("eve", Role.VIEWER, digest_of(b"secret"))
    async with running_core(tmp_path / "bluegreen.db") as core, running_admin(core, tokens=(token,)) as admin:
        shell = Shell(admin)
        nobody = await shell.run("status")
        assert (nobody.code, "give a token with --token or BLUEGREEN_TOKEN" in nobody.err) == (4, True)
        assert (await shell.run("status", "--token", "secret")).code == 0
        viewer = await shell.run("switch", "green", "--token", "secret")
        assert (viewer.code, "this call needs the role operator" in viewer.err) == (4, True)

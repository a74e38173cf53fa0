"""Hooks that misbehave, and hooks that answer with another address."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import alive
from tests.harness.program import Program
from tests.harness.servers import Servers
from tests.system.hooked import webhook
from tests.system.rolling import HOOK_SECRET, POOL, kept_out, start_roll
from tests.system.shifts import wait_over

MIX = Mix(keep_alive=3, one_shot=1, posts=2, uploads=0, slow=2, streams=0, websockets=0, events=0, pause=0.05)
MEGABYTES = 10

FORKS = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")
print("leaving them to themselves" if sys.argv[2:] else "waiting for them", flush=True)
time.sleep(0 if sys.argv[2:] else 600)
"""
"""Starts a child that leaves its session; then it hangs, or ends while the child holds its output still."""


def _program(code: str, *arguments: str) -> dict[str, Any]:
    return {"command": {"argv": [sys.executable, "-c", code, *arguments], "timeout": "1s"}}


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 3}], indirect=True, ids=["three"])
def test_bad_hooks_end_it_at_the_first_batch(door: Program, servers: Servers, tmp_path: Path) -> None:
    """One exits with 1, one hangs with a child, one prints 10 MB and one forks, but neither updates anything: each is
    noticed and told, its server stays out, and 0 requests fail. Nothing of the one that hangs is left."""
    pids = tmp_path / "pids"
    prints = f"import sys; [print('x' * 999_999) for _ in range({MEGABYTES})]; print('that was all')"
    cases = (
        (_program("import sys; sys.exit('the disk is full')"), "exit status 1: the disk is full", ""),
        (_program(FORKS, str(pids)), "not done within 1 s", "waiting for them"),
        (_program(prints), "v1", "that was all"),
        (_program(FORKS, str(pids), "leave"), "v1", "leaving them to themselves"),
    )
    left: list[int] = []
    with Load(door.door, MIX) as load:
        load.wait_for(50)
        for update, words, printed in cases:
            over = wait_over(door, start_roll(door, update=update, detect={"header": "X-Version"}), timeout=30)
            assert over["state"] == "failed", over
            assert words in over["note"], over
            assert kept_out(door) == [servers.blue[0].address]
            entries = [e for e in door.admin("GET", "/v1/history").body["entries"] if e["action"] == "hook"]
            told = json.dumps(entries[0])
            assert printed in told
            assert len(told) < 100_000
            if pids.exists():
                left = [pid for pid in map(int, pids.read_text().split()) if alive(pid)]
                assert left == [] or "leave" in update["command"]["argv"]
                pids.unlink()
            back = door.admin("PATCH", f"{POOL}/upstreams/{servers.blue[0].address}", {"admin": "ready"})
            assert back.status == 200, back
            door.wait_healthy()
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    assert len(left) == 1, "what a hook leaves behind may be the very server it was to start"
    with contextlib.suppress(ProcessLookupError):
        os.kill(left[0], signal.SIGKILL)
    assert not report.breaches(), str(report)
    assert [server.starts for server in servers.blue] == [["v1"]] * 3


@dataclass
class Orchestrator:
    """A webhook that starts the new server of each batch at another place, as containers come back elsewhere."""

    servers: Servers
    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)

    def answer(self, body: bytes, signed: str) -> bytes:
        """New addresses by old ones."""
        stamp, _, digest = signed.removeprefix("t=").partition(",v1=")
        if digest != hmac.new(HOOK_SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest():
            self.forged.append(signed)
        self.told.append(told := json.loads(body))
        moved = {}
        for upstream in told["upstreams"]:
            new = self.servers.elsewhere()
            self.servers.start(told["version"], new)
            next(server for server in self.servers.blue if server.address == upstream["address"]).kill()
            moved[upstream["address"]] = new.address
        return json.dumps({"addresses": moved}).encode()


@pytest.fixture
def orchestrator(servers: Servers) -> Iterator[Orchestrator]:
    """A running webhook."""
    orchestrator = Orchestrator(servers)

    def answer(body: bytes, signature: str) -> tuple[int, bytes]:
        return 200, orchestrator.answer(body, signature)

    with webhook(answer) as orchestrator.url:
        yield orchestrator


@pytest.mark.system
@pytest.mark.paced
def test_servers_may_come_back_elsewhere(
    tmp_path: Path, servers: Servers, door: Program, orchestrator: Orchestrator
) -> None:
    """A webhook answers with new addresses: the old servers are gone, the new ones are probed and take their places;
    0 failed requests, and every telling was signed."""
    with Load(door.door, MIX) as load:
        load.wait_for(50)
        plan: dict[str, Any] = {"batch": 3, "first_batch": {"size": 3, "watch": "300ms"}}
        over = wait_over(door, start_roll(door, update={"webhook": {"url": orchestrator.url}}, **plan), timeout=30)
        load.wait_for(50)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    assert over["state"] == "succeeded", over
    assert not report.breaches(), str(report)
    new = [server for server in servers.everywhere if server.starts == ["v2"]]
    upstreams = door.service()["pools"]["blue"]["upstreams"]
    assert {each["address"] for each in upstreams} == {server.address for server in new}
    assert len(new) == 6
    assert all(list(server.notes("begin")) for server in new)
    assert servers.unfinished() == []
    assert orchestrator.forged == []
    assert [(told["action"], told["batch"], told["version"]) for told in orchestrator.told] == [
        ("update", 1, "v2"),
        ("update", 2, "v2"),
    ]

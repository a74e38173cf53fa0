from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.config import load_settings
from proxy.control.clock import SystemClock
from proxy.control.reload import Reloader
from proxy.logs.log import EventLog
from proxy.traffic.commands import SetSplit
from tests.control.core import Core, running_core

CONFIG = """
listen: ["127.0.0.1:{port}"]
state: {{path: state.db}}
services:
  shop:
    pools: {{blue: {{upstreams: [{blue}]}}, green: {{upstreams: ["127.0.0.1:2"]}}}}
"""


@dataclass(frozen=True)
class Desk:
    """A config file, and what reads it."""

    core: Core
    reloader: Reloader
    path: Path

    def write(self, *, port: int = 8080, blue: str = '"127.0.0.1:1"') -> None:
        """Replace the file."""
        self.path.write_text(CONFIG.format(port=port, blue=blue))

    def blue(self) -> list[str]:
        """The blue upstreams that are served."""
        return [each.address for each in self.core.controller.state.services["shop"].blue]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A program that was started with the config file."""
    path = tmp_path / "bluegreen.yaml"
    path.write_text(CONFIG.format(port=8080, blue='"127.0.0.1:1"'))
    settings = load_settings(path, {})
    with (tmp_path / "log").open("wb") as file:
        async with running_core(tmp_path / "state.db", *settings.services) as core:
            reloader = Reloader(path, settings, core.controller, SystemClock(), EventLog(file.fileno()))
            yield Desk(core, reloader, path)


async def test_a_good_file_is_served(desk: Desk) -> None:
    """What it says holds when the call returns, and it is told who asked."""
    desk.write(blue='"127.0.0.1:1", "127.0.0.1:3"')

    result = await desk.reloader.reload("ada")

    assert (result.ok, result.problems, result.by) == (True, (), "ada")
    assert desk.blue() == ["127.0.0.1:1", "127.0.0.1:3"]
    assert desk.reloader.last == result
    assert desk.reloader.last_success == result.at


@pytest.mark.parametrize("text", ["", "listen: [", "no_such: 1\n", "\x00", CONFIG.format(port=8080, blue="7")])
async def test_a_bad_file_changes_nothing(desk: Desk, text: str) -> None:
    """Every problem is named with its place, and a good file afterwards is taken."""
    before = desk.core.controller.state
    desk.path.write_text(text)

    result = await desk.reloader.reload("ada")

    assert not result.ok
    assert all(str(desk.path) in problem for problem in result.problems)
    assert desk.core.controller.state is before
    desk.write()
    assert (await desk.reloader.reload("ada")).ok
    assert (desk.reloader.results[True], desk.reloader.results[False]) == (1, 1)


async def test_a_missing_file_changes_nothing(desk: Desk) -> None:
    """A deploy that takes the file away for a moment does no harm."""
    desk.path.unlink()

    assert not (await desk.reloader.reload("ada")).ok


async def test_what_cannot_change_is_refused_whole(desk: Desk) -> None:
    """A file with another port is not half served: the good part waits as well."""
    desk.write(port=8081, blue='"127.0.0.1:9"')

    result = await desk.reloader.reload("ada")

    assert result.problems == (f"{desk.path}: listen cannot change while the program runs; restart it",)
    assert desk.blue() == ["127.0.0.1:1"]


async def test_the_secret_of_webhooks_is_one_of_these(desk: Desk) -> None:
    """It is read at the start; a file that names another would seem to be served and is not."""
    secret = desk.path.with_name("secret")
    secret.write_text("sesame")
    desk.path.write_text(f"gates: {{secret_file: secret}}\n{CONFIG.format(port=8080, blue='')}")

    result = await desk.reloader.reload("ada")

    assert result.problems == (f"{desk.path}: gates.secret_file cannot change while the program runs; restart it",)


async def test_programs_that_may_be_run_are_none_of_these(desk: Desk) -> None:
    """Whoever takes one from the list wants it to be run no more."""
    program = desk.path.with_name("deploy.sh")
    program.touch(mode=0o755)
    desk.path.write_text(f"hooks: {{commands: [deploy.sh]}}\n{CONFIG.format(port=8080, blue='')}")

    assert (await desk.reloader.reload("ada")).ok
    assert desk.reloader.settings.hook_commands == (str(program),)


async def test_who_may_connect_how_is_part_of_where(desk: Desk) -> None:
    """Balancers do not change over at the moment of a reload, so the PROXY protocol is as fixed as the address."""
    written_out = CONFIG.replace('"127.0.0.1:{port}"', '{{address: "127.0.0.1:{port}", proxy_protocol: {on}}}')
    for on in ("false", "true"):
        desk.path.write_text(written_out.format(port=8080, blue='"127.0.0.1:1"', on=on))

        assert (await desk.reloader.reload("ada")).ok is (on == "false")


async def test_reloads_and_operators_do_not_undo_each_other(desk: Desk) -> None:
    """Whatever the order in which they come, the split is the operator's last and the pools are the file's last."""
    for number in range(20):
        desk.write(blue=f'"127.0.0.1:{100 + number}"')
        await asyncio.gather(
            desk.reloader.reload("signal"),
            desk.core.controller.execute(SetSplit("shop", number * 100, force=True), by="ada"),
            desk.reloader.reload("signal"),
        )
        assert desk.blue() == [f"127.0.0.1:{100 + number}"]
        assert desk.core.controller.state.services["shop"].split == number * 100

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from proxy.control.hooks.hooks import Hooks
from proxy.traffic.rollout.plan import WebhookHook
from proxy.traffic.rollout.rollout import Turn
from proxy.traffic.rollout.stages import Stage
from tests.control.hooks.conftest import Script, rolling

PAGES = Path(__file__).parents[3] / "docs"
PAGE = (PAGES / "hooks.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """The block of the page in a language."""
    (block,) = (block.split("```")[0] for block in PAGE.split(f"```{language}\n")[1:])
    return block


async def test_the_script_of_the_page(
    hooks: Hooks, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It installs the version on each server."""
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text('#!/bin/sh\necho "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=":")
    outcome = await hooks.run(rolling(script(example("sh").removeprefix("#!/bin/sh\n"))))
    assert outcome.ok
    assert outcome.output == "-o BatchMode=yes deploy@a sudo /usr/local/sbin/install-shop 2\n" * 2


async def test_the_script_of_the_page_gives_no_commands_to_a_shell(hooks: Hooks, script: Script) -> None:
    """A server that is restored has said its version itself, and it may say anything."""
    turn = Turn("a:1", Stage.UPDATING, before="1; reboot", version="2")
    outcome = await hooks.run(rolling(script(example("sh").removeprefix("#!/bin/sh\n")), turn, undoing=True))
    assert outcome.detail == "deploy.sh ended with exit status 1: no version: 1; reboot"


def test_both_pages_have_the_same_script() -> None:
    """So that what is tested of one holds for the other."""
    text = (PAGES / "rolling.md").read_text(encoding="utf-8")
    assert example("sh")[example("sh").index("set -eu") :] in text


@pytest.fixture
def url() -> Iterator[str]:
    """Where the webhook of the page listens."""
    program: dict[str, object] = {"__name__": "example"}
    exec(example("python"), program)
    handler = program["Handler"]
    assert isinstance(handler, type)
    quiet = type("Quiet", (handler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/roll"
        server.shutdown()
        thread.join()


async def test_the_webhook_of_the_page(hooks: Hooks, url: str) -> None:
    """It begins its work, and says when that is done."""
    outcome = await hooks.run(rolling(WebhookHook(url)))
    assert (outcome.ok, outcome.detail) == (True, "the webhook answered 204")


def test_the_page_names_every_variable() -> None:
    """What a program can rely on is written down."""
    from proxy.control.hooks.call import calls
    from proxy.control.hooks.command import INHERITED, environment
    from proxy.traffic.rollout.plan import CommandHook

    hook = CommandHook(("deploy.sh",))
    (call,) = calls(rolling(hook))
    names = {*environment(hook, call, {}), "BLUEGREEN_RESULT", *INHERITED}
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from pathlib import Path

import pytest

from proxy.control.hooks.hooks import Hooks
from proxy.traffic.rollout.plan import CommandHook, ManualHook
from proxy.traffic.rollout.rollout import Turn
from proxy.traffic.rollout.stages import Stage
from tests.control.hooks.conftest import Script, rolling


async def test_what_a_program_is_told(
    hooks: Hooks, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which servers become what, in its environment; of ours it sees only what is nobody's secret."""
    for name in ("BLUEGREEN_TOKEN", "PREVIEW_TOKEN", "LC_TIME"):
        monkeypatch.setenv(name, "C")
    hook = script('env > env; pwd > pwd; echo "$@" > arguments', "--to", "two words", COMMIT="c0ffee")
    outcome = await hooks.run(rolling(hook))
    assert (outcome.ok, outcome.detail, dict(outcome.moved)) == (True, "deploy.sh ended with exit status 0", {})

    found = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert found.pop("BLUEGREEN_RESULT").endswith("/result.json")
    assert {name: value for name, value in found.items() if name.startswith("BLUEGREEN_")} == {
        "BLUEGREEN_ACTION": "update",
        "BLUEGREEN_SERVICE": "shop",
        "BLUEGREEN_COLOR": "blue",
        "BLUEGREEN_OPERATION": "op-7",
        "BLUEGREEN_BATCH": "2",
        "BLUEGREEN_UPSTREAMS": "a:2 a:3",
        "BLUEGREEN_VERSION": "2",
        "BLUEGREEN_PREVIOUS_VERSION": "1",
    }
    assert (found["COMMIT"], found["LC_TIME"], found["PATH"]) == ("c0ffee", "C", os.environ["PATH"])
    assert "PREVIEW_TOKEN" not in found
    assert (tmp_path / "arguments").read_text() == "--to two words\n"
    assert (tmp_path / "pwd").read_text() == f"{tmp_path}\n"


async def test_nothing_of_ours_is_open_in_it(hooks: Hooks, script: Script) -> None:
    """No descriptor but the usual three, the first of them empty: not even those that we hand to workers."""
    ours = fcntl.fcntl(0, fcntl.F_DUPFD, 100)  # which is inheritable
    outcome = await hooks.run(rolling(script('echo "$(wc -c)"; for each in /proc/$$/fd/*; do echo ${each##*/}; done')))
    os.close(ours)
    first, *found = outcome.output.split()
    of_the_shell_itself = {"3", "10", "255"}
    assert (first, set(found) - of_the_shell_itself) == ("0", {"0", "1", "2"})


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("echo no such image >&2; echo; exit 1", "deploy.sh ended with exit status 1: no such image"),
        ("kill -KILL $$", "deploy.sh was ended by SIGKILL"),
        ("kill -40 $$", "deploy.sh was ended by signal 40"),
        ("exit 0", "deploy.sh ended with exit status 0"),
    ],
)
async def test_how_it_ends_decides(hooks: Hooks, script: Script, text: str, detail: str) -> None:
    """Exit status 0 is success; anything else is said, with what it printed last."""
    outcome = await hooks.run(rolling(script(text)))
    assert (outcome.ok, outcome.detail) == (detail.endswith("status 0"), detail)


async def test_programs_that_cannot_be_started(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    """Not there, not executable, made for another interpreter: each is an outcome that says so."""
    operation = rolling(script("exit 0"))
    file = tmp_path / "deploy.sh"
    details = []
    file.chmod(0o644)
    details.append((await hooks.run(operation)).detail)
    file.write_text("#!/no/such/shell\n")
    file.chmod(0o755)
    details.append((await hooks.run(operation)).detail)
    file.write_bytes(b"\0\1\2")
    details.append((await hooks.run(operation)).detail)
    reasons = ["Permission denied", "No such file or directory", "Exec format error"]
    assert details == [f"deploy.sh could not be started: {file}: {reason}" for reason in reasons]

    details = [(await hooks.run(rolling(hook))).detail for hook in (CommandHook(("/bin/sh",)), ManualHook())]
    assert details == [
        f"'/bin/sh' is not among hooks.commands of the config: {file}",
        "these servers are updated by a person, and nothing is run for them",
    ]


async def test_much_output_is_counted_and_its_end_kept(hooks: Hooks, script: Script) -> None:
    """Ten megabytes are read as fast as they come, and 16 KiB of them remembered."""
    outcome = await hooks.run(rolling(script("head -c 10485760 /dev/zero | tr '\\0' x; echo; echo end")))
    first, *rest = outcome.output.splitlines()
    kept = 16 * 1024
    assert outcome.ok
    assert first == f"… {10485760 + 5 - kept:,} bytes left out"
    assert rest == ["x" * (kept - 5), "end"]


async def test_output_obeys_no_terminal(hooks: Hooks, script: Script) -> None:
    """Colors are left out, and what is no text cannot do anything; both streams are in the order of their lines."""
    outcome = await hooks.run(
        rolling(script(r"printf '\033[1;31mred\033[0m\t\000\377\r\n'; printf '10%%\r100%%\a' >&2"))
    )
    assert outcome.output == "red\t\ufffd\ufffd\n10%\n100%\ufffd"


async def test_a_server_may_come_back_elsewhere(hooks: Hooks, script: Script) -> None:
    """The result names its new address; one that stays is not mentioned."""
    answer = json.dumps({"addresses": {"A:2": "[0:0::1]:9000", "a:3": "a:3"}})
    outcome = await hooks.run(rolling(script(f"echo '{answer}' > $BLUEGREEN_RESULT")))
    assert (outcome.ok, dict(outcome.moved)) == (True, {"a:2": "[::1]:9000"})


async def test_a_server_may_not_come_back_where_no_upstream_may_be(hooks: Hooks, script: Script) -> None:
    """What a hook answers is not trusted any further than what an operator says."""
    answer = json.dumps({"addresses": {"a:2": "a:9", "a:3": "169.254.169.254:80"}})
    outcome = await hooks.run(rolling(script(f"echo '{answer}' > $BLUEGREEN_RESULT")))
    assert (outcome.ok, dict(outcome.moved), outcome.detail) == (
        False,
        {},
        "deploy.sh ended with exit status 0; the new address is of no use: 169.254.169.254:80 is not allowed",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo '{' > $BLUEGREEN_RESULT", "it is not JSON: Expecting property name enclosed in double quotes in line 2"),
        ("mkfifo $BLUEGREEN_RESULT", "it is not a regular file"),
        ("mkdir $BLUEGREEN_RESULT", "it is not a regular file"),
        ("ln -s /etc/passwd $BLUEGREEN_RESULT", "it is a link"),
        ("head -c 65537 /dev/zero > $BLUEGREEN_RESULT", "it is larger than 64 KiB"),
    ],
    ids=["garbage", "pipe", "folder", "link", "large"],
)
async def test_a_bad_result_is_a_failure(hooks: Hooks, script: Script, text: str, reason: str) -> None:
    """It may mean that a server is elsewhere, and nobody knows where."""
    outcome = await hooks.run(rolling(script(text)))
    assert not outcome.ok
    assert outcome.detail == f"deploy.sh ended with exit status 0, but its result is of no use: {reason}"


async def test_restoring_runs_once_for_each_version(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    """Servers that ran different versions before become what each of them was."""
    turns = (
        Turn("a:1", Stage.UPDATING, before="1.1", version="2"),
        Turn("a:2", Stage.UPDATING, before="1.0", version="2"),
        Turn("a:3", Stage.UPDATING, before="1.1"),
        Turn("a:4", Stage.DONE, before="1.0"),
    )
    hook = script(
        'echo "$BLUEGREEN_ACTION $BLUEGREEN_UPSTREAMS $BLUEGREEN_VERSION $BLUEGREEN_PREVIOUS_VERSION" | tee -a told'
    )
    outcome = await hooks.run(rolling(hook, *turns, undoing=True))
    told = ["restore a:1 a:3 1.1 2", "restore a:2 1.0 2"]
    assert (tmp_path / "told").read_text().splitlines() == told
    assert (outcome.ok, outcome.output.split("\n")[::2]) == (True, told)

    failing = script("echo $BLUEGREEN_VERSION; exit 3")
    outcome = await hooks.run(rolling(failing, *turns, undoing=True))
    assert (outcome.detail, outcome.output) == ("deploy.sh ended with exit status 3: 1.1", "1.1\n")


async def test_two_runs_cannot_give_one_address(hooks: Hooks, script: Script) -> None:
    """Each of them does not know what the other has answered."""
    turns = (Turn("a:1", Stage.UPDATING, before="1.1"), Turn("a:2", Stage.UPDATING, before="1.0"))
    hook = script('echo "{\\"addresses\\": {\\"$BLUEGREEN_UPSTREAMS\\": \\"b:1\\"}}" > $BLUEGREEN_RESULT')
    outcome = await hooks.run(rolling(hook, *turns, undoing=True))
    assert (outcome.ok, outcome.detail.partition("; ")[2]) == (False, "two servers have got the same new address")


async def test_the_loop_goes_on_meanwhile(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    """A program waits for something that happens in our own loop."""
    run = asyncio.create_task(hooks.run(rolling(script("touch here; until test -e there; do sleep 0.01; done"))))
    while not (tmp_path / "here").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    (tmp_path / "there").touch()
    assert (await run).ok

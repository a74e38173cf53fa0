from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from proxy.control.hooks import leash
from proxy.control.hooks.hooks import HookOutcome, Hooks
from tests.control.core import until
from tests.control.hooks.conftest import Script, hooks_in, rolling

OFFSPRING = """
sh -c 'echo $$ >> born; exec sleep 1000' &
( setsid sh -c "trap '' TERM HUP; echo \\$\\$ >> born; while true; do sleep 1000; done" > /dev/null 2>&1 & ) &
trap '' TERM
echo $$ >> born
while true; do sleep 1000; done
"""
"""A script that ignores the request to end, with a child, and a grandchild in a session of its own that does too."""


@pytest.fixture
def born(tmp_path: Path) -> Iterator[Path]:
    """Where scripts write down the numbers of processes; what is left of them afterwards is ended."""
    file = tmp_path / "born"
    file.touch()
    yield file
    for process in living(file):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the request to end and being killed there is little time."""
    monkeypatch.setattr(leash, "GRACE", 0.2)


async def overdue(hooks: Hooks, script: Script, text: str, *, begun: Callable[[], bool]) -> HookOutcome:
    """The outcome of a script that is not done in time; of that it has more and more, until it was enough to begin."""
    for timeout in (0.4, 2.0, 10.0):
        outcome = await hooks.run(rolling(script(text, timeout=timeout)))
        assert (outcome.ok, outcome.detail.partition(" and ")[0]) == (
            False,
            f"deploy.sh was not done within {timeout:g} s",
        )
        if begun():
            return outcome
    raise AssertionError("it never began")


def written(file: Path) -> list[str]:
    """The processes in a file."""
    return file.read_text().split()


def living(file: Path) -> list[int]:
    """Those of the processes in a file that live."""
    return [int(line) for line in written(file) if is_living(line)]


def is_living(process: str) -> bool:
    """Whether it has not ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


@pytest.mark.usefixtures("hasty")
async def test_at_the_deadline_all_descendants_end(hooks: Hooks, script: Script, born: Path) -> None:
    """Also those that ignore the request, have forked twice, and are in a session of their own."""
    outcome = await overdue(hooks, script, OFFSPRING, begun=lambda: len(written(born)) >= 3)
    assert "was ended with all its children" in outcome.detail
    assert living(born) == []


async def test_it_is_asked_to_end_first(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    """A script may clean up when its time is over."""
    text = "trap 'touch cleaned; exit 0' TERM; touch begun; sleep 1000 & wait"
    await overdue(hooks, script, text, begun=(tmp_path / "begun").exists)
    assert (tmp_path / "cleaned").exists()


async def test_endless_binary_output_until_its_time_is_over(hooks: Hooks, script: Script, tmp_path: Path) -> None:
    """It neither blocks nor fills us, and is ended in time."""
    text = "head -c 100000 /dev/urandom; touch begun; cat /dev/urandom"
    outcome = await overdue(hooks, script, text, begun=(tmp_path / "begun").exists)
    assert "bytes left out" in outcome.output


@pytest.mark.usefixtures("hasty")
async def test_cancelling_ends_it_with_its_children(hooks: Hooks, script: Script, born: Path) -> None:
    """When the cancelled run has ended, nothing of it runs any more."""
    run = asyncio.create_task(hooks.run(rolling(script(OFFSPRING))))
    await until(lambda: len(written(born)) >= 3)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert living(born) == []


@pytest.mark.parametrize("output", ["> /dev/null 2>&1", ""], ids=["quiet", "holds the output"])
@pytest.mark.parametrize("status", [0, 1])
async def test_a_daemon_outlives_the_program_that_started_it(
    hooks: Hooks, script: Script, born: Path, output: str, status: int
) -> None:
    """How a program ends by itself is its own affair, and so is what it leaves; that may be the new server."""
    server = "echo $$ >> born; until test -e say; do sleep 0.02; done; echo said; echo said >> born-too"
    outcome = await hooks.run(
        rolling(script(f"setsid sh -c '{server}' {output} &\nuntil test -s born; do sleep 0.02; done; exit {status}"))
    )
    assert outcome.ok is (status == 0)
    assert len(living(born)) == 1
    (born.parent / "say").touch()
    await until((born.parent / "born-too").exists)


PROGRAM = """
import uvloop
from pathlib import Path
from proxy.control.hooks import leash
from proxy.traffic.rollout.plan import CommandHook
from tests.control.hooks.conftest import hooks_in, rolling

async def main():
    leash.GRACE = 0.5
    hooks = hooks_in(Path.cwd())
    await hooks.run(rolling(CommandHook(("deploy.sh",))))

uvloop.run(main())
"""


async def front_door(folder: Path) -> asyncio.subprocess.Process:
    """A process that runs the hook, on the event loop of the front door."""
    root = str(Path(__file__).parents[3])
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-c", PROGRAM),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
    )


async def test_it_dies_with_the_front_door_and_never_runs_twice(
    hooks: Hooks, script: Script, born: Path, tmp_path: Path
) -> None:
    """A front door is killed without warning, and the next one runs the same hook: that begins when all is gone."""
    script(OFFSPRING)
    process = await front_door(tmp_path)
    await until(lambda: len(written(born)) >= 3)
    process.kill()
    await process.wait()
    again = script("for each in $(cat born); do kill -0 $each && echo still there; done; echo alone")
    outcome = await hooks.run(rolling(again))
    assert (outcome.ok, outcome.output.splitlines()[-1]) == (True, "alone")
    assert "still there" not in outcome.output
    assert living(born) == []


def test_it_works_on_the_loop_of_the_front_door(script: Script, tmp_path: Path) -> None:
    """uvloop starts processes in a way of its own, which hands on what is open for workers: the leash closes that."""
    hooks, ours = hooks_in(tmp_path), fcntl.fcntl(0, fcntl.F_DUPFD, 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(hooks.run(rolling(script("ls /proc/$PPID/fd; echo well; exit 4"))))
    os.close(ours)
    assert (outcome.ok, outcome.detail) == (False, "deploy.sh ended with exit status 4: well")
    assert str(ours) not in outcome.output.split()


async def test_while_an_earlier_run_lasts_none_begins(hooks: Hooks, script: Script, born: Path, tmp_path: Path) -> None:
    """And if that takes too long, it says so."""
    first = asyncio.create_task(hooks.run(rolling(script("echo $$ >> born; exec sleep 1000"))))
    await until(lambda: born.stat().st_size > 0)
    outcome = await hooks.run(rolling(script("touch second", timeout=0.2)))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert outcome.detail == "deploy.sh could not begin within 0.2 s, for an earlier run of it had not ended"
    assert not (tmp_path / "second").exists()


@pytest.mark.usefixtures("hasty")
async def test_a_leash_that_is_told_to_end_takes_all_along(hooks: Hooks, script: Script, born: Path) -> None:
    """Whoever stops a whole machine sends TERM to everybody."""
    run = asyncio.create_task(hooks.run(rolling(script("echo $PPID $$ >> born; sleep 1000 & wait"))))
    await until(lambda: born.stat().st_size > 0)
    os.kill(living(born)[0], signal.SIGTERM)
    assert (await run).detail == "deploy.sh was ended with all its children by somebody else"
    assert living(born) == []


async def test_a_leash_that_is_killed_is_an_outcome(
    hooks: Hooks, script: Script, born: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows then how the program ended, and nobody waits for ever to hear it."""
    monkeypatch.setenv("TMPDIR", str(born.parent))  # for what it leaves behind
    run = asyncio.create_task(hooks.run(rolling(script("echo $PPID $$ >> born; exec sleep 1000"))))
    await until(lambda: born.stat().st_size > 0)
    os.kill(living(born)[0], signal.SIGKILL)
    assert (await run).detail == "deploy.sh has an unknown end: the process that held it is gone"

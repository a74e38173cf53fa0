from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from proxy.control.signals import OTHERS, STOP, Signals
from proxy.logs.log import EventLog
from tests.control.core import until


@pytest.fixture
async def signals() -> AsyncIterator[Signals]:
    """Caught until the end of the test."""
    yield Signals()
    for number in (*STOP, *OTHERS):
        asyncio.get_running_loop().remove_signal_handler(number)


@asynccontextmanager
async def acting(signals: Signals, path: Path, reload: Callable[[], object], done: list[str]) -> AsyncIterator[None]:
    """Act on signals, and write to a log."""

    async def reload_now() -> object:
        return reload()

    with path.open("wb") as file:
        work = signals.act(reload=reload_now, reopen=lambda: done.append("reopen"), log=EventLog(file.fileno()))
        task = asyncio.create_task(work)
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_each_signal_does_what_it_says(signals: Signals, tmp_path: Path) -> None:
    """In the order in which they came, and one that came before anybody listened is not lost."""
    done: list[str] = []
    os.kill(os.getpid(), signal.SIGHUP)
    async with acting(signals, tmp_path / "log", lambda: done.append("reload"), done):
        await until(lambda: done == ["reload"])
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: done == ["reload", "reopen"])


async def test_a_failing_reload_ends_nothing(signals: Signals, tmp_path: Path) -> None:
    """A fault of the program's own is logged, and the next signal is heard."""
    done: list[str] = []
    async with acting(signals, tmp_path / "log", lambda: 1 / 0, done):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR2)
        await until(lambda: b"signal_ignored" in (tmp_path / "log").read_bytes())

    assert b"ZeroDivisionError" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("number", STOP)
async def test_a_stop_waits_for_nothing(signals: Signals, tmp_path: Path, number: signal.Signals) -> None:
    """A reload that takes for ever holds up no stop, and a second stop is told apart from the first."""
    with (tmp_path / "log").open("wb") as file:
        act = signals.act(reload=asyncio.Event().wait, reopen=lambda: None, log=EventLog(file.fileno()))
        task = asyncio.create_task(act)
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(2):
            os.kill(os.getpid(), number)
            assert await asyncio.wait_for(signals.next_stop(), 5) == number
        task.cancel()

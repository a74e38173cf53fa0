"""The whole program is killed at any instant of a switch, and started again."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import statistics
import time

import pytest

from tests.harness.client import ask_once
from tests.harness.processes import wait_until
from tests.harness.program import SERVICE, Program, Reply

CRASHES = 8


@pytest.mark.system
@pytest.mark.paced
def test_a_crash_within_a_switch_leaves_one_of_both_colors(program: Program) -> None:
    """kill -9 at instants spread over a switch: served is what is stored, old or new, in every worker; if the switch
    had answered, it is the new one."""
    usual = statistics.median(_timed_switch(program, color) for color in ("green", "blue") * 4)
    live = "blue"
    for number in range(CRASHES):
        target = "green" if live == "blue" else "blue"
        reply = _crash_after(program, target, delay=usual * 1.25 * number / CRASHES)
        live = _served(program)
        if reply is not None:
            assert reply.status == 200, reply
            assert live == target, f"crash {number}: a switch to {target} had answered"
        assert live in {"blue", "green"}


@pytest.mark.system
@pytest.mark.paced
def test_a_crash_never_brings_the_initial_color_back(program: Program) -> None:
    """What was switched stays switched, however often the program is killed, whatever the config calls initial."""
    program.switch("green")
    before = program.service()
    for _ in range(3):
        program.restart()
        assert _served(program) == "green"
        after = program.service()
        assert after["revision"] == before["revision"]
        assert after["generation"] >= before["generation"]


@pytest.mark.system
@pytest.mark.paced
def test_a_split_survives_a_crash_exactly(program: Program) -> None:
    """A split of hundredths of a percent is served again to the hundredth."""
    reply = program.admin("PUT", f"/v1/services/{SERVICE}/split", {"green": 12.34})
    assert reply.status == 200, reply
    program.restart()
    assert program.service()["split"] == {"blue": 87.66, "green": 12.34}


def _timed_switch(program: Program, color: str) -> float:
    reply = program.switch(color)
    return reply.answered - reply.begun


def _crash_after(program: Program, target: str, *, delay: float) -> Reply | None:
    # The call runs in a thread, so that the kill can come at any instant of it. None: it got no answer.
    wait_until(lambda: program.service()["operation"] is None, timeout=10, what="end of the last switch")
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        body = {"to": target, "force": True}
        call = pool.submit(program.admin, "POST", f"/v1/services/{SERVICE}/switch", body)
        time.sleep(delay)
        program.kill_tree()
        try:
            reply = call.result()
        except (OSError, http.client.HTTPException):
            reply = None
    program.restart()
    return reply


def _served(program: Program) -> str:
    """The one color that everything says is live: the answers of all workers, and the admin API."""
    colors = asyncio.run(_colors(program, 60))
    assert len(colors) == 1, f"a mix is served: {colors}"
    service = program.service()
    color = colors.pop()
    assert service["live"] == color
    assert service["split"][color] == 100.0
    return color


async def _colors(program: Program, count: int) -> set[str]:
    answers = [await ask_once(program.door) for _ in range(count)]
    assert {answer.status for answer in answers} == {200}, answers
    return {answer.header("x-color") or "none" for answer in answers}

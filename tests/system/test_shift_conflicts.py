"""Ten clients command at the same time: one of them is obeyed, and the others are told who."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.harness.program import SERVICE, Program, Reply
from tests.system.shifts import operation, start_shift, steer, wait_over

CLIENTS = 10

Call = tuple[str, str, dict[str, Any]]

SHIFT: Call = ("POST", "shift", {"to": "green", "over": "1h"})
SWITCH: Call = ("POST", "switch", {"to": "green"})
SPLIT: Call = ("PUT", "split", {"green": 30})


def at_once(program: Program, calls: tuple[Call, ...], headers: dict[str, str] | None = None) -> list[Reply]:
    """Ten clients, each with one of these calls, all let go in the same moment."""
    starting = threading.Barrier(CLIENTS)

    def ask(call: Call) -> Reply:
        method, verb, body = call
        starting.wait()
        return program.admin(method, f"/v1/services/{SERVICE}/{verb}", body, headers)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(ask, itertools.islice(itertools.cycle(calls), CLIENTS)))


@pytest.mark.system
@pytest.mark.paced
def test_of_ten_commands_at_once_one_is_obeyed(program: Program) -> None:
    """Ten shifts; ten of all kinds beside a running one; ten that all believe in the same revision."""
    replies = at_once(program, (SHIFT,))
    won = [reply for reply in replies if reply.status == 202]
    assert len(won) == 1, replies
    shift = won[0].body["id"]
    _all_name(shift, [reply for reply in replies if reply is not won[0]])

    _all_name(shift, at_once(program, (SHIFT, SWITCH, SPLIT)))
    assert operation(program, shift)["state"] == "running"

    steer(program, shift, "abort")
    assert wait_over(program, shift)["state"] == "aborted"
    _settled(program)
    etag = program.admin("GET", f"/v1/services/{SERVICE}").headers["etag"]
    replies = at_once(program, (SPLIT, SHIFT, SWITCH), {"If-Match": etag})
    assert sum(reply.status in (200, 202) for reply in replies) == 1, replies
    assert {reply.status for reply in replies if reply.status not in (200, 202)} <= {409, 412}, replies


@pytest.mark.system
@pytest.mark.paced
def test_ten_who_steer_at_once_leave_a_shift_in_order(program: Program) -> None:
    """Pause, resume, promote and roll back from everywhere: each is answered, and in the end it is over and undone."""
    shift = start_shift(program, over="1h")
    verbs = itertools.islice(itertools.cycle(("pause", "resume", "promote")), CLIENTS)
    with ThreadPoolExecutor(CLIENTS) as pool:
        replies = list(pool.map(lambda verb: program.admin("POST", f"/v1/operations/{shift}/{verb}", {}), verbs))
        assert {reply.status for reply in replies} <= {200, 202, 409}, replies
        path = f"/v1/services/{SERVICE}/rollback"
        backs = list(pool.map(lambda _: program.admin("POST", path, {}), range(CLIENTS)))
    assert any(reply.status == 200 for reply in backs), backs
    assert {reply.status for reply in backs} <= {200, 409}, backs
    assert wait_over(program, shift)["state"] == "rolled_back"
    _settled(program)


def _all_name(shift: str, replies: list[Reply]) -> None:
    for reply in replies:
        assert reply.status == 409, reply
        assert reply.body["code"] == "operation_running", reply
        assert shift in reply.body["detail"], reply


def _settled(program: Program) -> None:
    for listed in program.admin("GET", "/v1/operations").body["operations"]:
        wait_over(program, listed["id"])

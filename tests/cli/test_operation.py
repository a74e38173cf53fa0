from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.program import interrupted, on_terminal, started
from tests.cli.scripted import Answer, Script, operation, problem, service

SWITCH = "/v1/services/default/switch"
OPERATION = "/v1/operations/op-1"


def answers(admin: Script, *seen: dict[str, Any]) -> None:
    """The operation as the switch is answered with it, and as it is seen afterwards."""
    admin.on("POST", SWITCH, Answer(seen[0]))
    admin.on("GET", OPERATION, *(Answer(each) for each in seen[1:] or seen))


def test_a_switch_is_followed_to_its_end(run: Run, admin: Script) -> None:
    """It waits until all has drained, and prints the receipt."""
    answers(admin, operation("running"), operation("running"), operation())
    result = run("switch", "green", "--reason", "release 7")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:3] == [
        "switch op-1 succeeded: green 0 % -> 100 %",
        "count  receipt",
        "    7  in flight when the traffic moved",
    ]
    assert "  4.2  ms until the last one was over" in result.stdout
    assert admin.changes()[0].body == {"to": "green", "reason": "release 7"}


@pytest.mark.parametrize(("state", "code"), [("failed", 1), ("aborted", 1), ("rolled_back", 5)])
def test_how_it_ended_is_the_exit_code(run: Run, admin: Script, state: str, code: int) -> None:
    """And the note says why."""
    answers(admin, operation("running"), operation(state, note="rolled back by alice"))
    result = run("switch", "green")
    assert result.exit_code == code
    assert "rolled back by alice" in result.stdout


def test_json_is_the_operation_as_it_ended(run: Run, admin: Script) -> None:
    """Exactly one document."""
    answers(admin, operation("running"), operation())
    result = run("switch", "green", "--output", "json")
    assert json.loads(result.stdout) == operation()


def test_waiting_ends_after_the_timeout(run: Run, admin: Script) -> None:
    """Exit code 6: only the waiting is over, and how to follow what goes on is said."""
    answers(admin, operation("running"))
    result = run("switch", "green", "--timeout", "50ms")
    assert result.exit_code == 6
    assert result.stdout == "switch op-1 is draining: green 0 % -> 100 %\n"
    assert result.stderr == (
        "bluegreen: switch op-1 goes on by itself\n"
        "bluegreen: follow it: `bluegreen status --watch`; take it back: `bluegreen rollback`\n"
    )


@pytest.mark.parametrize("timeout", ["30", "0.5", "30s", "500ms", "5m"])
def test_ways_to_write_a_timeout(run: Run, admin: Script, timeout: str) -> None:
    """A bare number is seconds."""
    answers(admin, operation())
    assert run("switch", "green", "--timeout", timeout).exit_code == 0


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "5 m", ""])
def test_what_is_no_timeout(run: Run, admin: Script, timeout: str) -> None:
    """Refused before anything is asked for."""
    assert run("switch", "green", "--timeout", timeout).exit_code == 2
    assert admin.asked == []


def test_not_waiting(run: Run, admin: Script) -> None:
    """What has begun is shown, and how to follow it."""
    answers(admin, operation("running"))
    result = run("switch", "green", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "switch op-1 is draining: green 0 % -> 100 %\n")
    assert "follow it: `bluegreen status --watch`" in result.stderr
    assert [asked.path for asked in admin.asked] == ["/v1/services", SWITCH]


def test_a_plan_is_shown_and_nothing_followed(run: Run, admin: Script) -> None:
    """A dry run tells what would change, in words."""
    change = {"path": "split.green", "before": 0.0, "after": 100.0}
    admin.on("POST", SWITCH, Answer({"dry_run": True, "changes": [change]}), Answer({"dry_run": True, "changes": []}))
    assert run("switch", "green", "--dry-run").stdout == "would change: green 0 % -> 100 %\n"
    assert run("switch", "green", "--dry-run").stdout == "nothing would change\n"
    assert [asked.path for asked in admin.changes()] == [f"{SWITCH}?dry_run=true"] * 2


def test_losing_contact_while_waiting(run: Run, admin: Script) -> None:
    """The switch was made; who asked must know that, and that nobody can tell how it goes on."""
    admin.on("POST", SWITCH, Answer(operation("running")))
    admin.on("GET", OPERATION, Answer(raw=b"bye", content_type="text/plain"))
    result = run("switch", "green", "--output", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["code"] == "unreachable"
    assert "switch op-1 goes on by itself" in result.stderr


def test_ctrl_c_while_waiting(admin: Script) -> None:
    """Exit code 130; the operation goes on, and how to follow it is said."""
    answers(admin, operation("running"))
    with started("switch", "green", "--admin", admin.address) as process:
        while not any(asked.path.startswith(OPERATION) for asked in admin.asked):
            assert process.poll() is None
        code, out, err = interrupted(process)
    assert (code, out) == (130, "switch op-1 is draining: green 0 % -> 100 %\n")
    assert "switch op-1 goes on by itself" in err
    assert f"follow it: `bluegreen status --watch --admin {admin.address}`" in err
    assert "Traceback" not in err


def test_ctrl_c_while_waiting_for_json(admin: Script) -> None:
    """Still one document: how far it was."""
    answers(admin, operation("running"))
    with started("switch", "green", "--admin", admin.address, "--output", "json") as process:
        while not any(asked.path.startswith(OPERATION) for asked in admin.asked):
            assert process.poll() is None
        code, out, _ = interrupted(process)
    assert (code, json.loads(out)["state"]) == (130, "running")


def test_progress_on_a_terminal(admin: Script) -> None:
    """What is still in flight is shown while it drains, and cleared away for the receipt."""
    answers(admin, operation("running"))
    with on_terminal("switch", "green", "--admin", admin.address) as terminal:
        terminal.wait_for("switch op-1: 3 requests, 0 long-lived left")
        answers(admin, operation())
        terminal.wait_for("ms until the last one was over")
        assert terminal.end() == 0


def test_ctrl_c_on_a_terminal_leaves_it_usable(admin: Script) -> None:
    """The cursor is shown again."""
    answers(admin, operation("running"))
    with on_terminal("switch", "green", "--admin", admin.address) as terminal:
        terminal.wait_for("3 requests")
        terminal.process.send_signal(signal.SIGINT)
        terminal.wait_for("goes on by itself")
        assert terminal.end() == 130
        assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")


def test_split_takes_hundredths_of_a_percent(run: Run, admin: Script) -> None:
    """And nothing finer."""
    admin.on("PUT", "/v1/services/default/split", Answer(operation(kind="split", leaving=[], after={"green": 12.25})))
    result = run("split", "12.25", "--force")
    assert result.stdout == "split op-1 succeeded: green 0 % -> 12.25 %, served by every worker after 0.5 ms\n"
    assert admin.changes()[0].body == {"green": 12.25, "force": True}
    assert run("split", "12.345").exit_code == 2
    assert run("split", "101").exit_code == 2


def test_rollback(run: Run, admin: Script) -> None:
    """One word is enough when it is urgent."""
    admin.on("POST", "/v1/services/default/rollback", Answer(operation(kind="rollback")))
    assert run("rollback").exit_code == 0
    assert admin.changes()[0].body == {}


def test_abort_ends_the_running_operation(run: Run, admin: Script) -> None:
    """Whatever its number is."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=operation("running", id="op-9"))))
    admin.on("POST", "/v1/operations/op-9/abort", Answer(operation(id="op-10", kind="rollback")))
    result = run("abort", "--reason", "errors")
    assert (result.exit_code, admin.changes()[0].body) == (0, {"reason": "errors"})
    assert result.stdout.startswith("rollback op-10 succeeded")


def test_nothing_to_abort(run: Run, admin: Script) -> None:
    """Refused, with what is probably meant."""
    result = run("abort", "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (4, "nothing_running")
    assert "`bluegreen rollback`" in result.stderr
    assert admin.changes() == []


def test_an_operation_that_ended_meanwhile_is_not_aborted(run: Run, admin: Script) -> None:
    """The admin API has the last word."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=operation("running"))))
    admin.on("POST", f"{OPERATION}/abort", problem(409, "operation_ended"))
    assert run("abort").exit_code == 4


@pytest.mark.parametrize(("verb", "state"), [("rollback", "rolled_back"), ("abort", "aborted")])
def test_to_undo_what_had_not_moved_yet_is_done(run: Run, admin: Script, verb: str, state: str) -> None:
    """The answer is then the operation that was to be ended, and it has ended as was asked for."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=operation("running"))))
    admin.on("POST", "/v1/services/default/rollback", Answer(operation(state)))
    admin.on("POST", f"{OPERATION}/abort", Answer(operation(state)))
    result = run(verb)
    assert result.exit_code == 0
    assert result.stdout.startswith("switch op-1 was ")


def test_a_rollback_that_is_undone_itself_is_told(run: Run, admin: Script) -> None:
    """Somebody else was of another mind."""
    back = {**operation("running"), "kind": "rollback"}
    admin.on("POST", "/v1/services/default/rollback", Answer(back))
    admin.on(
        "GET", OPERATION, Answer({**back, **{key: operation("rolled_back")[key] for key in ("state", "ended_at")}})
    )
    assert run("rollback").exit_code == 5

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.program import interrupted, on_terminal, started
from tests.cli.scripted import Answer, Script, operation, problem, roll, server, service

ROLLOUTS = "/v1/services/default/pools/blue/rollouts"
OPERATION = "/v1/operations/op-1"


def answers(admin: Script, *seen: dict[str, Any]) -> None:
    """The operation as the roll is answered with it, and as it is seen afterwards."""
    admin.on("POST", ROLLOUTS, Answer(seen[0], status=202))
    admin.on("GET", OPERATION, *(Answer(each) for each in seen[1:] or seen))


def running(admin: Script, seen: dict[str, Any]) -> None:
    """The service, while this goes on."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=seen)))
    admin.on("GET", "/v1/services", Answer({"services": [service(operation=seen)]}))


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ((), {}),
        (("--batch", "2", "--min-available", "75%"), {"batch": 2, "min_available": "75%"}),
        (
            ("--first-batch", "10%", "--first-watch", "5m", "--watch", "0"),
            {"first_batch": {"size": "10%", "watch": "300000ms"}, "watch": "0ms"},
        ),
        (("--hook", "https://ci.test/roll"), {"update": {"webhook": {"url": "https://ci.test/roll"}}}),
        (
            ("--hook", "deploy 'a b' c", "--hook-timeout", "5m", "--env", "A=b=c", "--env", "D="),
            {
                "update": {
                    "command": {"argv": ["deploy", "a b", "c"], "env": {"A": "b=c", "D": ""}, "timeout": "300000ms"}
                }
            },
        ),
        (("--hook", "deploy/restart.sh"), {"update": {"command": {"argv": ["deploy/restart.sh"]}}}),
        (("--hook", "/opt/deploy"), {"update": {"command": {"argv": ["/opt/deploy"]}}}),
        (("--hook", "./deploy x"), {"update": {"command": {"argv": [str(Path("deploy").absolute()), "x"]}}}),
        (("--to-version", "v2", "--from-version", "v1"), {"version": "v2", "previous_version": "v1"}),
        (
            ("--detect-header", "X-App-Version", "--detect-path", "/v"),
            {"detect": {"header": "X-App-Version", "path": "/v"}},
        ),
        (("--order", "least_loaded", "--drain-timeout", "10"), {"order": "least_loaded", "drain_timeout": "10000ms"}),
        (
            ("--health-consecutive", "5", "--health-timeout", "1m", "--slow-start", "0s"),
            {"health": {"consecutive": 5, "timeout": "60000ms"}, "slow_start": "0ms"},
        ),
        (
            ("--gate", "http://a/", "--approve", "before_increase", "--no-judge"),
            {"gates": {"webhooks": [{"url": "http://a/"}], "approval": ["before_increase"]}, "judge": False},
        ),
        (
            ("--on-failure", "restore", "--force", "--reason", "r7"),
            {"on_failure": "restore", "force": True, "reason": "r7"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) and "./deploy x" not in value else "",
)
def test_what_is_asked_for(run: Run, admin: Script, options: tuple[str, ...], body: dict[str, Any]) -> None:
    """Each option reaches the admin API as what it means there; what is not said is left to it."""
    answers(admin, roll("succeeded"))
    assert run("roll", "blue", *options).exit_code == 0
    assert admin.changes()[0].body == body


@pytest.mark.parametrize(
    "options",
    [
        ("--batch", "few"),
        ("--batch", "-1"),
        ("--min-available", "half"),
        ("--env", "A=b"),
        ("--hook-timeout", "1m"),
        ("--hook", "http://a/", "--env", "A=b"),
        ("--hook", "deploy", "--env", "A"),
        ("--hook", "deploy", "--env", "=b"),
        ("--hook", "deploy 'a"),
        ("--hook", " "),
        ("--hook-timeout", "0", "--hook", "deploy"),
        ("--watch", "soon"),
        ("--health-consecutive", "0"),
        ("--order", "random"),
        ("--on-failure", "restart"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense(run: Run, admin: Script, options: tuple[str, ...]) -> None:
    """Refused before anything is asked for."""
    assert run("roll", "blue", *options).exit_code == 2
    assert admin.asked == []


def test_a_roll_is_followed_in_lines_where_there_is_no_terminal(run: Run, admin: Script) -> None:
    """One for each stage, for what it waits for with the command that lets it go on, and for what the judge says."""
    unsure = {"finding": "inconclusive", "words": "too little to tell", "requests": 7, "needed": 93}
    first, later = "127.0.0.1:9001", server("127.0.0.1:9002")
    answers(
        admin,
        roll(),
        roll(server(first, "draining", batch=1), later, batch=1, stage="draining", available=1),
        roll(server(first, "draining", batch=1), later, batch=1, stage="draining", available=1),
        roll(server(first, "watched", batch=1), later, batch=1, stage="watched", eta=90.0, judge=unsure),
        roll(server(first, "done", batch=1), later, state="paused", batch=1, hindrance="operator", why="paused by al"),
        roll("succeeded"),
    )
    result = run("roll", "blue")
    assert result.exit_code == 0
    place, both = "bluegreen: roll op-1: blue", "2 servers of blue in rotation, 1 have to be"
    unknown = "how long it takes is not known yet"
    one = "1 server of blue in rotation, 1 have to be"
    assert result.stderr.splitlines() == [
        f"{place} before the first batch, {unknown}; {both}",
        f"{place} batch 1 of 2: draining 127.0.0.1:9001, {unknown}; {one}",
        f"{place} batch 1 of 2: watched 127.0.0.1:9001, 2 min left; {both}; judge: too little to tell",
        f"{place} after batch 1 of 2, waits: paused by al; {both}; let it go on: `bluegreen resume`",
    ]
    lines = result.stdout.splitlines()
    assert lines[0] == "roll op-1 succeeded: 2 of 2 servers of blue updated to v2"
    assert "    7  in flight when their servers were taken out" in lines
    assert " 1234  answered by updated servers meanwhile" in lines


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [("failed", 1, "failed"), ("aborted", 1, "was aborted"), ("rolled_back", 5, "was rolled back")],
)
def test_how_it_ended_is_told_by_the_exit_code(run: Run, admin: Script, state: str, code: int, words: str) -> None:
    """And which server failed, with the reason."""
    bad = server("127.0.0.1:9001", "failed", batch=1, why="the hook ended with 1")
    answers(admin, roll(), {**roll(bad, state=state), "note": "the hook ended with 1"})
    result = run("roll", "blue")
    assert result.exit_code == code
    assert result.stdout.startswith(f"roll op-1 {words}: 0 of 1 server of blue ")
    assert "127.0.0.1:9001 failed: the hook ended with 1" in result.stdout


def test_what_was_restored_is_counted_of_what_was_touched(run: Run, admin: Script) -> None:
    """Servers whose turn never came have nothing to come back from."""
    servers = server("a:1", "done", batch=2), server("a:2")
    answers(admin, roll(*servers, state="rolled_back", course="rolled_back"))
    assert run("roll", "blue").stdout.startswith("roll op-1 was rolled back: 1 of 1 server of blue restored")


def test_a_roll_by_hand_says_what_to_do(run: Run, admin: Script) -> None:
    """It is waited for as long as it takes; after a timeout it is 6, and says for which servers it waits."""
    waiting = roll(server("127.0.0.1:9001", "updating", batch=1), by_hand=True, batch=1, stage="updating")
    answers(admin, waiting)
    result = run("roll", "blue", "--timeout", "50ms")
    assert result.exit_code == 6
    way_on = "update 127.0.0.1:9001, then: `bluegreen ready 127.0.0.1:9001`"
    assert "waits for somebody to update them" in result.stderr.splitlines()[0]
    assert result.stderr.splitlines()[1:] == [
        f"bluegreen: roll op-1 waits; {way_on}",
        "bluegreen: follow it: `bluegreen status --watch`; end it: `bluegreen abort`",
    ]


def test_ctrl_c_leaves_a_roll_running(admin: Script) -> None:
    """Exit code 130; it goes on, and how to follow it is said."""
    answers(admin, roll())
    with started("roll", "blue", "--admin", admin.address) as process:
        while not any(asked.path.startswith(OPERATION) for asked in admin.asked):
            assert process.poll() is None
        code, _, err = interrupted(process)
    assert code == 130
    assert "roll op-1 goes on by itself" in err
    assert "end it: `bluegreen abort" in err


def test_the_table_on_a_terminal(admin: Script) -> None:
    """Each server with its stage, what is left, and in the end the receipt."""
    first = server("127.0.0.1:9001", "warming", batch=1, version="v2", eta=30.0, ramp=0.4)
    last = server("127.0.0.1:9002", "done", batch=1)
    answers(admin, roll(first, last, batch=1, stage="warming", eta=75.0))
    with on_terminal("roll", "blue", "--admin", admin.address) as terminal:
        terminal.wait_for("roll op-1: blue batch 1 of 2: warming 127.0.0.1:9001, 75 s left")
        terminal.wait_for("█" * 20)
        terminal.wait_for("warming 40%")
        answers(admin, roll("succeeded"))
        terminal.wait_for("answered by updated servers meanwhile")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (("127.0.0.1:9001",), {"upstream": "127.0.0.1:9001"}),
        (("a:1", "--at", "b:2", "--reason", "up"), {"upstream": "a:1", "address": "b:2", "reason": "up"}),
    ],
    ids=["here", "elsewhere"],
)
def test_saying_that_a_server_is_ready(run: Run, admin: Script, arguments: tuple[str, ...], body: object) -> None:
    """The rollout that runs is told, and not waited for."""
    running(admin, roll(by_hand=True))
    admin.on("POST", f"{OPERATION}/ready", Answer(roll(by_hand=True)))
    result = run("ready", *arguments)
    assert (result.exit_code, admin.changes()[0].body) == (0, body)
    assert result.stdout.startswith("roll op-1 is rolling: 0 of 2 servers of blue updated")


def test_a_rollout_is_found_beside_a_switch(run: Run, admin: Script) -> None:
    """The service shows what moves its traffic; the list of operations has the other."""
    running(admin, operation("running"))
    admin.on("GET", "/v1/operations", Answer({"operations": [operation("running"), {**roll(), "id": "op-2"}]}))
    admin.on("POST", "/v1/operations/op-2/ready", Answer(roll()))
    assert run("ready", "a:1").exit_code == 0


def test_there_is_nothing_to_be_ready_for(run: Run, admin: Script) -> None:
    """Exit code 4 where nothing runs, where another thing does, and where the server is not the one."""
    assert run("ready", "a:1").exit_code == 4
    running(admin, operation("running"))
    admin.on("GET", "/v1/operations", Answer({"operations": [operation("running")]}))
    assert "no servers of service default are being updated" in run("ready", "a:1").stderr
    running(admin, roll(by_hand=True))
    admin.on("POST", f"{OPERATION}/ready", problem(409, "not_updating"))
    result = run("ready", "a:1")
    assert (result.exit_code, "see how far it is: `bluegreen status`" in result.stderr) == (4, True)


def test_aborting_waits_for_the_batch_that_is_under_way(run: Run, admin: Script) -> None:
    """That it was aborted is what was wanted: exit code 0."""
    finishing = roll(server("a:1", "probing", batch=1), batch=1, stage="probing", course="aborting")
    running(admin, finishing)
    admin.on("POST", f"{OPERATION}/abort", Answer(finishing))
    admin.on("GET", OPERATION, Answer(roll("aborted")))
    result = run("abort")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        0,
        "roll op-1 was aborted: 2 of 2 servers of blue updated to v2",
    )
    assert "blue ending, batch 1 of 1: probing a:1" in result.stderr


def test_the_status_shows_how_far_it_is(run: Run, admin: Script) -> None:
    """The batch, who serves meanwhile, and each upstream's stage."""
    seen = service(operation=roll(server("127.0.0.1:9001", "warming", batch=1), batch=1, stage="warming", eta=30.0))
    seen["pools"]["blue"]["upstreams"][0] |= {"stage": "warming", "ramp": 0.4, "cordoned": False}
    admin.on("GET", "/v1/services", Answer({"services": [seen]}))
    lines = run("status").stdout.splitlines()
    assert lines[6:9] == [
        "roll op-1 is rolling: 0 of 1 server of blue updated to v2, by local",
        "blue batch 1 of 1: warming 127.0.0.1:9001, 30 s left",
        "2 servers of blue in rotation, 1 have to be",
    ]
    assert [line.split()[6:] for line in lines[-3:]] == [["flight", "rollout"], ["warming", "40%"], []]


def test_a_plan_tells_the_batches(run: Run, admin: Script) -> None:
    """Who goes out with whom, what the others carry, what it takes, and what to look at first."""
    forecast = {
        "moves": 0.0,
        "rollout": {
            "color": "blue",
            "batches": [
                {"number": 1, "servers": ["a:1", "a:2"], "serving": 1, "per_server": 30.0, "times": 3.0},
                {"number": 2, "servers": ["a:3"], "serving": 2, "per_server": None, "times": 1.5},
            ],
            "left_over": ["a:4"],
            "per_server_now": 10.0,
            "drain_expected": 0.25,
            "drain_timeout": 30.0,
            "at_least": 210.0,
        },
        "warnings": ["look here"],
    }
    change = {"path": "roll.blue", "before": None, "after": "4 servers"}
    admin.on("POST", ROLLOUTS, Answer({"dry_run": True, "changes": [change], "forecast": forecast}))
    assert run("roll", "blue", "--dry-run").stdout.splitlines() == [
        "would change: 4 servers of blue updated, some at a time",
        "batch 1: a:1, a:2; 1 server of blue in rotation meanwhile, each with 30 requests a second (now 10)",
        "batch 2: a:3; 2 servers of blue in rotation meanwhile",
        "would wait: a:4",
        "each would drain: nearly all within 0.25 s, cut after 30 s",
        "warming and watching would take 4 min, besides draining and updating",
        "warning: look here",
    ]


def test_many_servers_are_told_in_few_words(run: Run, admin: Script) -> None:
    """The first ones, and how many more: nobody reads hundreds of addresses."""
    many = [f"a:{number}" for number in range(1, 251)]
    waiting = roll(*(server(each, "updating", batch=1) for each in many), by_hand=True, batch=1, stage="updating")
    running(admin, waiting)
    lines = run("status").stdout.splitlines()
    assert "blue batch 1 of 250: updating a:1, a:2, a:3, a:4, a:5, a:6 and 244 more, waits for somebody" in lines[7]
    assert lines[14:16] == ["update a:6, then: `bluegreen ready a:6`", "and so with 244 more"]


def test_a_plan_of_many_batches_is_a_page_and_not_a_book(run: Run, admin: Script) -> None:
    """The first ten are told."""
    batches = [{"number": n, "servers": [f"a:{n}"], "serving": 1, "per_server": None} for n in range(1, 1001)]
    told = {"color": "blue", "batches": batches, "left_over": [], "drain_expected": None, "drain_timeout": 30.0}
    forecast = {"moves": 0.0, "rollout": {**told, "at_least": 1.0}, "warnings": []}
    admin.on("POST", ROLLOUTS, Answer({"dry_run": True, "changes": [], "forecast": forecast}))
    lines = run("roll", "blue", "--dry-run").stdout.splitlines()
    assert "and 990 batches more; --output json has all" in lines
    assert len(lines) < 15


def test_a_table_that_is_too_long_shows_who_is_worked_on(admin: Script) -> None:
    """Not only the first ones, that are done."""
    servers = [server(f"127.0.0.1:{port}", "done", batch=1) for port in range(9001, 9200)]
    answers(admin, roll(*servers, server("127.0.0.1:9200", "probing", batch=2), batch=2, stage="probing"))
    with on_terminal("roll", "blue", "--admin", admin.address) as terminal:
        terminal.wait_for("127.0.0.1:9200  probing")
        terminal.wait_for(" more ")
        answers(admin, roll("succeeded"))
        assert terminal.end() == 0


def test_servers_that_failed_for_the_same_reason_are_told_together(run: Run, admin: Script) -> None:
    """Once, and not once for each."""
    bad = [server(each, "failed", batch=1, why="restart.sh ended with exit status 1") for each in ("a:1", "a:2")]
    answers(admin, roll(*bad, "failed", batch=1))
    assert "a:1, a:2 failed: restart.sh ended with exit status 1" in run("roll", "blue").stdout.splitlines()

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.program import interrupted, on_terminal, started
from tests.cli.scripted import Answer, Script, operation, problem, service, shift

SHIFT = "/v1/services/default/shift"
OPERATION = "/v1/operations/op-1"


def answers(admin: Script, *seen: dict[str, Any]) -> None:
    """The operation as the shift is answered with it, and as it is seen afterwards."""
    admin.on("POST", SHIFT, Answer(seen[0], status=202))
    admin.on("GET", OPERATION, *(Answer(each) for each in seen[1:] or seen))


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ("", {"percent": 100.0, "over": "600000ms"}),
        ("--over 90", {"percent": 100.0, "over": "90000ms"}),
        ("--to 50 --over 1h", {"percent": 50.0, "over": "3600000ms"}),
        (
            "--steps 1,50% --every 2m",
            {
                "percent": 100.0,
                "steps": [{"percent": 1.0, "pause": "120000ms"}, {"percent": 50.0, "pause": "120000ms"}],
            },
        ),
        ("--steps 0.25 --every none", {"percent": 100.0, "steps": [{"percent": 0.25, "pause": None}]}),
        ("--steps 5 --manual", {"percent": 100.0, "steps": [{"percent": 5.0, "pause": None}]}),
        (
            "--gate http://a/ --gate http://b/ --approve before_promotion",
            {
                "percent": 100.0,
                "over": "600000ms",
                "gates": {"webhooks": [{"url": "http://a/"}, {"url": "http://b/"}], "approval": ["before_promotion"]},
            },
        ),
        ("--no-judge --force", {"percent": 100.0, "over": "600000ms", "judge": False, "force": True}),
        ("--new-users-only 2h", {"percent": 100.0, "over": "600000ms", "new_users_only": {"deadline": "7200000ms"}}),
    ],
)
def test_what_is_asked_for(run: Run, admin: Script, options: str, body: dict[str, Any]) -> None:
    """Each option reaches the admin API as what it means there."""
    answers(admin, shift("succeeded"))
    assert run("shift", "green", *options.split()).exit_code == 0
    assert admin.changes()[0].body == {"to": "green", **body}


@pytest.mark.parametrize(
    "options",
    [
        "--steps 1,100",
        "--steps 1,100 --every 1m --manual",
        "--steps 1,100 --every 1m --over 1m",
        "--every 1m",
        "--manual",
        "--steps 1,x --manual",
        "--steps 101 --manual",
        "--steps 0.123 --manual",
        "--to 101",
        "--over 0",
        "--approve after",
        "--new-users-only soon",
    ],
)
def test_what_makes_no_sense(run: Run, admin: Script, options: str) -> None:
    """Refused before anything is asked for."""
    assert run("shift", "green", *options.split()).exit_code == 2
    assert admin.asked == []


def test_a_shift_is_followed_in_lines_where_there_is_no_terminal(run: Run, admin: Script) -> None:
    """One for each step, for what it waits for with the command that lets it go on, and for what the judge says."""
    unsure = {"finding": "inconclusive", "words": "too little to tell", "requests": 7, "needed": 93}
    answers(
        admin,
        shift(percent=0.0),
        shift(),
        shift(judge=unsure),
        shift(judge=unsure),
        shift("paused", hindrance="step", why="5 % is done", eta=None),
        shift(step=2, percent=50.0, settled_left=3, eta=None),
        shift(phase="draining", step=3),
        shift("succeeded"),
    )
    result = run("shift", "green")
    assert result.exit_code == 0
    place = "bluegreen: shift op-1: green"
    assert result.stderr.splitlines() == [
        f"{place} 0 % of 100 %, step 1 of 3, 4 min left",
        f"{place} 5 % of 100 %, step 1 of 3, 4 min left; judge: too little to tell",
        f"{place} 5 % of 100 %, step 1 of 3, waits: 5 % is done; let it go on: `bluegreen promote`",
        f"{place} 50 % of 100 %, step 2 of 3, until somebody promotes it; 3 users stay until their session is over",
    ]
    lines = result.stdout.splitlines()
    assert lines[0] == "shift op-1 succeeded: green 0 % -> 100 %"
    assert " 1234  answered by the new color meanwhile" in lines
    assert "    5  of these with 5xx" in lines


def test_a_shift_that_went_back_says_why(run: Run, admin: Script) -> None:
    """Exit code 5, and the judge's own words."""
    answers(admin, shift(), {**shift("rolled_back"), "note": "green answers 5 % with 5xx against blue's 0 %"})
    result = run("shift", "green")
    assert result.exit_code == 5
    assert "green answers 5 % with 5xx against blue's 0 %" in result.stdout


def test_a_shift_is_waited_for_as_long_as_it_takes(run: Run, admin: Script) -> None:
    """It may wait for somebody for longer than any drain; with a timeout it is 6, and says what lets it go on."""
    waiting = shift("paused", hindrance="operator", why="paused by alice", eta=None)
    answers(admin, waiting)
    result = run("shift", "green", "--timeout", "50ms")
    assert result.exit_code == 6
    assert result.stdout == "shift op-1 is paused: green 0 % -> 100 %\npaused by alice\n"
    assert result.stderr.splitlines()[1:] == [
        "bluegreen: shift op-1 waits; let it go on: `bluegreen resume`",
        "bluegreen: follow it: `bluegreen status --watch`; take it back: `bluegreen rollback`",
    ]


def test_ctrl_c_leaves_a_shift_running(admin: Script) -> None:
    """Exit code 130; it goes on, and how to follow it is said."""
    answers(admin, shift())
    with started("shift", "green", "--admin", admin.address) as process:
        while not any(asked.path.startswith(OPERATION) for asked in admin.asked):
            assert process.poll() is None
        code, _, err = interrupted(process)
    assert code == 130
    assert "shift op-1 goes on by itself" in err


def test_the_bar_on_a_terminal(admin: Script) -> None:
    """Share, step, time left and the judge's words, and in the end the receipt."""
    unsure = {"finding": "inconclusive", "words": "too little to tell", "requests": 7, "needed": 93}
    answers(admin, shift(judge=unsure))
    with on_terminal("shift", "green", "--admin", admin.address) as terminal:
        terminal.wait_for("shift op-1: green 5 % of 100 %, step 1 of 3, 4 min left")
        terminal.wait_for("judge: too little to tell")
        answers(admin, shift("succeeded"))
        terminal.wait_for("answered by the new color meanwhile")
        assert terminal.end() == 0


@pytest.mark.parametrize("verb", ["pause", "resume", "promote"])
def test_telling_a_shift_something(run: Run, admin: Script, verb: str) -> None:
    """It is the running one that is told; how it is then is shown, and it is not waited for."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=shift())))
    admin.on("GET", "/v1/services", Answer({"services": [service(operation=shift())]}))
    admin.on("POST", f"{OPERATION}/{verb}", Answer(shift()))
    result = run(verb, "--reason", "lunch")
    assert (result.exit_code, result.stdout) == (0, "shift op-1 is shifting: green 0 % -> 100 %\n")
    assert [asked.body for asked in admin.changes()] == [{"reason": "lunch"}]
    assert not any(asked.path.startswith(f"{OPERATION}?") for asked in admin.asked)


def test_promoting_to_the_end_and_following_it(run: Run, admin: Script) -> None:
    """What is asked for with --full and --wait."""
    admin.on("GET", "/v1/services/default", Answer(service(operation=shift())))
    admin.on("POST", f"{OPERATION}/promote", Answer(shift(phase="applying")))
    admin.on("GET", OPERATION, Answer(shift("succeeded")))
    result = run("promote", "--full", "--wait")
    assert (result.exit_code, admin.changes()[0].body) == (0, {"full": True})
    assert result.stdout.startswith("shift op-1 succeeded")


def test_there_is_nothing_to_tell(run: Run, admin: Script) -> None:
    """Exit code 4 where nothing runs, and where what runs cannot wait."""
    assert run("pause").exit_code == 4
    admin.on("GET", "/v1/services/default", Answer(service(operation=operation("running"))))
    admin.on("POST", f"{OPERATION}/pause", problem(409, "not_pausable"))
    result = run("pause")
    assert result.exit_code == 4
    assert "to undo it: `bluegreen rollback`" in result.stderr


def test_the_status_shows_a_shift(run: Run, admin: Script) -> None:
    """Where it stands, why it waits, and the command that lets it go on."""
    told = {"finding": "inconclusive", "words": "about 93 more requests", "requests": 7, "needed": 93}
    waiting = shift("paused", hindrance="judge", why="about 93 more requests", judge=told, eta=None)
    admin.on("GET", "/v1/services", Answer({"services": [service(operation=waiting)]}))
    lines = run("status").stdout.splitlines()
    assert lines[6:9] == [
        "shift op-1 is paused: green 0 % -> 100 %, by local",
        "green 5 % of 100 %, step 1 of 3, waits: about 93 more requests",
        "it goes on by itself when enough was seen; at once: `bluegreen resume`",
    ]


def test_the_status_shows_that_a_color_is_still_watched(run: Run, admin: Script) -> None:
    """And where a rollback would lead."""
    warm = {"operation": "op-1", "until": 0.0, "rollback_to": {"blue": 100.0, "green": 0.0}}
    admin.on("GET", "/v1/services", Answer({"services": [service(warm=warm)]}))
    words = "watched for another 0 s after shift op-1; `bluegreen rollback` returns to green 0 %"
    assert words in run("status").stdout.splitlines()

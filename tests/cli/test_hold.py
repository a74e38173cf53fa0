from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.scripted import Answer, Script, operation, service

SHOP = "/v1/services/default"
OPERATION = "/v1/operations/op-1"


def holding(in_flight: int) -> dict[str, Any]:
    """A hold, with so many requests still running from before."""
    running = operation("running", kind="hold", after={"blue": 100.0, "green": 0.0})
    return {**running, "progress": {**running["progress"], "phase": "holding", "in_flight": in_flight}}


@pytest.fixture(autouse=True)
def one_service(admin: Script) -> None:
    """The service that is meant where none is named."""
    admin.on("GET", "/v1/services", Answer({"services": [service()]}))


def test_a_hold_waits_for_what_was_running(run: Run, admin: Script) -> None:
    """Not for its own end; and says how it is ended."""
    admin.on("POST", f"{SHOP}/hold", Answer(holding(2)))
    admin.on("GET", OPERATION, Answer(holding(1)), Answer(holding(0)))
    result = run("hold", "--max-wait", "20s", "--max-requests", "50", "--max-bytes", "1MiB")
    assert result.exit_code == 0
    assert result.stdout == "hold op-1 is holding: new requests wait\n"
    assert "`bluegreen release`" in result.stderr
    assert admin.changes()[0].body == {"max_wait": "20.0s", "max_requests": 50, "max_bytes": "1MiB"}


def test_a_hold_that_something_outlasts_times_out(run: Run, admin: Script) -> None:
    """Exit code 6, and requests are held."""
    admin.on("POST", f"{SHOP}/hold", Answer(holding(2)))
    admin.on("GET", OPERATION, Answer(holding(2)))
    assert run("hold", "--timeout", "50ms").exit_code == 6


def test_a_hold_of_writes_waits_for_nothing(run: Run, admin: Script) -> None:
    """Who only reads goes on, and cannot be told from who wrote before."""
    admin.on("POST", f"{SHOP}/hold", Answer(holding(2)))
    assert run("hold", "--unsafe-only").exit_code == 0
    assert admin.changes()[0].body == {"unsafe_only": True}


def test_a_release_tells_who_waited(run: Run, admin: Script) -> None:
    """From the receipt of the hold."""
    over = operation(kind="hold", leaving=[])
    over["receipt"] = {**over["receipt"], "held": 12, "held_too_long": 1}
    admin.on("POST", f"{SHOP}/release", Answer(over))
    result = run("release")
    assert result.exit_code == 0
    assert "   12  came while requests were held" in result.stdout
    assert "    1  of these turned away with 503" in result.stdout


def test_a_release_of_nothing_says_so(run: Run, admin: Script) -> None:
    """It is no error."""
    admin.on("POST", f"{SHOP}/release", Answer(service()))
    result = run("release")
    assert (result.exit_code, result.stdout) == (0, "no requests are held\n")


def test_maintenance_begins_with_a_message_and_ends_without(run: Run, admin: Script) -> None:
    """What was done is said."""
    admin.on("PUT", f"{SHOP}/maintenance", Answer(service()))
    assert run("maintenance", "on", "until six").stdout == "users get the maintenance page\n"
    assert run("maintenance", "off").stdout == "users are served\n"
    assert [asked.body for asked in admin.changes()] == [{"on": True, "message": "until six"}, {"on": False}]
    assert run("maintenance", "off", "until six").exit_code == 2


def test_an_exclusive_switch_says_how_long_it_may_hold(run: Run, admin: Script) -> None:
    """The bounds go with it only."""
    admin.on("POST", f"{SHOP}/switch", Answer(operation()))
    assert run("switch", "green", "--exclusive", "--max-wait", "10s").exit_code == 0
    assert admin.changes()[0].body == {"to": "green", "mode": "exclusive", "max_wait": "10.0s"}
    assert run("switch", "green", "--max-wait", "10s").exit_code == 2


def test_status_says_why_not_everybody_is_served(run: Run, admin: Script) -> None:
    """How many wait, how long at most, because of what; and what users are told."""
    hold = {"max_wait": 10.0, "max_requests": 5, "max_bytes": 7, "unsafe_only": False, "operation": "op-3"}
    held = service(state="maintenance", held=1, hold=hold, maintenance="until six")
    admin.on("GET", "/v1/services", Answer({"services": [held]}))
    lines = run("status").stdout
    assert "1 request held now; all new ones wait, each for 10 s at most, because of op-3" in lines
    assert "users are told: until six" in lines

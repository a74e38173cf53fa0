from __future__ import annotations

import json
import re
import signal

from tests.cli.conftest import Run
from tests.cli.program import on_terminal, started
from tests.cli.scripted import Answer, Script, entry, load, operation, problem, service

SERVICE = "/v1/services/shop"
LOAD, HISTORY, OPERATIONS = "/v1/services/default/load", "/v1/history", "/v1/operations"


def test_plain_text(run: Run, admin: Script) -> None:
    """Aligned, without colour, and without spaces at the ends of lines."""
    running = operation("running", reason="release 7")
    admin.on("GET", "/v1/services", Answer({"services": [service(operation=running)]}))
    assert run("status").stdout == (
        "default is serving, live is blue\n"
        "revision 1, generation 2, served by 2 of 2 workers\n"
        "\n"
        "blue  100.00 %  0 requests, 0 long-lived\n"
        "green   0.00 %  0 requests, 0 long-lived\n"
        "\n"
        "switch op-1 is draining: green 0 % -> 100 %, 3 requests, 0 long-lived left, by local (release 7)\n"
        "\n"
        "color  upstream        weight  admin  health   in flight\n"
        "blue   127.0.0.1:9001       1  ready  healthy          0\n"
        "green  127.0.0.1:9101       1  ready  healthy          0\n"
    )


def test_json(run: Run, admin: Script) -> None:
    """What the admin API says, unchanged."""
    assert json.loads(run("status", "--output", "json").stdout) == {"services": [service()]}


def test_one_of_several_services(run: Run, admin: Script) -> None:
    """Only it is asked for."""
    admin.on("GET", SERVICE, Answer(service("shop")))
    assert run("status", "--service", "shop").stdout.startswith("shop is serving")
    assert {asked.path.partition("/load")[0] for asked in admin.asked} == {SERVICE}


def test_watching_on_a_terminal(admin: Script) -> None:
    """The page changes in place, and the terminal is given back as it was."""
    with on_terminal("status", "--watch", "--admin", admin.address) as terminal:
        terminal.wait_for("100.00 %")
        admin.on("GET", "/v1/services", Answer({"services": [service(split={"blue": 37.5, "green": 62.5})]}))
        terminal.wait_for("62.50 %")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
        assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l") == 1


def test_a_terminal_is_given_back_after_term(admin: Script) -> None:
    """Also when the program is told to end by somebody else."""
    with on_terminal("status", "--watch", "--admin", admin.address) as terminal:
        terminal.wait_for("100.00 %")
        terminal.process.terminate()
        assert terminal.end() == 143
        assert terminal.text.count("\x1b[?1049l") == 1


def test_watching_outlasts_a_restart(admin: Script) -> None:
    """While nobody answers, the last page stays, and says so."""
    with on_terminal("status", "--watch", "--admin", admin.address) as terminal:
        terminal.wait_for("100.00 %")
        admin.on("GET", "/v1/services", Answer(raw=b"bye", content_type="text/plain"))
        terminal.wait_for("This is how it was at ")
        admin.on("GET", "/v1/services", Answer({"services": [service(live="green")]}))
        terminal.wait_for("live is \x1b[1;32mgreen")


def test_watching_asks_again_when_the_store_fails(admin: Script) -> None:
    """What cannot be told is left out; once it can be told, it is there."""
    for path in (HISTORY, OPERATIONS, LOAD):
        admin.on("GET", path, problem(503, "store_unavailable"))
    with on_terminal("status", "--watch", "--admin", admin.address) as terminal:
        terminal.wait_for("100.00 %")
        admin.on("GET", HISTORY, Answer({"entries": [entry(1, reason="release 7")]}))
        admin.on("GET", OPERATIONS, Answer({"operations": [operation()]}))
        admin.on("GET", LOAD, Answer(load()))
        terminal.wait_for("(release 7)")
        assert "0 dropped" in terminal.text
        assert "480 ms" in terminal.text


def test_watching_without_colour(admin: Script) -> None:
    """It stays in its place, and has no colour."""
    with on_terminal("status", "--watch", "--admin", admin.address, NO_COLOR="1") as terminal:
        terminal.wait_for("100.00 %")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l") == 1
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)


def test_watching_on_a_dumb_terminal_is_a_page_after_the_other(admin: Script) -> None:
    """It cannot go back to where it has written."""
    with on_terminal("status", "--watch", "--admin", admin.address, TERM="dumb") as terminal:
        terminal.wait_for("100.00 %")
        admin.on("GET", "/v1/services", Answer({"services": [service(split={"blue": 37.5, "green": 62.5})]}))
        terminal.wait_for("62.50 %")
    assert "\x1b" not in terminal.text


def test_a_terminal_of_another_size(admin: Script) -> None:
    """The picture is drawn anew for it, at once."""
    with on_terminal("status", "--watch", "--admin", admin.address, COLUMNS="", LINES="") as terminal:
        terminal.resize(columns=100, lines=30)
        terminal.wait_for("revision 1, generation 2, 2 of 2 workers")
        terminal.resize(columns=40, lines=12)
        terminal.wait_for(f"\x1b[1;94mblue\x1b[0m 100.00 % \x1b[1;94m{'█' * 11}\x1b[0m   0.00 % ")


def test_numbers_where_they_are_known(run: Run, admin: Script) -> None:
    """Both colors one below the other, rounded as everywhere."""
    admin.on("GET", LOAD, Answer(load()))
    assert (
        "color  requests/s  errors     p50     p95     p99\n"
        "blue           84   0.3 %  1.2 ms   40 ms   48 ms\n"
        "green         4.4    10 %   12 ms  400 ms  480 ms\n"
    ) in run("status").stdout


def test_watching_in_a_pipe_is_a_page_after_the_other(admin: Script) -> None:
    """In JSON a document a line; when nobody answers it goes on and says so on standard error."""
    good, bad = Answer({"services": [service()]}), Answer(raw=b"bye", content_type="text/plain")
    admin.on("GET", "/v1/services", good, bad, good)
    with started("status", "--watch", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert [json.loads(process.stdout.readline())["services"][0]["name"] for _ in range(2)] == ["default"] * 2
        assert "is no admin API" in process.stderr.readline()

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.scripted import Answer, Script, operation, problem, service

POOL = "/v1/services/default/pools/green"
ADDRESS = "127.0.0.1:9102"
UPSTREAM = f"{POOL}/upstreams/127.0.0.1%3A9102"


@pytest.mark.parametrize("arguments", [("upstreams",), ("upstreams", "list")])
def test_listing(run: Run, admin: Script, arguments: tuple[str, ...]) -> None:
    """Both pools, with or without the word."""
    assert run(*arguments).stdout.splitlines() == [
        "color  upstream        weight  admin  health   in flight",
        "blue   127.0.0.1:9001       1  ready  healthy          0",
        "green  127.0.0.1:9101       1  ready  healthy          0",
    ]
    assert json.loads(run(*arguments, "--output", "json").stdout) == service()["pools"]


@pytest.mark.parametrize(
    ("arguments", "method", "path", "body", "said"),
    [
        (
            ("add", "green", ADDRESS, "--weight", "3"),
            "POST",
            f"{POOL}/upstreams",
            {"address": ADDRESS, "weight": 3},
            "green 127.0.0.1:9102 added; it serves once it is healthy: `bluegreen upstreams`",
        ),
        (("remove", "green", ADDRESS), "DELETE", UPSTREAM, {}, "green 127.0.0.1:9102 removed"),
        (
            ("remove", "green", ADDRESS, "--force"),
            "DELETE",
            UPSTREAM,
            {"force": True},
            "green 127.0.0.1:9102 removed",
        ),
        (
            ("weight", "green", ADDRESS, "0"),
            "PATCH",
            UPSTREAM,
            {"weight": 0},
            "green 127.0.0.1:9102 has weight 0",
        ),
        (("ready", "green", ADDRESS), "PATCH", UPSTREAM, {"admin": "ready"}, "green 127.0.0.1:9102 is set to ready"),
        (("drain", "green", ADDRESS), "PATCH", UPSTREAM, {"admin": "drain"}, "green 127.0.0.1:9102 is set to drain"),
        (("maint", "green", ADDRESS), "PATCH", UPSTREAM, {"admin": "maint"}, "green 127.0.0.1:9102 is set to maint"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_changing(
    run: Run, admin: Script, arguments: tuple[str, ...], method: str, path: str, body: dict[str, Any], said: str
) -> None:
    """Each verb is one call, and says what is so now."""
    admin.on(method, path, Answer(service()))
    result = run("upstreams", *arguments)
    assert (result.exit_code, result.stdout) == (0, f"{said}\n")
    assert [(asked.method, asked.path, asked.body) for asked in admin.changes()] == [(method, path, body)]


def test_a_drain_is_waited_for(run: Run, admin: Script) -> None:
    """Who drains a server wants to stop it when the command returns."""
    leaving = [{"color": "green", "upstream": ADDRESS}]
    admin.on("PATCH", UPSTREAM, Answer(operation("running", kind="drain", leaving=leaving)))
    admin.on("GET", "/v1/operations/op-1", Answer(operation(kind="drain", leaving=leaving)))
    result = run("upstreams", "drain", "green", ADDRESS)
    assert result.exit_code == 0
    assert result.stdout.startswith("drain op-1 succeeded: green 127.0.0.1:9102\n")


def test_a_drain_cannot_be_rolled_back(run: Run, admin: Script) -> None:
    """So that is not what is suggested."""
    leaving = [{"color": "green", "upstream": ADDRESS}]
    admin.on("PATCH", UPSTREAM, Answer(operation("running", kind="drain", leaving=leaving)))
    result = run("upstreams", "drain", "green", ADDRESS, "--no-wait")
    assert "follow it" in result.stderr
    assert "rollback" not in result.stderr


def test_a_reason_goes_along_with_a_removal(run: Run, admin: Script) -> None:
    """Like with any other change."""
    admin.on("DELETE", UPSTREAM, Answer(service()))
    run("upstreams", "remove", "green", ADDRESS, "--reason", "old")
    assert admin.changes()[0].body == {"reason": "old"}


def test_json_of_a_change_that_is_done(run: Run, admin: Script) -> None:
    """The service as it is now."""
    admin.on("PATCH", UPSTREAM, Answer(service()))
    result = run("upstreams", "weight", "green", ADDRESS, "2", "--output", "json")
    assert json.loads(result.stdout) == service()


def test_the_last_one_is_not_removed_by_mistake(run: Run, admin: Script) -> None:
    """The refusal says what to do first."""
    admin.on("DELETE", UPSTREAM, problem(409, "last_upstream"))
    result = run("upstreams", "remove", "green", ADDRESS)
    assert result.exit_code == 4
    assert "add another first: `bluegreen upstreams add COLOR HOST:PORT`; or add --force" in result.stderr


def test_options_before_the_second_word_are_not_ignored(run: Run, admin: Script) -> None:
    """Otherwise the change would be made to another service than was named."""
    result = run("upstreams", "--service", "shop", "maint", "green", ADDRESS)
    assert result.exit_code == 2
    assert "options stand at the end, after 'maint' and its arguments" in result.stderr
    assert admin.asked == []

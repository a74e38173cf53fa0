from __future__ import annotations

import json
import socket

import pytest

from proxy.cli.refusals import REMEDIES
from proxy.control.admin.problems import STATUS
from tests.cli.conftest import Run
from tests.cli.scripted import Script, problem

SWITCH = "/v1/services/default/switch"


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (409, "color_not_healthy", "see why: `bluegreen upstreams`; to do it all the same, add --force"),
        (409, "operation_running", "watch it: `bluegreen status --watch`; or end it: `bluegreen abort`"),
        (412, "revision_mismatch", "look again (`bluegreen status`), then decide anew"),
        (404, "service_not_found", "see what there is: `bluegreen status`"),
        (401, "unauthorized", "--token or BLUEGREEN_TOKEN"),
        (403, "forbidden", "a token of a higher role"),
    ],
)
def test_a_refusal_ends_with_4_and_a_remedy(run: Run, admin: Script, status: int, code: str, remedy: str) -> None:
    """What was said, its code, and what to do about it, in the command's own words."""
    admin.on("POST", SWITCH, problem(status, code))
    result = run("switch", "green")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith(f"bluegreen: it is {code} ({code})\nbluegreen: ")
    assert remedy in result.stderr


def test_the_remedies_are_for_refusals_that_there_are() -> None:
    """A misspelled code would never be looked up."""
    assert [code for code in REMEDIES if code not in {each.value for each in STATUS}] == []


def test_a_refusal_without_a_remedy_stands_alone(run: Run, admin: Script) -> None:
    """Nothing is made up."""
    admin.on("POST", SWITCH, problem(422, "invalid_body"))
    assert run("switch", "green").stderr == "bluegreen: it is invalid_body (invalid_body)\n"


def test_a_fault_of_the_program_is_no_refusal(run: Run, admin: Script) -> None:
    """A store that cannot be written fails the command, exit code 1."""
    admin.on("POST", SWITCH, problem(503, "store_unavailable"))
    result = run("switch", "green")
    assert result.exit_code == 1
    assert "traffic is served as before" in result.stderr


def test_a_refusal_in_json_is_one_document(run: Run, admin: Script) -> None:
    """The whole problem document, facts and all; the words are on standard error."""
    admin.on("POST", SWITCH, problem(409, "operation_running", operation="op-7"))
    result = run("switch", "green", "--output", "json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["operation"] == "op-7"
    assert "operation_running" in result.stderr


def test_an_admin_api_that_is_not_there_ends_with_3(run: Run) -> None:
    """In JSON, too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    result = run("status", "--admin", address, "--output", "json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["code"] == "unreachable"
    assert "start it with `bluegreen run`" in result.stderr


def test_the_remedy_is_about_the_same_service_and_admin_api(run: Run, admin: Script) -> None:
    """What was typed is repeated, so that the remedy can be copied."""
    admin.on("POST", "/v1/services/my%20shop/switch", problem(409, "color_not_healthy"))
    result = run("switch", "green", "--service", "my shop", "--admin", admin.address)
    assert f"`bluegreen upstreams --service 'my shop' --admin {admin.address}`" in result.stderr

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from click.shell_completion import ShellComplete

from proxy.cli.main import bluegreen
from tests.cli.conftest import Run
from tests.cli.scripted import Answer, Script, operation, problem, roll, shift

OPERATIONS = "/v1/operations"


def test_a_receipt_in_words(run: Run, admin: Script) -> None:
    """What was counted, what that comes to, whose fault it was, and who did it when and why."""
    receipt = {**operation()["receipt"], "finished_on_old": 4, "failed": 1, "cut_by_client": 2}
    admin.on("GET", f"{OPERATIONS}/op-1", Answer(operation(receipt=receipt, reason="release 7", ended_at=8.2)))
    result = run("receipts", "op-1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "switch op-1 succeeded: green 0 % -> 100 %"
    assert "    1  of these failed by their upstream" in lines
    assert lines[-5:-1] == [
        "",
        "0 dropped; 4 of 7 in flight finished",
        "1 failed by an upstream (the upstream's fault)",
        "2 given up by a client (the client's fault)",
    ]
    assert lines[-1].startswith("service default, ")
    assert lines[-1].endswith(", took 7.2 s, by local: release 7")


def test_the_judges_sentence(run: Run, admin: Script) -> None:
    """Of what is judged."""
    judge = {"finding": "pass", "words": "green is as good as blue"}
    for judged in (shift("succeeded", judge=judge), roll(state="succeeded", judge=judge)):
        admin.on("GET", f"{OPERATIONS}/op-1", Answer(judged))
        assert "\njudge: green is as good as blue\n" in run("receipts", "op-1").stdout


def test_the_newest_without_an_id(run: Run, admin: Script) -> None:
    """Of the service that was named, if one was."""
    admin.on("GET", OPERATIONS, Answer({"operations": [operation("running")]}))
    assert "\nit is not over: the receipt is written at its end\n" in run("receipts", "--service", "a&b").stdout
    assert parse_qs(admin.asked[0].path.partition("?")[2]) == {"limit": ["1"], "service": ["a&b"]}


def test_json(run: Run, admin: Script) -> None:
    """The operation with its receipt, as the admin API has it."""
    admin.on("GET", f"{OPERATIONS}/op-1", Answer(operation()))
    assert json.loads(run("receipts", "op-1", "--output", "json").stdout) == operation()


@pytest.mark.parametrize(
    ("arguments", "answer", "remedy"),
    [
        (["op-9"], problem(404, "operation_not_found"), "`bluegreen history`"),
        ([], Answer({"operations": []}), "`bluegreen switch COLOR`"),
    ],
)
def test_one_that_there_is_not(run: Run, admin: Script, arguments: list[str], answer: Answer, remedy: str) -> None:
    """Exit code 4, and what to do about it; in JSON with the code."""
    admin.on("GET", "/".join([OPERATIONS, *arguments]), answer)
    result = run("receipts", *arguments, "--output", "json")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (4, "operation_not_found")
    assert remedy in result.stderr


@pytest.mark.parametrize(("address", "ids"), [(None, ["op-12"]), ("127.0.0.1:1", []), ("no address", [])])
def test_ids_are_suggested(admin: Script, address: str | None, ids: list[str]) -> None:
    """Those of the newest operations, to whoever presses Tab; none where nobody answers."""
    admin.on("GET", OPERATIONS, Answer({"operations": [operation(id="op-12"), operation(id="op-3")]}))
    completion = ShellComplete(bluegreen, {}, "bluegreen", "_BLUEGREEN_COMPLETE")
    words = ["receipts", "--admin", address or admin.address]
    assert [item.value for item in completion.get_completions(words, "op-1")] == ids

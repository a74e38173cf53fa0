from __future__ import annotations

import importlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from proxy import __version__
from proxy.cli.main import VERBS, bluegreen
from tests.cli.conftest import Run
from tests.cli.program import COMMAND, PATIENCE, interrupted, run_piped, started
from tests.cli.scripted import Answer, Script, service


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all that are under it."""
    yield name, command
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for each in command.list_commands(ctx):
            found = command.get_command(ctx, each)
            assert found is not None
            yield from commands(found, f"{name} {each}")


ALL = dict(commands(bluegreen, "bluegreen"))


def test_help_tells_all_verbs_and_exit_codes(run: Run) -> None:
    """The first look shows what there is."""
    result = run("--help")
    assert result.exit_code == 0
    assert [verb for verb in VERBS if f"  {verb} " not in result.stdout] == []
    assert "6 wait timed out" in result.stdout


def test_version(run: Run) -> None:
    """The version is the package's."""
    assert run("--version").stdout == f"bluegreen, version {__version__}\n"


@pytest.mark.parametrize("name", ALL)
def test_every_verb_and_option_explains_itself(name: str) -> None:
    """There is help for all of them."""
    command = ALL[name]
    assert command.help
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_are_modules_that_call_it_command(verb: str) -> None:
    """A verb is found where the table says."""
    assert isinstance(importlib.import_module(VERBS[verb]).command, click.Command)


def test_every_common_option_is_also_an_environment_variable(run: Run, admin: Script) -> None:
    """A pipeline sets them once."""
    admin.on("POST", "/v1/services/shop/switch", Answer({"dry_run": True, "changes": []}))
    result = run(
        "switch",
        "green",
        BLUEGREEN_SERVICE="shop",
        BLUEGREEN_REASON="release 7",
        BLUEGREEN_OUTPUT="json",
        BLUEGREEN_TOKEN="secret",
        BLUEGREEN_DRY_RUN="1",
        BLUEGREEN_WAIT="0",
        BLUEGREEN_TIMEOUT="5m",
    )
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"dry_run": True, "changes": []})
    [asked] = admin.changes()
    assert asked.path.endswith("?dry_run=true")
    assert asked.body == {"to": "green", "reason": "release 7"}
    assert asked.authorization == "Bearer secret"


def test_an_option_of_one_verb_is_a_variable_with_the_name_of_the_verb(run: Run, admin: Script) -> None:
    """So that what is meant for one never forces another."""
    admin.on("POST", "/v1/services/default/switch", Answer({"dry_run": True, "changes": []}))
    run("switch", "green", "--dry-run", BLUEGREEN_SWITCH_FORCE="1")
    run("switch", "green", "--dry-run", BLUEGREEN_FORCE="1", BLUEGREEN_ROLLBACK_FORCE="1")
    assert [asked.body for asked in admin.changes()] == [{"to": "green", "force": True}, {"to": "green"}]


def test_wrong_usage_ends_with_2(run: Run) -> None:
    """A color that is none is caught here."""
    result = run("switch", "purple")
    assert result.exit_code == 2
    assert "'purple' is not one of 'blue', 'green'" in result.stderr


@pytest.mark.parametrize("arguments", [("--output", "json"), ("--output=json",)])
def test_wrong_usage_is_a_document_where_json_was_asked_for(arguments: tuple[str, ...]) -> None:
    """Also of a command line that makes no sense."""
    result = run_piped("switch", "purple", *arguments)
    assert result.returncode == 2
    assert json.loads(result.stdout)["code"] == "usage"
    assert "purple" in result.stderr


def test_several_services_must_be_told_apart(run: Run, admin: Script) -> None:
    """Nothing is moved by guessing."""
    admin.on("GET", "/v1/services", Answer({"services": [service("default"), service("shop")]}))
    result = run("switch", "green")
    assert result.exit_code == 2
    assert "there are 2 services (default, shop): name one with --service" in result.stderr
    assert admin.changes() == []


def test_a_reader_that_goes_away_is_no_error(admin: Script) -> None:
    """As under `| head`: no traceback, and the exit code that shells know from other programs."""
    with started("status", "--watch", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("default is serving")
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_json_that_nobody_reads_is_no_error_either(admin: Script) -> None:
    """The same on the other road to standard output."""
    with started("status", "--watch", "--output", "json", "--admin", admin.address) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["services"][0]["name"] == "default"
        process.stdout.close()
        assert process.wait(PATIENCE) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
@pytest.mark.parametrize("output", ["table", "json"])
def test_output_that_does_not_fit_is_said_so(admin: Script, output: str) -> None:
    """A full disk fails the command in a line."""
    with Path("/dev/full").open("wb") as full:
        arguments = [*COMMAND, "status", "--admin", admin.address, "--output", output]
        result = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert result.returncode == 1
    assert result.stderr == "bluegreen: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_without_a_traceback(admin: Script, number: signal.Signals, code: int) -> None:
    """Wherever it is, even while it waits for an answer."""
    asked, over = threading.Event(), threading.Event()

    def late() -> Answer:
        asked.set()
        over.wait(PATIENCE)
        return Answer({"services": []})

    admin.on("GET", "/v1/services", late)
    try:
        with started("status", "--admin", admin.address) as process:
            assert asked.wait(PATIENCE)
            ended, out, err = interrupted(process, number)
    finally:
        over.set()
    assert (ended, out, err.strip()) == (code, "", "")

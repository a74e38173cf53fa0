from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = """\
services:
  default:
    pools:
      blue: {upstreams: ["127.0.0.1:9001"]}
      green: {upstreams: ["127.0.0.1:9101"]}
"""
BAD = GOOD.replace("upstreams", "upstream", 1) + "wrokers: 2\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A config file as it should be."""
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A config file with two mistakes."""
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    return file


def test_a_good_file(run: Run, good: Path) -> None:
    """Named with its services."""
    result = run("check", "--config", str(good))
    assert (result.exit_code, result.stdout) == (0, f"{good}: good (1 service: default)\n")


def test_every_mistake_with_its_place(run: Run, bad: Path) -> None:
    """Exit code 1, and a line for each that editors can follow."""
    result = run("check", BLUEGREEN_CONFIG=str(bad))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{bad}:4:14: services.default.pools.blue.upstream: " in result.stderr
    assert f"{bad}:6:1: wrokers: " in result.stderr


def test_mistakes_in_json(run: Run, good: Path, bad: Path) -> None:
    """One document, whether it is good or not."""
    document = json.loads(run("check", "--config", str(bad), "--output", "json").stdout)
    assert not document["ok"]
    assert {(each["line"], each["path"]) for each in document["problems"]} >= {(6, "wrokers")}
    assert json.loads(run("check", "--config", str(good), "--output", "json").stdout) == {
        "ok": True,
        "services": ["default"],
    }


def test_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """Said like any other mistake."""
    result = run("check", "--config", str(tmp_path / "none.yaml"))
    assert result.exit_code == 1
    assert "the file cannot be read: No such file or directory" in result.stderr


def test_running_a_bad_file_ends_with_2(run: Run, bad: Path) -> None:
    """So that whoever supervises it does not try again and again."""
    result = run("run", "--config", str(bad))
    assert result.exit_code == 2
    assert "wrokers" in result.stderr


def test_the_schema_is_json(run: Run) -> None:
    """Editors complete and check by it."""
    schema = json.loads(run("schema").stdout)
    assert "services" in schema["properties"]

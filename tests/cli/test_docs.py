from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.cli.exit_codes import ExitCode
from proxy.cli.main import VERBS

PAGE = (Path(__file__).parents[2] / "docs" / "command.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_shown_at_work(verb: str) -> None:
    """With an example of its own."""
    assert re.search(rf"^## (.*[ ,])?{verb}\b", PAGE, re.MULTILINE)
    assert f"bluegreen {verb}" in PAGE


def test_every_exit_code_is_explained() -> None:
    """Scripts are written from this table."""
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| ")]
    explained = {int(word) for row in rows for word in row.replace(",", " ").split() if word.isdecimal()}
    assert explained == {code.value for code in ExitCode}

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.conftest import Run
from tests.cli.program import run_piped


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(run: Run, shell: str) -> None:
    """It asks the command itself what is possible."""
    assert f"_BLUEGREEN_COMPLETE={shell}_complete" in run("completion", shell).stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_understands_its_script(run: Run) -> None:
    """No syntax that it does not know."""
    subprocess.run(["bash", "-n"], input=run("completion", "bash").stdout, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "suggestions"),
    [
        ("bluegreen sw", ["switch"]),
        ("bluegreen switch ", ["blue", "green"]),
        ("bluegreen upstreams dr", ["drain"]),
        ("bluegreen status --wa", ["--watch"]),
        ("bluegreen status --output ", ["table", "json"]),
    ],
)
def test_what_is_suggested(words: str, suggestions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Verbs, colors, options and their values."""
    monkeypatch.setenv("_BLUEGREEN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert run_piped().stdout.splitlines() == [f"plain,{each}" for each in suggestions]

from __future__ import annotations

import pytest

from tests.cli.program import on_terminal, run_piped
from tests.cli.scripted import Script


def test_colour_on_a_terminal(admin: Script) -> None:
    """Colors have their colour, and the split a bar."""
    with on_terminal("status", "--admin", admin.address) as terminal:
        assert terminal.end() == 0
        assert "\x1b[1;94mblue" in terminal.text
        assert "█" in terminal.text


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour(admin: Script, environ: dict[str, str]) -> None:
    """Plain text for who wants it, and for terminals that can do no more."""
    with on_terminal("status", "--admin", admin.address, **environ) as terminal:
        assert terminal.end() == 0
        assert "\x1b" not in terminal.text
        assert "█" not in terminal.text


def test_plain_text_in_a_pipe(admin: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a CI system says that it likes colour: what reads the output may not."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    result = run_piped("status")
    assert "\x1b" not in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) > 20


def test_a_locale_that_has_not_all_characters(admin: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be shown is replaced, and nothing fails."""
    with on_terminal("status", "--admin", admin.address, PYTHONIOENCODING="ascii") as terminal:
        assert terminal.end() == 0
        assert "live is" in terminal.text

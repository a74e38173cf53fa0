from __future__ import annotations

import pytest

from tests.tools import require_tool


def test_a_program_that_is_there_is_found() -> None:
    """The path that comes back can be started."""
    assert require_tool("sh", package="dash").is_file()


def test_a_missing_program_skips_the_test_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a developer's machine a missing tool costs one test, with the package to install as the reason."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install --no-install-recommends no-package"):
        require_tool("no-such-program", package="no-package")


def test_a_missing_program_fails_the_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI cannot turn green by lacking a tool."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        require_tool("no-such-program", package="no-package")

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from proxy.cli.main import bluegreen
from tests.cli.scripted import Answer, Script, scripted_admin, service

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's own shell says must not change what is tested."""
    for name in list(os.environ):
        if name.startswith("BLUEGREEN_") or name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
            monkeypatch.delenv(name)


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """An admin API with one service, which the command finds by its environment."""
    with scripted_admin() as script:
        script.on("GET", "/v1/services", Answer({"services": [service()]}))
        script.on("GET", "/v1/services/default", Answer(service()))
        monkeypatch.setenv("BLUEGREEN_ADMIN", script.address)
        yield script


@pytest.fixture
def run() -> Run:
    """The command, run in this process."""

    def invoke(*arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(bluegreen, arguments, env=environ, prog_name="bluegreen")

    return invoke

"""What the tests of the config share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.config import ConfigError, parse_settings

Complaints = Callable[..., list[str]]
"""The error lines for a text (file name cut off) and variables of the environment; none if the text is good."""


@pytest.fixture
def complaints() -> Complaints:
    """Load a text as ``/srv/c.yaml`` and give back the lines of its error, each from the line number on."""

    def of(text: str, **environ: str) -> list[str]:
        try:
            parse_settings(text, file="/srv/c.yaml", environ=environ)
        except ConfigError as error:
            lines = str(error).split("\n")
            assert all(line.startswith("/srv/c.yaml:") for line in lines)
            return [line.removeprefix("/srv/c.yaml:") for line in lines]
        return []

    return of


@pytest.fixture
def pools() -> str:
    """One line that gives a service its pools."""
    return 'pools: {blue: {upstreams: ["10.0.0.1:80"]}, green: {upstreams: ["10.0.0.2:80"]}}'


@pytest.fixture
def services(pools: str) -> str:
    """One line that completes a config."""
    return f"services: {{default: {{{pools}}}}}"

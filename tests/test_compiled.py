"""The list in pyproject.toml of what is compiled."""

from __future__ import annotations

from tests.compiled import ROOT, hook, modules_to_compile


def test_it_names_what_exists() -> None:
    """A misspelled name would compile nothing, or leave nothing out, and nobody would notice."""
    assert [package for package in hook()["packages"] if not (ROOT / package).is_dir()] == []
    assert [name for name in hook()["left-out"] if not (ROOT / name).exists()] == []


def test_what_a_request_runs_through_is_in_it() -> None:
    """Wire syntax, policy, and both ends of an exchange."""
    assert {
        "proxy.http1.request",
        "proxy.traffic.balance",
        "proxy.dataplane.exchange",
        "proxy.upstream.connection",
    } <= set(modules_to_compile())

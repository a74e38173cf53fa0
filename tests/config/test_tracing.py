from __future__ import annotations

import sys
from pathlib import Path

import pytest

from proxy.config import parse_settings
from proxy.config.settings import OtlpSettings
from proxy.config.tracing import parse_endpoint, read_headers
from tests.config.conftest import Complaints


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://otlp.example/", "https://otlp.example/v1/traces"),
        ("https://otlp.example/base", "https://otlp.example/base/v1/traces"),
        ("http://[::1]:4318/v1/traces", "http://[::1]:4318/v1/traces"),
    ],
)
def test_where_traces_go(written: str, url: str) -> None:
    """The path of OTLP over HTTP is added where it is not written down."""
    assert parse_endpoint(written) == url


@pytest.mark.parametrize(
    "written",
    [
        None,
        4318,
        "",
        "127.0.0.1:4318",
        "grpc://a:4317",
        "http://",
        "http://a:0",
        "http://a:99999",
        "http://[::1",
        "http://a b",
        "http://u:hunter2@a",
        "http://a/?key=hunter2",
        "http://a/#x",
        "http://a\r\nX: y",
        "http://\xe9",
    ],
)
def test_what_is_no_endpoint(written: object) -> None:
    """Another scheme, no host, and places where a secret would be in plain sight."""
    with pytest.raises(ValueError, match="must be") as refused:
        parse_endpoint(written)
    assert "hunter2" not in str(refused.value)


def test_the_settings_of_an_export(services: str) -> None:
    """The share goes to the workers with the table, the rest to the exporter."""
    text = "tracing: {otlp: {endpoint: 'http://c:1', sample: 25%, service_name: door}}\n" + services
    settings = parse_settings(text, file="/srv/c.yaml", environ={})
    assert settings.otlp == OtlpSettings("http://c:1/v1/traces", "door")
    assert settings.door.trace_share == 0.25
    default = parse_settings(f"tracing: {{otlp: {{}}}}\n{services}", file="/srv/c.yaml", environ={})
    assert default.otlp == OtlpSettings("http://127.0.0.1:4318/v1/traces", "bluegreen")
    assert default.door.trace_share == 0.01


def test_headers_from_a_file(tmp_path: Path) -> None:
    """One field a line; comments and empty lines do not count."""
    file = tmp_path / "headers"
    file.write_text("# of the collector\nAuthorization:  Bearer a b \n\nX-Tenant:7\n")
    assert read_headers(file) == (("Authorization", "Bearer a b"), ("X-Tenant", "7"))


@pytest.mark.parametrize("line", ["hunter2", ": hunter2", "a b: hunter2", "A: \x00hunter2", "A:"], ids=range(5))
def test_bad_headers(complaints: Complaints, services: str, tmp_path: Path, line: str) -> None:
    """The line is named at its place in the config, and nothing of what stands in it."""
    file = tmp_path / "headers"
    file.write_text(f"A: b\n{line}\n")
    (problem,) = complaints(f"tracing: {{otlp: {{headers_file: '{file}'}}}}\n{services}")
    assert problem.startswith(f"1:32: tracing.otlp.headers_file: {file}: line 2 is no header field")
    assert "hunter2" not in problem


def test_no_headers_file(complaints: Complaints, services: str) -> None:
    """A file that is not there is told when the config is read, and not with the first export."""
    (problem,) = complaints(f"tracing: {{otlp: {{headers_file: nowhere}}}}\n{services}")
    assert "/srv/nowhere cannot be read: No such file" in problem


@pytest.mark.parametrize("absent", ["opentelemetry", "google.protobuf"])
def test_an_export_without_its_extra(
    complaints: Complaints, services: str, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    """It is refused with the remedy; who exports nothing needs nothing."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("opentelemetry", "google")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    remedy = "pip install 'bluegreen-proxy[otlp]'"
    problem = f"1:11: tracing.otlp: the trace export needs a library that is not installed: {remedy}"
    assert complaints(f"tracing: {{otlp: {{}}}}\n{services}") == [problem]
    assert complaints(f"tracing: {{otlp: null}}\n{services}") == []

"""The config files that come with the program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from proxy.config import ListenSettings, Settings, TcpAddress, json_schema, load_settings
from proxy.config.document import read_document
from proxy.traffic.spec import DoorSpec, ServiceSpec, UpstreamSpec

FOLDER = Path(__file__).parents[2] / "config"


def load(name: str) -> Settings:
    """The settings of one of these files."""
    return load_settings(FOLDER / name, {})


def test_the_documented_config_means_the_defaults() -> None:
    """Every default that is written down is the one that holds when nothing is written."""
    documented, minimal = load("bluegreen.yaml"), load("minimal.yaml")
    (service,) = documented.services
    blue = (UpstreamSpec("127.0.0.1:9001"), UpstreamSpec("127.0.0.1:9002"))
    green = (UpstreamSpec("127.0.0.1:9101"), UpstreamSpec("127.0.0.1:9102"))
    assert service == ServiceSpec("default", blue, green)
    assert documented.door == DoorSpec()
    assert minimal.services == (ServiceSpec("default", blue[:1], green[:1]),)
    names = (
        "listen",
        "workers",
        "admin",
        "state_path",
        "door",
        "shutdown_grace",
        "gate_secret_file",
        "hook_commands",
        "notifications",
        "otlp",
    )
    for name in names:
        assert getattr(documented, name) == getattr(minimal, name), name


def test_the_defaults_are_those_of_the_manual() -> None:
    """The front door is on 8080 for everyone, the admin API on 9000 for this machine."""
    settings = load("minimal.yaml")
    assert settings.listen == (ListenSettings(TcpAddress("0.0.0.0", 8080)),)
    assert settings.admin.listen == TcpAddress("127.0.0.1", 9000)
    assert (settings.workers, settings.shutdown_grace) == (None, 30.0)
    assert settings.state_path == FOLDER / "bluegreen.db"


OFF = ("TokenSection", "NotificationSection", "OtlpSection", "StickySection", "PreviewSection", "PreviewHosts")
"""What is off by default, and so stands in comments."""


@pytest.mark.parametrize("section", [name for name in json_schema()["$defs"] if name not in OFF])
def test_the_documented_config_has_every_key(section: str) -> None:
    """Nothing can be set that the documented config does not show."""
    document = read_document((FOLDER / "bluegreen.yaml").read_text(), file="bluegreen.yaml", environ={})
    written = {str(path[-1]) for path in document.places if path}
    assert set(json_schema()["$defs"][section].get("properties", {})) <= written
    assert set(json_schema()["properties"]) <= written


@pytest.mark.parametrize("section", OFF)
def test_the_documented_config_shows_what_is_off(section: str) -> None:
    """Tokens cannot be on by default, for one; the comments show all keys."""
    text = (FOLDER / "bluegreen.yaml").read_text()
    for key in json_schema()["$defs"][section]["properties"]:
        assert re.search(rf"^ +# +(- )?{key}:", text, re.MULTILINE), key


def test_editors_find_the_schema() -> None:
    """The first line tells editors where the schema is."""
    for name in ("bluegreen.yaml", "minimal.yaml"):
        assert (FOLDER / name).read_text().startswith("# yaml-language-server: $schema=bluegreen.schema.json\n")


def test_the_written_schema_is_current() -> None:
    """If this fails: bluegreen schema > config/bluegreen.schema.json."""
    assert json.loads((FOLDER / "bluegreen.schema.json").read_text()) == json_schema()

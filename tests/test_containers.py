"""The files that containers are built and started from. No engine is needed to see that they fit together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.config import parse_settings
from tests.tools import require_tool

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"


def load(path: Path) -> Any:
    """The values of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def compose() -> Any:
    """The compose file."""
    return load(CONFIG / "compose.yaml")


def test_the_dockerfile_is_clean() -> None:
    """hadolint has nothing to say."""
    hadolint = Path(sys.executable).parent / "hadolint"
    answer = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (0, "")


def test_the_image_does_not_run_as_root_and_drains_on_stop() -> None:
    """The last user, the stop signal and the state folder are those that the docs promise."""
    instructions = re.findall(r"^([A-Z]+) (.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    last = dict(instructions)
    assert last["USER"] == "10001:10001"
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert last["VOLUME"] == "/var/lib/bluegreen"
    assert last["EXPOSE"] == "8080 9000"


def test_everything_in_compose_says_whether_it_is_healthy(compose: Any) -> None:
    """`up --wait` can tell when all of it works."""
    assert [name for name, service in compose["services"].items() if "healthcheck" not in service] == []


def test_compose_starts_things_in_order_and_names_only_what_exists(compose: Any) -> None:
    """Dependencies, networks, volumes and secrets that a service names are defined."""
    for service in compose["services"].values():
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()
        assert set(service["networks"]) <= compose["networks"].keys()
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()


def test_compose_mounts_files_that_are_there(compose: Any) -> None:
    """Every mounted path is a volume of the file or lies beside it."""
    sources = [
        volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", ())
    ]
    missing = [source for source in sources if source not in compose["volumes"] and not (CONFIG / source).exists()]
    assert missing == []


def test_only_the_front_door_is_published_to_other_machines(compose: Any) -> None:
    """The admin API, Prometheus and Grafana stay on loopback."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == ["8080:8080"]


def test_the_front_door_in_compose_finds_what_its_config_names(compose: Any) -> None:
    """Its upstreams are services on its network, its tokens are its secrets, its state is on its volume."""
    settings = load(CONFIG / "container.yaml")
    front = compose["services"]["front"]
    for pool in settings["services"]["default"]["pools"].values():
        for address in pool["upstreams"]:
            assert set(compose["services"][address.split(":")[0]]["networks"]) & set(front["networks"])
    files = [token["token_file"] for token in settings["admin"]["tokens"]]
    assert files == [f"/run/secrets/{secret}" for secret in front["secrets"]]
    assert settings["state"]["path"].startswith("/var/lib/bluegreen/")


def test_the_config_in_compose_is_valid(compose: Any, tmp_path: Path) -> None:
    """The front door would start with it, given the secrets that compose mounts."""
    for secret in compose["services"]["front"]["secrets"]:
        (tmp_path / secret).write_text("0123456789abcdef0123456789abcdef\n", encoding="utf-8")
    text = (CONFIG / "container.yaml").read_text(encoding="utf-8").replace("/run/secrets", str(tmp_path))
    settings = parse_settings(text, file="/etc/bluegreen/bluegreen.yaml", environ={})
    assert [token.name for token in settings.admin.tokens] == ["operator", "prometheus"]


def test_promtool_accepts_the_prometheus_config() -> None:
    """Prometheus would start with it."""
    promtool = require_tool("promtool", package="prometheus")
    # Its syntax alone: the token file exists only in the container.
    command = [str(promtool), "check", "config", "--syntax-only", str(CONFIG / "prometheus" / "prometheus.yml")]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_prometheus_scrapes_the_admin_api_with_its_own_token(compose: Any) -> None:
    """The target is the front door's admin port, and the credentials are a secret that the container has."""
    (job,) = load(CONFIG / "prometheus" / "prometheus.yml")["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["front:9000"]}]
    secret = Path(job["authorization"]["credentials_file"]).name
    assert secret in compose["services"]["prometheus"]["secrets"]


def test_grafana_reads_from_the_prometheus_of_compose() -> None:
    """The provisioned source points at the service next door."""
    (source,) = load(CONFIG / "grafana" / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["isDefault"] is True

"""What can be said of the dashboard without asking anybody. Its queries: tests/system/test_dashboard.py."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.monitoring.shipped import CONFIG, DASHBOARD, dashboard, metrics_of, panel_queries, panels, rules

ROOT = CONFIG.parent
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}

BEYOND_THE_SCHEMA = {"definition", "step", "titleFormat", "textFormat", "tagKeys", "useValueForTime"}
"""What Grafana's classes leave out: how it shows a variable's query, and what only its source for Prometheus knows."""


def losses(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Where something of ours is missing or different in theirs, which may have more."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from losses(value, theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from losses(one, other, f"{place}[{number}]")
    elif ours != theirs:
        yield place


def through_grafanas_classes(drawn: Any) -> list[str]:
    """What is lost of a dashboard when Grafana's own classes read it and write it again."""
    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(drawn), cls=JSONEncoder))
    return list(losses(drawn, again))


def test_grafanas_own_classes_know_all_of_it() -> None:
    """A misspelt key or a value of the wrong kind would not come back from them."""
    unknown = {place.rpartition(".")[2] for place in through_grafanas_classes(dashboard())}
    assert unknown == BEYOND_THE_SCHEMA


def test_a_misspelt_key_would_be_noticed() -> None:
    """Deep inside of a panel."""
    drawn = dashboard()
    drawn["panels"][1]["options"]["graphmode"] = "none"
    drawn["panels"][3]["fieldConfig"]["defaults"]["units"] = "s"
    found = [place for place in through_grafanas_classes(drawn) if place.startswith(".panels")]
    assert found == [".panels[1].options.graphmode", ".panels[3].fieldConfig.defaults.units"]


def test_the_json_is_what_its_source_says() -> None:
    """Whoever changes one of the two changes the other."""
    drawing = subprocess.run([sys.executable, ROOT / "scripts" / "draw-dashboard", "--check"], capture_output=True)
    assert drawing.returncode == 0, drawing.stderr


def test_no_two_panels_are_the_same_or_lie_upon_each_other() -> None:
    """Each has a number, a title and a place of its own, within the 24 columns."""
    every = dashboard()["panels"]
    assert len({panel["id"] for panel in every}) == len({panel["title"] for panel in every}) == len(every)
    places = [(p["x"], p["y"], p["x"] + p["w"], p["y"] + p["h"]) for p in (panel["gridPos"] for panel in every)]
    assert all(0 <= left < right <= 24 for left, _, right, _ in places)
    for one, other in itertools.combinations(places, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1], (one, other)


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_every_panel_explains_itself_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    """A sentence, a unit, and the data source that is chosen above, for all of its queries."""
    assert re.search(r"\w.*\.$", panel["description"]), "a sentence"
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == PROMETHEUS
    assert all(target["datasource"] == PROMETHEUS for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_blue_is_blue_and_green_is_green(panel: dict[str, Any]) -> None:
    """Series that are called blue or green are drawn so, and nothing else is."""
    drawn = [(each["matcher"]["options"], each["properties"][0]["value"]) for each in panel["fieldConfig"]["overrides"]]
    colored = panel["type"] in ("timeseries", "stat", "bargauge")
    for legend in (target["legendFormat"] for target in panel["targets"]):
        for color in ("blue", "green"):
            name = legend.replace("{{color}}", color) if legend.startswith("{{color}}") else legend
            ours = [value for pattern, value in drawn if re.search(pattern.strip("/"), name)]
            if colored and name.startswith(color):
                assert [value["fixedColor"].rpartition("-")[2] for value in ours] == [color]
    plain = panel["fieldConfig"]["defaults"].get("color", {}).get("fixedColor", "")
    assert not plain.endswith(("blue", "green"))


def test_links_lead_to_panels_that_are_there() -> None:
    """By their number, which changes when a panel is put before them."""
    numbers = {str(panel["id"]) for panel in panels()}
    linked = [re.findall(r"viewPanel=(\d+)", link["url"]) for panel in panels() for link in panel["links"]]
    assert linked
    assert {number for found in linked for number in found} <= numbers


def test_what_was_recorded_is_asked_for_only_if_a_rule_records_it() -> None:
    """The dashboard is of use without the rules, but for the panel of alerts."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for query in panel_queries() for name in metrics_of(query.expression) if ":" in name}
    assert asked <= recorded


def test_grafana_finds_the_dashboard_where_compose_mounts_it() -> None:
    """The folder of the provider, and the file that is shown first."""
    (provider,) = yaml.safe_load((CONFIG / "grafana/provisioning/dashboards/bluegreen.yaml").read_text())["providers"]
    grafana = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]["grafana"]
    mounted = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    folder = Path(provider["options"]["path"])
    assert CONFIG / mounted_from(mounted, folder) == DASHBOARD.parent
    first = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (first.parent, first.name) == (folder, DASHBOARD.name)


def mounted_from(mounted: dict[str, str], target: Path) -> str:
    """What compose mounts at a place of the container."""
    (source,) = [source for source, place in mounted.items() if Path(place) == target]
    return source


def test_nobody_can_log_in_to_the_grafana_of_compose() -> None:
    """Who looks needs no password, and there is no account that has a known one."""
    environment = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]["grafana"]["environment"]
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"

"""What is shipped for Prometheus and Grafana, as tests read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[2] / "config"
RULES = sorted((CONFIG / "prometheus" / "rules").glob("*.yml"))
DASHBOARD = CONFIG / "grafana" / "dashboards" / "bluegreen.json"

CHOSEN = {"job": "bluegreen", "instance": ".*", "service": "default", "__rate_interval": "2s", "__interval": "500ms"}
"""What Grafana puts in the place of variables, for a Prometheus that scrapes four times a second."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of the dashboard, with nothing left for Grafana to fill in."""

    name: str
    expression: str
    value_is_time: bool = False


def dashboard() -> Any:
    """The dashboard as Grafana gets it."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def panels() -> list[dict[str, Any]]:
    """Its panels, without the titles of rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def panel_queries() -> Iterator[Query]:
    """The queries of all panels; their names are titles and legends."""
    for panel in panels():
        for target in panel["targets"]:
            yield Query(f"{panel['title']}: {target['legendFormat']}", chosen(target["expr"]))


def annotation_queries() -> Iterator[Query]:
    """The queries of all annotations."""
    for each in dashboard()["annotations"]["list"]:
        yield Query(each["name"], chosen(each["expr"]), each["useValueForTime"])


def label_values() -> Iterator[tuple[str, str]]:
    """For every variable that asks Prometheus: the selector and the label."""
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert asked is not None, variable
            yield chosen(asked[1]), asked[2]


def chosen(query: str) -> str:
    """A query with its variables filled in; an unknown one is an error."""
    return re.sub(r"\$(\w+)", lambda found: CHOSEN[found[1]], query)


def rules() -> list[dict[str, Any]]:
    """Every recording and alert rule."""
    return [rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Every alert rule; some names stand there twice, once for each color."""
    return [rule for rule in rules() if "alert" in rule]


def metrics_of(expression: str) -> set[str]:
    """The names of ours in a query, recorded ones too."""
    return set(re.findall(r"(?<![\w:])(?:\w+:)?bluegreen_\w+(?::\w+)?", expression))

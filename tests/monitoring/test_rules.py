"""The rules for Prometheus: that it takes them, and what they make of made-up numbers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.shipped import CONFIG, RULES, alerts, metrics_of, rules
from tests.tools import require_tool

FOLDER = CONFIG / "prometheus"
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
PAGE = (CONFIG.parent / "docs" / "grafana.md").read_text(encoding="utf-8")

NAMES = sorted({alert["alert"] for alert in alerts()})


def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Its exit code, and what it said."""
    command = [require_tool("promtool", package="prometheus"), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.returncode, answer.stdout + answer.stderr


def cases(alert: str) -> list[dict[str, Any]]:
    """What the promtool tests expect of an alert."""
    written = [test for file in TESTS for test in yaml.safe_load(file.read_text())["tests"]]
    return [case for test in written for case in test["alert_rule_test"] if case["alertname"] == alert]


def test_promtool_accepts_the_rules() -> None:
    """Every expression and template can be read."""
    code, said = promtool("check", "rules", *RULES)
    assert (code, "FAILED" in said) == (0, False), said


@pytest.mark.parametrize("name", ["prometheus.yml", "host.yml"])
def test_both_configs_find_the_rules(name: str) -> None:
    """The one of compose and the one for a machine without containers."""
    code, said = promtool("check", "config", "--syntax-only", FOLDER / name)  # the token is in the container alone
    assert code == 0, said
    config = yaml.safe_load((FOLDER / name).read_text())
    assert sorted(path for pattern in config["rule_files"] for path in FOLDER.glob(pattern)) == RULES


def test_the_rules_do_what_their_tests_say() -> None:
    """With labels, sentences and the time they take."""
    code, said = promtool("test", "rules", *TESTS)
    assert code == 0, said


@pytest.mark.parametrize("alert", NAMES)
def test_every_alert_is_seen_to_fire_and_not_to_fire(alert: str) -> None:
    """In the tests for promtool."""
    fires = {bool(case["exp_alerts"]) for case in cases(alert)}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_how_bad_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    """A severity, two sentences, and a part of the docs of its own."""
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert["annotations"].keys() == {"summary", "description", "runbook"}
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert (page, anchor) == ("docs/grafana.md", alert["alert"].lower())
    (section,) = re.findall(rf"^#+ {alert['alert']}\n\n(.+)$", PAGE, re.MULTILINE)
    assert section


def test_the_docs_have_no_alert_that_is_none() -> None:
    """Headings of alerts are names of alerts."""
    assert set(re.findall(r"^#+ (Bluegreen\w+)$", PAGE, re.MULTILINE)) == set(NAMES)


def test_rules_use_no_recorded_name_that_nobody_records() -> None:
    """A misspelt one would be an alert that never fires."""
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for rule in rules() for name in metrics_of(rule["expr"]) if ":" in name}
    assert used <= recorded

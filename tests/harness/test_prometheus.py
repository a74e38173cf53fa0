from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.harness.prometheus import Prometheus, prometheus

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def watcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One that scrapes nothing but knows a rule."""
    rules = Path(tmp_path_factory.mktemp("rules"), "rules.yml")
    group = {"name": "of-a-test", "rules": [{"record": "answer", "expr": "vector(42)"}]}
    rules.write_text(yaml.safe_dump({"groups": [group]}))
    with prometheus([], rule_files=[rules]) as running:
        yield running


def test_it_answers_queries_once_the_block_begins(watcher: Prometheus) -> None:
    """Vectors, scalars and ranges come as labels and numbers."""
    now = time.time()

    assert watcher.query("vector(1) + 1") == [({}, 2.0)]
    assert watcher.value("7") == 7.0
    assert watcher.query_range("vector(3)", start=now - 2, end=now, step=1)[0][1][0][1] == 3.0


def test_it_knows_the_rules_that_it_was_given(watcher: Prometheus) -> None:
    """A rule file given to the harness is loaded, and its rules are told."""
    assert [rule["name"] for rule in watcher.rules()] == ["answer"]


def test_what_it_refuses_is_an_error_with_its_words(watcher: Prometheus) -> None:
    """A query that cannot be parsed does not look like one without data."""
    with pytest.raises(ValueError, match="parse error"):
        watcher.query("sum(")


def test_a_config_that_it_does_not_take_fails_at_once() -> None:
    """Nobody waits for a Prometheus that has ended, and its own words tell why."""
    with pytest.raises(RuntimeError, match="no_such_key"), prometheus({"no_such_key": 1}):
        pass

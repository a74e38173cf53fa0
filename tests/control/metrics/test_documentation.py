from __future__ import annotations

import re
from pathlib import Path

from tests.control.metrics.snapshots import busy, told

TEXT = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")

ROW = re.compile(r"^\| `(bluegreen_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|", re.MULTILINE)


def documented() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Type and labels of every metric, as the page has them."""
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(TEXT)}


def test_the_page_has_every_metric_as_it_is_told_and_no_other() -> None:
    """Names, types and labels, in both directions."""
    rendered = {}
    for name, family in told(busy()).items():
        labels = {tuple(key for key in sample.labels if key != "le") for sample in family.samples}
        assert len(labels) == 1, name
        rendered[name] = (family.type, *labels)
    assert documented() == rendered


def test_every_name_in_the_text_is_a_metric() -> None:
    """Nobody looks for what is not there."""
    assert set(re.findall(r"bluegreen_\w+", TEXT)) <= documented().keys()

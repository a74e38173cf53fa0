from __future__ import annotations

import pytest

from benchmarks.peers import musts, report
from benchmarks.peers.figures import absolute, added, against_marks, against_own, summary
from benchmarks.peers.trials import Sample

ABOUT = {"rounds": 2, "seconds": 1.0, "date": "", "machine": "", "busy_before": 0.0, "pythons": {}, "versions": {}}


def rounds(scenario: str, proxy: str, *values: float, figure: str = "us") -> list[Sample]:
    """One proxy's values of a figure, a round each."""
    return [Sample(scenario, proxy, number, {figure: value}) for number, value in enumerate(values)]


def test_a_ratio_is_to_the_cheaper_mark_of_the_same_round() -> None:
    """Which of the marks that is may change from round to round; a drift of all of them does not show."""
    samples = rounds("small", "nginx", 20, 80) + rounds("small", "haproxy", 25, 50) + rounds("small", "us", 30, 100)
    assert against_marks("small", "us")(samples, "us") == [1.5, 2.0]
    assert against_marks("small", "us")(samples, "nginx") == [1.0, 1.6]


def test_one_mark_is_enough_and_none_gives_no_ratio() -> None:
    """A selection of proxies cannot make a ratio to something that was not measured."""
    mine = rounds("small", "us", 30)
    assert against_marks("small", "us")(mine + rounds("small", "haproxy", 20), "us") == [1.5]
    assert against_marks("small", "us")(mine + rounds("close", "haproxy", 20), "us") == []


def test_scenarios_of_one_proxy_are_compared_round_by_round() -> None:
    """What a log adds, and what many upstreams cost, comes from pairs; a round without a pair is left out."""
    samples = rounds("off", "us", 40, 50) + rounds("on", "us", 42, 55, 90)
    assert added("on", "off", "us")(samples, "us") == [2, 5]
    assert against_own("on", "off", "us")(samples, "us") == pytest.approx([1.05, 1.1])
    assert absolute("on", "us")(samples, "us") == [42, 55, 90]


def test_a_summary_has_the_median_between_the_least_and_the_most() -> None:
    """The order of the rounds does not matter, and a figure that nobody measured is a dash."""
    assert summary([3.0, 1.0, 2.0]) == "2.00 (1.00, 3.00)"
    assert summary([]) == "-"


@pytest.mark.parametrize(
    ("kib", "verdict"), [(3.0, "3.00 KiB: goal met"), (8.0, "8.00 KiB: met"), (8.01, "8.01 KiB: **not met**")]
)
def test_a_bound_is_met_up_to_its_value(kib: float, verdict: str) -> None:
    """The last table says of each bound whether it is met, and of one that was not measured just that."""
    lines = list(musts.table(rounds("idle", "bluegreen", kib, figure="kib"), ["bluegreen"]))
    assert f"| memory per idle keep-alive connection | 8 KiB | 3 KiB | {verdict} | - | - |" in lines
    assert sum("not measured" in line for line in lines) == len(musts.MUSTS) - 1


def test_the_report_shows_what_was_measured_and_no_empty_tables() -> None:
    """A scenario has one row for each proxy; groups that were not asked for have no heading."""
    samples = rounds("small", "nginx", 20, 20) + rounds("small", "bluegreen", 25, 27)
    lines = list(report.markdown(samples, ["bluegreen"], ABOUT))
    assert "| small | bluegreen | 26.0 | 1.30 (1.25, 1.35) | - | - | - |" in lines
    assert [line for line in lines if line.startswith("## ")] == ["## Requests", "## What it must cost at most"]

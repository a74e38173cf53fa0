"""The arithmetic of the report: pure functions from samples to one value for each round.

Absolute figures drift with the machine's mood; what holds is a ratio to what was measured in the same round.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from benchmarks.peers.proxies import MARKS
from benchmarks.peers.trials import Sample

Values = list[float]
Derive = Callable[[Sequence[Sample], str], Values]
"""One value for each round, of one proxy; none if it was not measured."""


def absolute(scenario: str, figure: str) -> Derive:
    """The figure as it was measured."""

    def derive(samples: Sequence[Sample], proxy: str) -> Values:
        return list(_rounds(samples, scenario, proxy, figure).values())

    return derive


def against_marks(scenario: str, figure: str) -> Derive:
    """The figure's ratio to the lower one of the marks (nginx and HAProxy) of the same round."""

    def derive(samples: Sequence[Sample], proxy: str) -> Values:
        marks = [_rounds(samples, scenario, mark, figure) for mark in MARKS]
        found = []
        for number, value in _rounds(samples, scenario, proxy, figure).items():
            lowest = min((mark[number] for mark in marks if number in mark), default=0.0)
            if lowest > 0:
                found.append(value / lowest)
        return found

    return derive


def against_own(scenario: str, other: str, figure: str) -> Derive:
    """The figure's ratio to the same proxy's in another scenario of the same round."""
    return _pairwise(scenario, other, figure, lambda value, base: value / base)


def added(scenario: str, other: str, figure: str) -> Derive:
    """What the figure has more than in another scenario of the same proxy and round."""
    return _pairwise(scenario, other, figure, lambda value, base: value - base)


def summary(values: Values, form: str = ".2f") -> str:
    """Median, least and most: ``1.10 (1.05, 1.20)``."""
    if not values:
        return "-"
    return f"{statistics.median(values):{form}} ({min(values):{form}}, {max(values):{form}})"


def middle(values: Values, form: str) -> str:
    """The median alone."""
    return f"{statistics.median(values):{form}}" if values else "-"


def proxies_of(samples: Iterable[Sample], scenario: str) -> list[str]:
    """Who was measured in a scenario, in order of appearance."""
    return list(dict.fromkeys(sample.proxy for sample in samples if sample.scenario == scenario))


def _pairwise(scenario: str, other: str, figure: str, join: Callable[[float, float], float]) -> Derive:
    def derive(samples: Sequence[Sample], proxy: str) -> Values:
        base = _rounds(samples, other, proxy, figure)
        own = _rounds(samples, scenario, proxy, figure)
        return [join(value, base[number]) for number, value in own.items() if number in base]

    return derive


def _rounds(samples: Sequence[Sample], scenario: str, proxy: str, figure: str) -> dict[int, float]:
    return {
        sample.round: sample.figures[figure]
        for sample in samples
        if (sample.scenario, sample.proxy) == (scenario, proxy) and figure in sample.figures
    }

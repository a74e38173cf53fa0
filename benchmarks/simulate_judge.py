"""How often the judge raises a false alarm, and how long it takes to see what is worse. Writes results/judge.md.

Run: python benchmarks/simulate_judge.py [--shifts 13000] [--trials 16] [--seed 1] [--processes 2]
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import multiprocessing.pool
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.simulated import ALONE, BEFORE, BOUNDS, LOOKS, PATTERNS, Behavior, Moment, latencies, samples
from proxy.traffic.judge.judge import Judge
from proxy.traffic.judge.names import colors
from proxy.traffic.judge.tallies import together
from proxy.traffic.judge.warm import WarmJudge
from proxy.traffic.judgement import Finding, JudgeRule, Sample, Tally
from proxy.traffic.spec import Color

RESULT = Path(__file__).parent / "results" / "judge.md"
SHARE = 0.1
ONE_OF_SIX = 1 / 6
"""What one updated server of six has."""
RATES = (10, 100, 500, 5_000)
MOST = {10: 600, 100: 300, 500: 120, 5_000: 20}
"""Seconds for which a regression is waited for, by requests a second."""
NORMAL = latencies()


@dataclass(frozen=True, slots=True)
class Regression:
    name: str
    old: Behavior
    new: Behavior


def _errors(base: float, more: float) -> Regression:
    worse = min(1.0, base + more)
    name = f"5xx {100 * base:g} % -> {100 * worse:g} %"
    return Regression(name, Behavior(base, 0.0, NORMAL), Behavior(worse, 0.0, NORMAL))


def _slower(times: float, tail: float) -> Regression:
    name = f"{'slowest ' + format(100 * tail, 'g') + ' %' if tail else 'all'} {times:g} times slower"
    return Regression(name, Behavior(0.001, 0.0, NORMAL), Behavior(0.001, 0.0, latencies(slow=times, tail=tail)))


REGRESSIONS = (
    *(_errors(base, more) for base in (0.0, 0.001, 0.01, 0.05) for more in (0.005, 0.01, 0.02, 0.05, 0.2, 1.0)),
    *(_slower(times, tail) for tail in (0.0, 0.05) for times in (1.5, 2.0, 3.0, 10.0)),
    Regression("5 % of attempts refused, retried", Behavior(0.001, 0.0, NORMAL), Behavior(0.001, 0.05, NORMAL)),
    Regression("all connections refused", Behavior(0.001, 0.0, NORMAL), Behavior(0.001, 1.0, NORMAL)),
)


ROLLED = (
    *(_errors(0.001, more) for more in (0.01, 0.02, 0.05, 0.2, 1.0)),
    _errors(0.01, 0.02),
    _slower(2.0, 0.0),
    _slower(3.0, 0.05),
    *REGRESSIONS[-2:],
)
"""Those that are looked for among the servers of a pool."""


def false_alarm(pattern: str, seed: int) -> tuple[bool, int]:
    """Whether a shift between colors that are alike ends in an alarm, and how often it was looked at."""
    random, looks = Random(f"{pattern} {seed}"), 0
    shown = samples(random, PATTERNS[pattern](random))
    judge = _judge(pattern, shown)
    for sample in shown:
        judge.observe(sample)
        looks += 1
        if judge.worst() is not None:
            return True, looks
    return False, looks


def _judge(pattern: str, shown: Iterator[Sample]) -> Judge | WarmJudge:
    """One that has seen the minute before, where that is what the pattern is about."""
    if pattern not in (BEFORE, *ALONE):
        return Judge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN))
    old = new = Tally()
    for sample in itertools.islice(shown, LOOKS * 60):
        old, new = together(old, sample.old), together(new, sample.new)
    if pattern == BEFORE:
        return Judge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN), before=Sample(old, new))
    return WarmJudge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN), baseline=old)


@dataclass(frozen=True, slots=True)
class Trial:
    """One regression found or missed."""

    found: bool
    passed: bool
    """Whether it was let pass at some look before."""
    seconds: float
    requests: int


def trial(regression: Regression, rate: int, seed: int, share: float = SHARE) -> Trial:
    """Watch who has a share of the requests and is worse from the first one on."""
    random = Random(f"{regression.name} {rate} {seed}")
    judge, passed = Judge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN)), False
    moment = Moment(rate / LOOKS, share, regression.old, regression.new)
    for look, sample in enumerate(samples(random, _for_ever(moment)), start=1):
        judge.observe(sample)
        verdict = judge.verdict()
        passed = passed or verdict.finding is Finding.PASS
        if verdict.finding is Finding.FAIL or look >= MOST[rate] * LOOKS:
            return Trial(verdict.finding is Finding.FAIL, passed, look / LOOKS, verdict.requests)
    raise AssertionError("moments never end")


def _for_ever(moment: Moment) -> Iterator[Moment]:
    while True:
        yield moment


def _alarms(job: tuple[str, Sequence[int]]) -> tuple[str, int, int, int]:
    pattern, seeds = job
    outcomes = [false_alarm(pattern, seed) for seed in seeds]
    return pattern, len(outcomes), sum(alarm for alarm, _ in outcomes), sum(looks for _, looks in outcomes)


def _alarm_table(pool: multiprocessing.pool.Pool, shifts: int, seed: int) -> list[str]:
    each = max(1, shifts // len(PATTERNS))
    jobs = [(name, range(seed + first, seed + min(first + 25, each)))
            for name in PATTERNS for first in range(0, each, 25)]  # fmt: skip
    results = list(pool.imap_unordered(_alarms, jobs))
    lines = ["| pattern | shifts | looks | false alarms |", "| --- | --- | --- | --- |"]
    for name in (*PATTERNS, "all"):
        mine = [result for result in results if name in (result[0], "all")]
        count, alarms, looks = (sum(numbers) for numbers in zip(*(result[1:] for result in mine), strict=True))
        lines.append(f"| {name} | {count:,} | {looks:,} | {alarms} ({100 * alarms / count:.2f} %) |")
    return lines


def _cell(trials: Sequence[Trial]) -> str:
    found = sorted(one.seconds for one in trials if one.found)
    missed, passed = len(trials) - len(found), sum(one.passed for one in trials)
    words = f"{statistics.median(found):.1f} / {found[math.ceil(0.95 * len(found)) - 1]:.1f}" if found else "-"
    return (
        words
        + (f", {100 * missed / len(trials):.0f} % missed" if missed else "")
        + (f", {100 * passed / len(trials):.0f} % passed" if passed else "")
    )


def _found_table(
    pool: multiprocessing.pool.Pool, regressions: Sequence[Regression], trials: int, share: float
) -> list[str]:
    lines = [
        "| regression | " + " | ".join(f"{rate:,}/s" for rate in RATES) + " |",
        "| --- |" + " --- |" * len(RATES),
    ]
    for regression in regressions:
        cells = []
        for rate in RATES:
            seeds = range(trials if rate < 5_000 else max(1, trials // 4))
            cells.append(_cell(pool.map(partial(trial, regression, rate, share=share), seeds, chunksize=2)))
        lines.append(f"| {regression.name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def _legend(trials: int) -> str:
    waits = ", ".join(f"{MOST[rate]} s at {rate:,}/s" for rate in RATES)
    return (
        "Seconds from the first request: median / 95th percentile of those that were found. *Missed*: no alarm within "
        f"{waits}. *Passed*: the verdict was a pass at some look before. {trials} trials each, a quarter of that at "
        "5,000/s."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shifts", type=int, default=13_000)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with multiprocessing.Pool(options.processes) as pool:
        alarms = _alarm_table(pool, options.shifts, options.seed)
        print("\n".join(alarms), flush=True)
        found = _found_table(pool, REGRESSIONS, options.trials, SHARE)
        rolled = _found_table(pool, ROLLED, options.trials, ONE_OF_SIX)
    command = (
        f"python benchmarks/simulate_judge.py --shifts {options.shifts} --trials {options.trials} --seed {options.seed}"
    )
    lines = [
        "# The judge, simulated",
        "",
        f"`{command}`, default rule, a look every quarter of a second.",
        "",
        "## False alarms: both colors are alike",
        "",
        *alarms,
        "",
        f"## Time to detect, the new color having {SHARE:.0%} of the requests",
        "",
        _legend(options.trials),
        "",
        *found,
        "",
        "## The same with one updated server of six, against the five others",
        "",
        *rolled,
    ]
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

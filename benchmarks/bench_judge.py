"""What a sample and a verdict cost the judge, against the traffic: both colors have half, and do the same.

Run: python benchmarks/bench_judge.py
"""

from __future__ import annotations

import time

from benchmarks.simulated import BOUNDS, LOOKS, latencies
from proxy.traffic.judge.judge import Judge
from proxy.traffic.judge.names import colors
from proxy.traffic.judgement import JudgeRule, Sample, Tally
from proxy.traffic.spec import Color

SAMPLES = 100
RULE = JudgeRule(max_errors=0.5, max_latency=1.0)
SHARES = latencies()


def tally(requests: int, errors: float) -> Tally:
    buckets = [round(requests * (b - a)) for a, b in zip((0.0, *SHARES), SHARES, strict=False)]
    return Tally(requests, round(requests * errors), round(requests * errors / 2), tuple(buckets))


def measure(rate: int, errors: float) -> tuple[float, float]:
    """Microseconds of CPU for a sample and for a verdict."""
    judge, spent = Judge(RULE, BOUNDS, sides=colors(Color.GREEN)), [0.0, 0.0]
    half = tally(max(1, rate // LOOKS // 2), errors)
    for _ in range(SAMPLES):
        begun = time.process_time()
        judge.observe(Sample(half, half))
        observed = time.process_time()
        judge.verdict()
        spent = [spent[0] + observed - begun, spent[1] + time.process_time() - observed]
    return 1e6 * spent[0] / SAMPLES, 1e6 * spent[1] / SAMPLES


def main() -> None:
    print("| requests a second | errors | us a sample | us a verdict | of a CPU, four a second |")
    print("| --- | --- | --- | --- | --- |")
    for rate in (10, 500, 5_000, 50_000):
        for errors in (0.001, 0.2):
            sample, verdict = measure(rate, errors)
            cpu = (sample + verdict) * LOOKS / 1e6
            print(f"| {rate:,} | {errors:.1%} | {sample:.0f} | {verdict:.0f} | {cpu:.2%} |")


if __name__ == "__main__":
    main()

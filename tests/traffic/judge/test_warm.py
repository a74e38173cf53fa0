from __future__ import annotations

from proxy.traffic.judge.names import FORMER, Sides, colors
from proxy.traffic.judge.warm import WarmJudge
from proxy.traffic.judgement import Finding, JudgeRule, Sample, Tally, Verdict
from proxy.traffic.spec import Color

BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
BASELINE = Tally(10_000, 20, 10, (6_000, 3_000, 800, 200, 0, 0, 0, 0))


GREEN = colors(Color.GREEN)


def after(
    green: Tally,
    times: int = 50,
    rule: JudgeRule | None = None,
    baseline: Tally | None = BASELINE,
    sides: Sides = GREEN,
) -> Verdict:
    """What is said when green has done the same so many times, or as soon as it fails."""
    judge = WarmJudge(rule or JudgeRule(), BOUNDS, sides=sides, baseline=baseline)
    for _ in range(times):
        judge.observe(Sample(Tally(), green))
        judge.observe(Sample(Tally(), Tally(1_000, 1_000), "/a/route"))
        if judge.verdict().finding is Finding.FAIL:
            break
    return judge.verdict()


def test_a_color_that_does_as_the_other_did_passes() -> None:
    """Also if it is a little worse, within what the rule allows."""
    found = after(Tally(1_000, 4, 1, (600, 300, 80, 20, 0, 0, 0, 0)))
    assert found == Verdict(Finding.PASS, "green is no worse than blue was, after 50,000 requests", 50_000)


def test_more_errors_than_the_other_had_are_told() -> None:
    """With what it had."""
    found = after(Tally(100, 3, 0, (60, 30, 8, 2, 0, 0, 0, 0)))
    assert found.finding is Finding.FAIL
    assert found.words.startswith("green answers 3 % with 5xx against the 0.2 % that blue had; 99.9 % sure after ")


def test_the_last_requests_of_the_old_color_excuse_nothing() -> None:
    """Some end after all the traffic has moved, and are too few to say that it is no better."""
    judge = WarmJudge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN), baseline=BASELINE)
    green = Tally(100, 10, 0, (60, 30, 8, 2, 0, 0, 0, 0))
    judge.observe(Sample(Tally(8, 0, 0, (8, 0, 0, 0, 0, 0, 0, 0)), green))
    for _ in range(9):
        judge.observe(Sample(Tally(), green))
    assert judge.verdict().finding is Finding.FAIL


def test_more_failed_attempts_are_told() -> None:
    """Retries hide them from clients."""
    found = after(Tally(100, 0, 25, (60, 30, 8, 2, 0, 0, 0, 0)))
    assert found.words.startswith("20 % of green's attempts fail against the 0.1 % of blue; 99.9")


def test_a_slower_median_and_a_slower_tail_are_told() -> None:
    """Each with the time that too many take longer than, and what the other color took."""
    found = after(Tally(100, 0, 0, (0, 0, 90, 8, 2, 0, 0, 0)))
    assert found.words.startswith("100 % of green's answers take longer than 20 ms; blue's median was 8.3 ms; 99.9")
    found = after(Tally(100, 0, 0, (60, 30, 2, 1, 0, 7, 0, 0)))
    assert found.words.startswith("7 % of green's answers take longer than 160 ms; blue's p99 was 60 ms; 99.9")


def test_what_stands_still_for_a_moment_is_not_condemned() -> None:
    """However many requests it delays, for which three seconds are one event; ten seconds and more are a slow color."""
    judge = WarmJudge(JudgeRule(), BOUNDS, sides=GREEN, baseline=BASELINE)
    usual, still = (Tally(1_000, 0, 0, latency) for latency in ((600, 300, 80, 20, 0, 0, 0, 0), (0,) * 7 + (1_000,)))
    for green, looks in ((usual, 80), (still, 12), (usual, 80)):
        for _ in range(looks):
            judge.observe(Sample(Tally(), green))
            assert judge.verdict().finding is not Finding.FAIL
    assert after(still, 40).words.startswith("100 % of green's answers take longer than ")


def test_without_a_baseline_only_absolute_limits_are_left() -> None:
    """And without those there is nothing to say."""
    bad = Tally(100, 50, 50, (0, 0, 0, 0, 0, 0, 0, 100))
    found = after(bad, baseline=None)
    assert found == Verdict(Finding.INCONCLUSIVE, "nothing is known that green could be compared with", 5_000)
    found = after(bad, rule=JudgeRule(max_errors=0.05), baseline=None)
    assert found.words.startswith("green answers 50 % with 5xx, above the limit of 5 %; 99.9")


def test_what_the_other_color_exceeded_already_is_no_limit() -> None:
    """It had 0.2 %."""
    found = after(Tally(1_000, 4, 0, (600, 300, 80, 20, 0, 0, 0, 0)), rule=JudgeRule(max_errors=0.001))
    assert found.finding is Finding.PASS


def test_it_takes_some_requests_here_too() -> None:
    """The number is told, as during the shift."""
    assert after(Tally(), 5).words == "0 of 100 requests seen; green needs about 100 more"
    found = after(Tally(200, 0, 0, (120, 60, 16, 4, 0, 0, 0, 0)), 1)
    assert found.finding is Finding.INCONCLUSIVE
    assert found.words.startswith("too early to tell after 200 requests; green needs about ")


def test_what_was_bad_before_the_shift_is_not_held_against_it_after() -> None:
    """Green had 3 % of errors and a slow tail when blue still had traffic."""
    bad = Tally(100, 3, 0, (60, 30, 2, 1, 0, 7, 0, 0))
    before = Sample(BASELINE, Tally(1_000, 30, 0, (600, 300, 20, 10, 0, 70, 0, 0)))
    judge = WarmJudge(JudgeRule(), BOUNDS, sides=colors(Color.GREEN), baseline=BASELINE, before=before)
    for _ in range(100):
        judge.observe(Sample(Tally(), bad))
        assert judge.verdict().finding is not Finding.FAIL


def test_a_baseline_with_other_buckets_is_used_for_what_it_still_tells() -> None:
    """It may have been kept by another version of the program."""
    old = Tally(10_000, 20, 10, (9_000, 1_000))
    assert after(Tally(100, 0, 0, (0, 0, 0, 0, 0, 0, 0, 100)), baseline=old).finding is Finding.PASS
    assert after(Tally(100, 5, 0, (100, 0, 0, 0, 0, 0, 0, 0)), baseline=old).finding is Finding.FAIL


def test_updated_servers_are_compared_with_what_the_old_ones_did() -> None:
    """Each kind of sentence is one in the plural, too."""
    said = [
        after(each, sides=FORMER).words
        for each in (
            Tally(1_000, 4, 1, (600, 300, 80, 20, 0, 0, 0, 0)),
            Tally(100, 3, 0, (60, 30, 8, 2, 0, 0, 0, 0)),
            Tally(100, 0, 25, (60, 30, 8, 2, 0, 0, 0, 0)),
            Tally(100, 0, 0, (0, 0, 90, 8, 2, 0, 0, 0)),
        )
    ]
    for words, begin in zip(
        said,
        (
            "the updated servers are no worse than the old ones were, after 50,000 requests",
            "the updated servers answer 3 % with 5xx against the 0.2 % that the old ones had; 99.9",
            "20 % of the updated servers' attempts fail against the 0.1 % of the old ones; 99.9",
            "100 % of the updated servers' answers take longer than 20 ms; the old ones' median was 8.3 ms; 99.9",
        ),
        strict=True,
    ):
        assert words.startswith(begin)
    nothing = after(Tally(100), sides=FORMER, baseline=None).words
    assert nothing == "nothing is known that the updated servers could be compared with"

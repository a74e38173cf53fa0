from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.traffic.judge.judge import Judge
from proxy.traffic.judge.names import COHORTS, colors
from proxy.traffic.judgement import Finding, JudgeRule, Sample, Tally, Verdict
from proxy.traffic.spec import Color

BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
FAST = (60, 30, 8, 2, 0, 0, 0, 0)
SLOW = (0, 0, 60, 30, 8, 2, 0, 0)
TAIL = (57, 28, 7, 2, 0, 0, 6, 0)
"""Of a hundred answers each."""


def tally(requests: int, errors: int = 0, failures: int = 0, latency: tuple[int, ...] = FAST) -> Tally:
    """A color's part of a stretch; requests come by the hundred where their latency matters."""
    return Tally(requests, errors, failures, tuple(count * requests // 100 for count in latency))


def judge(rule: JudgeRule | None = None, before: Sample | None = None) -> Judge:
    """One that looks at green."""
    return Judge(rule or JudgeRule(), BOUNDS, sides=colors(Color.GREEN), before=before)


def after(one: Judge, sample: Sample, times: int = 60) -> Verdict:
    """What a judge says when the same has happened so many times, or as soon as it fails."""
    for _ in range(times):
        one.observe(sample)
        if one.verdict().finding is Finding.FAIL:
            break
    return one.verdict()


def test_errors_of_the_new_color_alone_are_told_in_words() -> None:
    """Both shares, how sure it is, and after how many requests."""
    found = after(judge(), Sample(tally(1_000, 2), tally(200, 4)))
    assert found.finding is Finding.FAIL
    assert (
        found.words == f"green answers 2 % with 5xx against blue's 0.2 %; 99.9 % sure after {found.requests:,} requests"
    )
    assert found.requests <= 1_000


def test_failed_attempts_are_told_although_retries_hide_them() -> None:
    """No client has seen an error, and yet half of the upstreams are down."""
    found = after(judge(), Sample(tally(900), tally(100, failures=100)))
    assert found.finding is Finding.FAIL
    assert found.words.startswith("50 % of green's attempts fail against 0 % of blue's; 99.99 % sure after 1")


def test_a_color_that_is_slow_throughout_is_told() -> None:
    """By its median, where the tail is allowed to be."""
    slow = (0, 0, 98, 2, 0, 0, 0, 0)
    found = after(judge(), Sample(tally(900), tally(100, latency=slow)))
    assert found.finding is Finding.FAIL
    assert found.words.startswith("green's median is 30 ms against blue's 8.3 ms; 99.")


def test_a_slow_tail_is_told() -> None:
    """The median is the same, p99 is not."""
    found = after(judge(), Sample(tally(900), tally(100, latency=TAIL)))
    assert found.finding is Finding.FAIL
    assert found.words.startswith("green's p99 is 587 ms against blue's 60 ms; 99.")


def test_two_colors_that_are_alike_pass() -> None:
    """When a difference that matters would have shown; the words sum up what was seen."""
    found = after(judge(), Sample(tally(900, 1), tally(100)), 1)
    assert found == Verdict(
        Finding.INCONCLUSIVE, "too early to tell after 100 requests; green needs about 1,200 more", 100, 1_200
    )
    found = after(judge(), Sample(tally(9_000, 9), tally(1_000, 1)), 3)
    assert found == Verdict(
        Finding.PASS,
        "green is no worse than blue after 3,000 requests: 0.1 % with 5xx against 0.1 %, p99 60 ms against 60 ms",
        3_000,
    )


def test_too_few_requests_say_nothing() -> None:
    """Not even if all of them failed; the number that is missing is told."""
    found = after(judge(), Sample(tally(27), tally(3, 3, 3)), 1)
    assert found == Verdict(Finding.INCONCLUSIVE, "3 of 100 requests seen; green needs about 97 more", 3, 97)
    assert judge().verdict().words == "0 of 100 requests seen; green needs about 100 more"


def test_what_blue_has_too_does_not_count() -> None:
    """However bad it is, as both are."""
    same = Sample(tally(900, 450, 90, SLOW), tally(100, 50, 10, SLOW))
    assert after(judge(JudgeRule(max_errors=0.02, max_latency=0.05)), same, 100).finding is not Finding.FAIL


def test_a_time_of_errors_with_another_split_is_no_difference() -> None:
    """Simpson's case: over the sums green would have 4.6 % against blue's 1.4 %."""
    one = judge()
    after(one, Sample(tally(900, 9), tally(100, 1)))
    found = after(one, Sample(tally(100, 5, latency=SLOW), tally(900, 45, latency=SLOW)))
    assert found.finding is not Finding.FAIL


@pytest.mark.parametrize(
    "bad", [tally(300, 15), tally(300, 0, 15), tally(300, latency=SLOW), tally(300, latency=TAIL)], ids=str
)
def test_what_was_before_does_not_count(bad: Tally) -> None:
    """A green that is as bad as it was is no news; the same green without that past is."""
    good = tally(2_700)
    before = Sample(tally(27_000), Tally(3_000, bad.errors * 10, bad.failures * 10, tally(3_000, latency=()).latency))
    before = replace(before, new=replace(before.new, latency=tuple(10 * count for count in bad.latency)))
    assert after(judge(), Sample(good, bad)).finding is Finding.FAIL
    assert after(judge(before=before), Sample(good, bad), 200).finding is not Finding.FAIL


def test_what_is_worse_than_before_counts() -> None:
    """An excuse for 5 % of errors is none for 15 %, and one for a slow tail is none for all of it."""
    before = Sample(tally(27_000), tally(3_000, 150, latency=TAIL))
    one = judge(before=before)
    assert after(one, Sample(tally(2_700), tally(300, 15, latency=TAIL))).finding is not Finding.FAIL
    assert after(one, Sample(tally(2_700), tally(300, 45, latency=TAIL))).words.startswith("green answers ")
    slower = (0, 0, 0, 0, 0, 0, 100, 0)
    assert after(judge(before=before), Sample(tally(2_700), tally(300, latency=slower))).finding is Finding.FAIL


def test_a_good_beginning_does_not_hide_what_comes_late() -> None:
    """After 40,000 good requests 5 % of errors are seen within 600, although over all it is far below the margin."""
    one = judge()
    good = after(one, Sample(tally(1_800, 2), tally(200)), 200)
    assert good.finding is Finding.PASS
    found = after(one, Sample(tally(1_800, 2), tally(200, 10)), 5)
    assert found.finding is Finding.FAIL
    assert found.requests <= 40_600
    assert found.words.startswith("green answers 5 % with 5xx against blue's 0.11 %")


def test_a_difference_that_does_not_matter_is_let_be() -> None:
    """0.3 points for sure are within the margin of 0.5; so are 0.3 ms, however many times longer that is."""
    found = after(judge(), Sample(tally(9_000, 0), tally(1_000, 3)), 100)
    assert found.finding is Finding.PASS
    quick = Judge(JudgeRule(), (0.0001, 0.0004, 0.001), sides=colors(Color.GREEN))
    assert (
        after(quick, Sample(Tally(900, 0, 0, (900, 0, 0, 0)), Tally(100, 0, 0, (0, 100, 0, 0)))).finding is Finding.PASS
    )


def test_doubt_is_no_pass() -> None:
    """What looks worse keeps the traffic where it is until one can tell."""
    one = judge()
    after(one, Sample(tally(9_000), tally(1_000)), 2)
    found = after(one, Sample(tally(900), tally(100, 4)), 1)
    assert found.finding is Finding.INCONCLUSIVE
    assert found.words.startswith("green answers 4 % with 5xx against blue's 0 % so far; about ")
    assert found.needed is not None


def test_a_route_is_compared_by_itself() -> None:
    """What is 3 % of the traffic drowns in the whole, and is named."""
    one, rule = judge(), JudgeRule(routes=("/pay",))
    watching = judge(rule)
    for _ in range(20):
        for each in (one, watching):
            each.observe(Sample(tally(9_000, 9), tally(1_000, 4)))
            each.observe(Sample(tally(300), tally(30, 3), "/pay"))
            each.observe(Sample(tally(300), tally(30, 30), "/unheard-of"))
    assert one.verdict().finding is not Finding.FAIL
    assert watching.verdict().finding is Finding.FAIL
    assert watching.verdict().words.startswith("green answers 10 % with 5xx against blue's 0 % on /pay; 99.")


def test_a_route_that_nobody_asks_for_does_not_prevent_a_pass() -> None:
    """A pass rests on everything together."""
    found = after(judge(JudgeRule(routes=("/pay",))), Sample(tally(9_000), tally(1_000)), 3)
    assert found.finding is Finding.PASS


def test_absolute_limits_hold_whatever_the_margin() -> None:
    """Even where the margin would allow it."""
    rule = JudgeRule(errors=0.5, latency=1_000.0, max_errors=0.02, max_latency=0.1)
    found = after(judge(rule), Sample(tally(900), tally(100, 10)))
    assert found.words.startswith("green answers 10 % with 5xx, above the limit of 2 %; 99.")
    found = after(judge(rule), Sample(tally(900), tally(100, latency=TAIL)))
    assert found.words.startswith("6 % of green's answers take longer than 160 ms, its p99 is above the limit; 99.")


def test_an_absolute_limit_that_was_exceeded_before_is_none() -> None:
    """The live color had 5 % already."""
    rule = JudgeRule(errors=0.5, latency=1_000.0, max_errors=0.02, max_latency=0.1)
    before = Sample(tally(1_000, 50, latency=TAIL), Tally())
    found = after(judge(rule, before), Sample(tally(900), tally(100, 6, latency=TAIL)))
    assert found.finding is not Finding.FAIL


@pytest.mark.parametrize("missing", ["old", "new"])
def test_one_color_alone_is_no_comparison(missing: str) -> None:
    """Neither before the first request of the new color nor after the last one of the old."""
    sample = Sample(Tally(), tally(1_000, 500)) if missing == "old" else Sample(tally(1_000, 500), Tally())
    found = after(judge(), sample, 30)
    assert found.finding is Finding.INCONCLUSIVE
    if missing == "old":
        assert found.words == "blue has answered nothing that green could be compared with"


def test_three_requests_a_minute_are_gathered() -> None:
    """A sample seldom holds both colors; what they add up to is compared all the same."""
    one, rule = judge(), JudgeRule(min_requests=10)
    one = judge(rule)
    blue, green, none = Sample(tally(1), Tally()), Sample(Tally(), Tally(1, 1, 0, ())), Sample(Tally(), Tally())
    for _ in range(30):
        for sample in (blue, none, none, blue, none, green, none):
            one.observe(sample)
    assert one.verdict().finding is Finding.FAIL


def test_counters_that_jump_back_count_nothing() -> None:
    """A worker that died takes its numbers along; nothing is the worse for it."""
    one = judge()
    one.observe(Sample(Tally(-50, -3, -1, (-1,) * 8), Tally(-900, -1, -2, (-1,) * 8)))
    assert one.verdict().requests == 0
    assert one.baseline() == Tally(0, 0, 0, (0,) * 8)
    assert after(one, Sample(tally(9_000), tally(1_000)), 3).finding is Finding.PASS


def test_the_baseline_is_what_the_old_color_did_meanwhile() -> None:
    """All of it, and nothing of the routes, which are in it already."""
    one = judge(JudgeRule(routes=("/pay",)))
    after(one, Sample(tally(200, 2, 1), tally(100)), 3)
    one.observe(Sample(tally(100), tally(100), "/pay"))
    assert one.baseline() == tally(600, 6, 3)


def test_blue_can_be_the_new_color() -> None:
    """A shift back is judged as well."""
    one = Judge(JudgeRule(), BOUNDS, sides=colors(Color.BLUE))
    assert after(one, Sample(tally(900), tally(100, 10))).words.startswith(
        "blue answers 10 % with 5xx against green's 0 %"
    )


SAMPLES = {
    "{new} answer 3.5 % with 5xx against 0 % of the others; 99.9 % sure after ": Sample(tally(1_000), tally(200, 7)),
    "50 % of {new}' attempts fail against 0 % of the others'; 99.99 % sure after ": Sample(
        tally(900), tally(100, failures=100)
    ),
    "{new}' median is 30 ms against the others' 8.3 ms; 99.": Sample(
        tally(900), tally(100, latency=(0, 0, 98, 2, 0, 0, 0, 0))
    ),
    "{new} answer 3.5 % with 5xx, above the limit of 1 %; ": Sample(tally(0), tally(200, 7)),
    "{new} are no worse than the others after ": Sample(tally(1_000), tally(100)),
    "the others have answered nothing that {new} could be compared with": Sample(tally(0), tally(100)),
    "0 of 100 requests seen; {new} need about 100 more": Sample(tally(100), tally(0)),
}


@pytest.mark.parametrize("words", SAMPLES)
def test_servers_of_one_pool_are_spoken_of_in_the_plural(words: str) -> None:
    """Each kind of sentence is one when updated servers are compared with the others."""
    limit = 0.01 if "limit" in words else None
    one = Judge(JudgeRule(max_errors=limit), BOUNDS, sides=COHORTS)
    assert after(one, SAMPLES[words]).words.startswith(words.format(new="the updated servers"))

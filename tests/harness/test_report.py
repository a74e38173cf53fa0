"""What a report says of samples and marks."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tests.harness.fleet import duplicates
from tests.harness.report import Report, Sample, Switch, Timeline, judge, outside, report_from_json
from tests.harness.wire import Failure

SWITCHES = (Switch("green", begun=10.0, answered=11.0), Switch("blue", begun=20.0, answered=21.0))


def sample(sent: float, answered: float, color: str | None = "blue", failure: Failure | None = None) -> Sample:
    """A request that was sent and answered at these times."""
    return Sample("x-1", "one_shot", sent, sent, answered, answered, color=color, failure=failure)


def judged(*samples: Sample) -> Report:
    """The report on samples taken while ``SWITCHES`` were made, blue being live at first."""
    return judge(samples, timeline=Timeline("blue", SWITCHES))


def test_the_old_color_after_the_answer_is_stale() -> None:
    """Sent once the switch had answered and served by the old color: that is what staleness means."""
    report = judged(sample(11.001, 11.002, "blue"))
    assert len(report.stale) == 1
    assert report.breaches() == ["1 stale"]


def test_the_new_color_before_the_call_is_stale() -> None:
    """A color that nobody has switched to yet is wrong as well."""
    assert len(judged(sample(9.0, 9.9, "green")).stale) == 1


def test_both_colors_are_right_while_a_switch_is_made() -> None:
    """A request that overlaps the call may meet either table, and is not judged."""
    for sent, answered in ((9.9, 10.1), (10.4, 10.6), (10.9, 11.1), (9.0, 12.0)):
        report = judged(sample(sent, answered, "blue"), sample(sent, answered, "green"))
        assert (len(report.stale), report.judged) == (0, 0)


def test_a_later_switch_ends_the_claim_of_an_earlier_one() -> None:
    """Each request is judged by the last switch that had answered before it was sent."""
    report = judged(sample(12.0, 12.1, "green"), sample(22.0, 22.1, "blue"), sample(22.0, 22.1, "green"))
    assert (report.judged, [stale.color for stale in report.stale]) == (3, ["green"])


def test_a_request_longer_than_several_switches_may_have_any_of_their_colors() -> None:
    """What was sent long ago was given its color long ago."""
    assert not judged(sample(9.0, 30.0, "blue"), sample(12.0, 30.0, "green"), sample(12.0, 30.0, "blue")).stale


def test_a_switch_that_never_answered_leaves_both_colors_open() -> None:
    """After a crash nobody knows which table holds, until a later call has answered."""
    timeline = Timeline("blue", [Switch("green", 10.0, None), Switch("green", 20.0, 21.0)])
    assert timeline.allowed(15.0, 16.0) == {"blue", "green"}
    assert timeline.allowed(22.0, 23.0) == {"green"}


def test_nothing_is_judged_without_a_known_color() -> None:
    """With no first color told, only what follows a switch can be stale."""
    report = judge([sample(1.0, 2.0), sample(12.0, 13.0)], timeline=Timeline(None, SWITCHES))
    assert (report.judged, len(report.stale)) == (1, 1)


def test_each_class_of_trouble_is_a_breach_of_its_own_name() -> None:
    """A changed body and a clean close of an idle connection are counted apart from failures, and none is forgotten."""
    troubles = [sample(1.0, 2.0, None, failure) for failure in Failure]
    report = dataclasses.replace(judged(*troubles), duplicates={"POST posts-1": 2})
    assert report.breaches() == [f"{len(Failure) - 2} failed", "1 changed", "1 closed_idle", "1 duplicates"]


def test_a_report_reads_well() -> None:
    """Totals, classes and examples are there to be read when a test fails."""
    report = dataclasses.replace(
        judged(sample(11.5, 11.6), sample(12.0, 13.0, None, Failure.RESET)), duplicates={"POST posts-7": 2}
    )
    text = str(report)
    for part in ("2 requests", "one_shot 2", "1 stale of 1 judged", "reset 1", "delivered 2 times: POST posts-7"):
        assert part in text


def test_a_report_survives_json() -> None:
    """What the load's process prints is what the test gets."""
    report = judged(sample(11.5, 11.6), sample(12.0, 13.0, None, Failure.RESET))
    assert report_from_json(json.loads(json.dumps(dataclasses.asdict(report)))) == report


def test_only_what_overlaps_a_window_is_excused() -> None:
    """A failure before or after a death is none of its doing."""
    during, before, after = sample(1.0, 3.0), sample(0.0, 1.9), sample(2.2, 4.0)
    assert outside([during, before, after], [(2.0, 2.1)]) == (before, after)


def test_a_post_seen_by_two_upstreams_is_a_duplicate(tmp_path: Path) -> None:
    """Journals are read together; a GET may be asked again and does not count."""
    journals = [tmp_path / "b1", tmp_path / "b2", tmp_path / "never-started"]
    journals[0].write_text("POST posts-1\nPOST posts-2\nGET slow-3\n")
    journals[1].write_text("POST posts-2\nGET slow-3\n")
    assert duplicates(journals) == {"POST posts-2": 2}

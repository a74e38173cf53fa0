"""The judge of an operation that moves traffic, while both colors have some."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.traffic.judge.checks import MEDIAN, TAIL, Check, LatencyCheck, ShareCheck
from proxy.traffic.judge.latency import Past, Spread
from proxy.traffic.judge.limits import absolute
from proxy.traffic.judge.names import Sides
from proxy.traffic.judge.tallies import Pool, erroneous, failed, together
from proxy.traffic.judge.verdicts import Bench, Complaint
from proxy.traffic.judge.words import duration, percent
from proxy.traffic.judgement import Finding, JudgeRule, Sample, Tally, Verdict


class Stream:
    """The requests of one route, or all of them: all that is compared about them."""

    __slots__ = ("_errors", "_failures", "_past", "_pool", "_slow", "_spread", "_tail", "checks", "seen")

    def __init__(self, rule: JudgeRule, bounds: Sequence[float], *, sides: Sides, before: Sample) -> None:
        new, old = sides.new, sides.old
        self.seen = 0
        self._pool = Pool()
        self._past, self._spread = Past(bounds, before.old), Spread(len(bounds) + 1)
        words = f"{new.does('answers', 'answer')} {{more}} with 5xx against {{of_old}}"
        self._errors = ShareCheck(erroneous, words, margin=rule.errors, sides=sides, before=before)
        words = f"{{more}} of {new.whose} attempts fail against {{less}} of {old.whose}"
        self._failures = ShareCheck(failed, words, margin=rule.errors, sides=sides, before=before)
        self._tail, median = [
            LatencyCheck(
                slowness,
                bounds,
                past=self._past,
                spread=self._spread,
                latency=rule.latency,
                sides=sides,
                before=before,
            )
            for slowness in (TAIL, MEDIAN)
        ]
        self._slow = (median, self._tail)
        self.checks: tuple[Check, ...] = (self._errors, self._failures, *self._slow)

    def observe(self, sample: Sample) -> None:
        """Take in what both colors did in one stretch."""
        self.seen += max(0, sample.new.requests)
        stretch = self._pool.add(sample)
        if stretch is None:
            return
        self._errors.add(stretch.old, stretch.new)
        self._failures.add(stretch.old, stretch.new)
        mark = self._spread.mark
        for check in self._slow:
            check.add(stretch.old, stretch.new, mark)
        if stretch.new.latency and stretch.old.latency:
            self._spread.add(stretch.new.latency, stretch.old.latency)
        self._past.add(stretch.old)

    def summary(self) -> str:
        """Errors and p99 of both colors, the new one first."""
        shares = self._errors.contrast()
        words = f"{percent(shares.new)} with 5xx against {percent(shares.old)}"
        tail = self._tail.quantiles()
        return words if tail is None else f"{words}, p99 {duration(tail[0])} against {duration(tail[1])}"


class Judge:
    """Compares the new one with the old one, second by second, and may be asked at any time."""

    __slots__ = ("_bench", "_ceilings", "_meanwhile", "_routes", "_sides", "_whole")

    def __init__(self, rule: JudgeRule, bounds: Sequence[float], *, sides: Sides, before: Sample | None = None) -> None:
        """Begin.

        Arguments:
            bounds: upper bounds, in seconds, of the buckets of ``Tally.latency``, which has one more.
            sides: who is judged, and against whom.
            before: what both did in the last minutes before it all began.
        """
        before = before or Sample(Tally(), Tally())
        self._sides = sides
        self._whole = Stream(rule, bounds, sides=sides, before=before)
        # What was before is known of everything only, and may have been something else on one route.
        nothing = Sample(Tally(), Tally())
        self._routes = {route: Stream(rule, bounds, sides=sides, before=nothing) for route in rule.routes}
        self._ceilings = absolute(rule, bounds, sides.new, before.old)
        streams = [self._whole, *self._routes.values()]
        self._bench = Bench(rule, sum(len(stream.checks) for stream in streams) + len(self._ceilings))
        self._meanwhile = Tally()

    def observe(self, sample: Sample) -> None:
        """Take in what both did in the same fraction of a second; not what they did since the beginning."""
        if sample.route:
            if sample.route in self._routes:
                self._routes[sample.route].observe(sample)
            return
        self._whole.observe(sample)
        self._meanwhile = together(self._meanwhile, sample.old)
        for ceiling in self._ceilings:
            ceiling.add(together(sample.old, Tally()), together(sample.new, Tally()))

    def verdict(self) -> Verdict:
        """What can be said by now."""
        seen = self._whole.seen
        worst = self.worst()
        if worst is not None:
            return Verdict(Finding.FAIL, worst.words, seen)
        pending = self._bench.open(self._own(), seen, self._sides)
        if seen >= self._bench.min_requests:
            pending = self._doubt() or pending
        if pending is not None:
            return pending
        verb = self._sides.new.does("is", "are")
        words = f"{verb} no worse than {self._sides.old} after {seen:,} requests: {self._whole.summary()}"
        return Verdict(Finding.PASS, words, seen)

    def baseline(self) -> Tally:
        """What the old color did meanwhile, for the time when it has no traffic any more."""
        return self._meanwhile

    def _own(self) -> tuple[Check, ...]:
        """What a pass rests on. A route that nobody asks for must not keep the traffic where it is."""
        return (*self._whole.checks, *self._ceilings)

    def worst(self) -> Complaint | None:
        """The gravest complaint, if there is one: a verdict of fail, for less than the price of a verdict."""
        found = [self._bench.complaint(self._own(), self._whole.seen)]
        for route, stream in self._routes.items():
            found.append(self._bench.complaint(stream.checks, stream.seen, f" on {route}"))
        complaints = [complaint for complaint in found if complaint is not None]
        return max(complaints, key=lambda complaint: complaint.log) if complaints else None

    def _doubt(self) -> Verdict | None:
        found = self._bench.doubt(self._own(), self._whole.seen)
        for route, stream in self._routes.items():
            found = found or self._bench.doubt(stream.checks, stream.seen, f" on {route}")
        return found

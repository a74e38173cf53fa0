"""Made-up traffic of two colors for the judge to look at: patterns in which they are alike, and worse colors."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from proxy.traffic.judgement import Sample, Tally

BOUNDS = tuple(
    round(step * 10.0**power, 7)
    for power in range(-4, 2)
    for step in (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
)
LOOKS = 4
"""Samples a second."""


@dataclass(frozen=True, slots=True)
class Behavior:
    """What a color does with one request."""

    errors: float = 0.001
    refused: float = 0.0
    """Share of attempts that fail; each is made once more."""
    latency: tuple[float, ...] = ()
    """Cumulative share of each bucket."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A fraction of a second: traffic, split, and what both colors do. They differ only if there is a regression."""

    requests: float
    split: float
    old: Behavior
    new: Behavior


def latencies(median: float = 0.03, spread: float = 0.6, slow: float = 1.0, tail: float = 0.0) -> tuple[float, ...]:
    """A log-normal distribution; a share ``tail`` of it, the slowest, is ``slow`` times slower (0: all of it)."""
    if not tail:
        return _lognormal(median * slow, spread)
    plain = _lognormal(median, spread)
    moved = _lognormal(median * slow, spread)
    # Below the cut everything stays; what was beyond it now ends as late as the slow ones do.
    cut = 1 - tail
    return tuple(min(share, max(cut, late)) if share > cut else share for share, late in zip(plain, moved, strict=True))


def _lognormal(median: float, spread: float) -> tuple[float, ...]:
    shares = [0.5 * math.erfc(-math.log(bound / median) / spread / math.sqrt(2)) for bound in BOUNDS]
    return (*shares, 1.0)


def poisson(random: Random, mean: float) -> int:
    """How many come; a rounded normal number for many, which is traffic of a kind as well."""
    if mean > 50:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, random.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * random.random()
    return count


def binomial(random: Random, count: int, share: float) -> int:
    """How many of ``count``, exactly: from one hit to the next."""
    if share <= 0 or count <= 0:
        return 0
    if share >= 1:
        return count
    hits, place, log_miss = 0, 0, math.log1p(-share)
    while True:
        place += int(math.log(1 - random.random()) / log_miss) + 1
        if place > count:
            return hits
        hits += 1


def tally(random: Random, requests: int, behavior: Behavior) -> Tally:
    """What a color does with so many requests."""
    if not requests:
        return Tally()
    failed = binomial(random, requests, behavior.refused)
    lost = binomial(random, failed, behavior.refused)
    answered = requests - lost
    errors = binomial(random, answered, behavior.errors)
    histogram = [0] * (len(BOUNDS) + 1)
    for _ in range(answered):
        histogram[bisect_left(behavior.latency, random.random())] += 1
    return Tally(requests, errors + lost, failed + lost, tuple(histogram))


def samples(random: Random, moments: Iterator[Moment]) -> Iterator[Sample]:
    """What a judge is shown: users are dealt out exactly or, with stickiness, by chance."""
    dealt, owed = random.random() < 0.5, 0.5
    for moment in moments:
        requests = poisson(random, moment.requests)
        owed += requests * moment.split
        new = int(owed) if dealt else binomial(random, requests, moment.split)
        owed -= int(owed)
        yield Sample(tally(random, requests - new, moment.old), tally(random, new, moment.new))


BEFORE = "worse, and the same a minute before"
AFTER = "after the shift, against its baseline"
PAUSES = "after the shift, the host stands still for a while"
ALONE = (AFTER, PAUSES)
"""Patterns in which the new color has all the traffic after a minute."""

Pattern = Callable[[Random], Iterator[Moment]]


def _alike(requests: float, split: float, behavior: Behavior) -> Moment:
    return Moment(requests, split, behavior, behavior)


def _usual(random: Random) -> tuple[int, float, Behavior]:
    """Looks, requests per look and behavior of a service somewhere."""
    looks = LOOKS * random.randint(30, 120)
    rate = 10 ** random.uniform(0.7, 2.5) / LOOKS
    errors = random.choice((0.0, 0.001, 0.01, 0.05, 0.3))
    latency = latencies(10 ** random.uniform(-2.5, 0), random.uniform(0.1, 1.5))
    return looks, rate, Behavior(errors, 0.0, latency)


def constant(random: Random) -> Iterator[Moment]:
    """Nothing changes but the share, which grows in ten steps."""
    looks, rate, behavior = _usual(random)
    return (_alike(rate, (1 + 10 * look // looks) / 11, behavior) for look in range(looks))


def ramp(random: Random) -> Iterator[Moment]:
    """Traffic grows or falls tenfold while the share grows."""
    looks, rate, behavior = _usual(random)
    power = random.choice((-1, 1))
    return (_alike(rate * 10 ** (power * look / looks), look / looks, behavior) for look in range(looks))


def waves(random: Random) -> Iterator[Moment]:
    """Day and night: traffic, errors and latency swing together."""
    looks, rate, behavior = _usual(random)
    phases = [latencies(0.02 * 1.3**phase, 0.7) for phase in range(8)]
    for look in range(looks):
        swing = 0.5 + 0.5 * math.sin(6.3 * 3 * look / looks)
        now = replace(behavior, errors=behavior.errors * swing, latency=phases[int(7 * swing)])
        yield _alike(rate * (0.2 + swing), look / looks, now)


def bursts(random: Random) -> Iterator[Moment]:
    """Errors and slowness come in bursts that hit both."""
    looks, rate, behavior = _usual(random)
    slow, until, now = latencies(1.0, 0.8), 0, behavior
    for look in range(looks):
        if look >= until:
            trouble = random.random() < 0.3
            now = Behavior(random.uniform(0.05, 0.9), 0.0, slow) if trouble else behavior
            until = look + random.randint(1, LOOKS * (5 if trouble else 20))
        yield _alike(rate, 0.02 + 0.9 * look / looks, now)


def drift(random: Random) -> Iterator[Moment]:
    """Errors grow with the share (or shrink): sums over time would blame the new color."""
    looks, rate, behavior = _usual(random)
    worst, up = random.choice((0.02, 0.1, 0.5)), random.random() < 0.5
    for look in range(looks):
        part = look / looks
        yield _alike(rate, part, replace(behavior, errors=worst * (part if up else 1 - part)))


def jumps(random: Random) -> Iterator[Moment]:
    """Share, errors and latency jump at the same moments."""
    looks, rate, _ = _usual(random)
    steps = [
        Behavior(random.choice((0.0, 0.02, 0.2, 0.6)), 0.0, latencies(10 ** random.uniform(-2, 0))) for _ in range(6)
    ]
    return (_alike(rate, (0.01, 0.05, 0.25, 0.5, 0.9, 1.0)[6 * look // looks], steps[6 * look // looks])
            for look in range(looks))  # fmt: skip


def quiet(random: Random) -> Iterator[Moment]:
    """Between three requests a minute and one a second, for hours."""
    behavior = Behavior(random.choice((0.01, 0.1, 0.5)), 0.0, latencies())
    looks = random.randint(2_000, 12_000)
    rate = 10 ** random.uniform(-1.3, 0) / LOOKS
    return (_alike(rate, 0.1 + 0.8 * look / looks, behavior) for look in range(looks))


def heavy(random: Random) -> Iterator[Moment]:
    """Latency with a heavy tail that changes all the time."""
    looks, rate, behavior = _usual(random)
    tails = [latencies(10 ** random.uniform(-2, -1), random.uniform(1, 2.5)) for _ in range(20)]
    return (_alike(rate, 0.1 + 0.4 * look / looks, replace(behavior, latency=random.choice(tails)))
            for look in range(looks))  # fmt: skip


def uneven(random: Random) -> Iterator[Moment]:
    """One color has next to nothing."""
    looks, rate, behavior = _usual(random)
    split = random.choice((0.0005, 0.005, 0.02, 0.98, 0.995))
    return (_alike(2 * rate, split, behavior) for _ in range(looks))


def refusing(random: Random) -> Iterator[Moment]:
    """Attempts fail at both, and are made again."""
    looks, rate, behavior = _usual(random)
    refused = random.choice((0.01, 0.1, 0.3))
    return (_alike(rate, 0.05 + 0.5 * look / looks, replace(behavior, refused=refused)) for look in range(looks))


def rolling(random: Random) -> Iterator[Moment]:
    """Servers of a pool, updated one by one: out, back with a weight that grows, watched, and the next; one is left."""
    looks, rate, behavior = _usual(random)
    servers = random.randint(3, 8)
    each = max(4, looks // (servers - 1))
    for done in range(servers - 1):
        for look in range(each):
            part = 4 * look / each  # a quarter of the time out, a quarter warming
            updated = float(done) if part < 1 else done + max(0.1, min(1.0, part - 1))
            serving = servers - 1 if part < 1 else servers - 1 + updated - done
            errors = behavior.errors * (1.5 if part < 1 else 1.0)  # the others have more to carry meanwhile
            yield _alike(rate, updated / serving, replace(behavior, errors=min(1.0, errors)))


def old_troubles(random: Random) -> Iterator[Moment]:
    """The new color is worse, and was so before."""
    looks, rate, behavior = _usual(random)
    errors, slow = random.choice(((0.05, 1.0), (0.3, 1.0), (0.0, 3.0), (0.02, 1.5)))
    new = replace(behavior, errors=min(1.0, behavior.errors + errors), latency=latencies(slow=slow))
    old = replace(behavior, latency=latencies())
    return (Moment(2 * rate, 0.1 + (0.5 * look / looks if look > LOOKS * 60 else 0), old, new)
            for look in range(LOOKS * 60 + looks))  # fmt: skip


def afterwards(random: Random) -> Iterator[Moment]:
    """First both have half, then the new one has it all."""
    looks, rate, behavior = _usual(random)
    return (_alike(rate, 0.5 if look < LOOKS * 60 else 1.0, behavior) for look in range(LOOKS * 60 + looks))


def pauses(random: Random) -> Iterator[Moment]:
    """The same, and once all is slow for up to four seconds: a host that is moved or that has too much to do."""
    looks, rate, behavior = _usual(random)
    still = replace(behavior, latency=latencies(3.0, 0.8))
    begin = LOOKS * 60 + random.randint(0, looks - 1)
    end = begin + random.randint(1, LOOKS * 4)
    for look in range(LOOKS * 60 + looks):
        yield _alike(rate, 0.5 if look < LOOKS * 60 else 1.0, still if begin <= look < end else behavior)


PATTERNS: dict[str, Pattern] = {
    "nothing changes but the share": constant,
    "traffic grows or falls tenfold": ramp,
    "day and night: traffic, errors, latency": waves,
    "bursts of errors and slowness on both": bursts,
    "errors grow or shrink with the share": drift,
    "share, errors, latency jump together": jumps,
    "3 requests a minute to 1 a second": quiet,
    "latency with a heavy, changing tail": heavy,
    "one color has 0.05 % to 2 %": uneven,
    "attempts fail on both, and are retried": refusing,
    "servers of a pool, updated one by one": rolling,
    BEFORE: old_troubles,
    AFTER: afterwards,
    PAUSES: pauses,
}

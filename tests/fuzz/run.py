"""`make fuzz`: conversations until the time is up. Whatever fails is made small, kept as a seed, and shown.

SECONDS is how long (600), SEED repeats a run that failed. Exit status 1 tells of a disagreement, a crash or a leak.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random, SystemRandom

from tests.fuzz.choosing import conversation
from tests.fuzz.conversation import Conversation, dump, load
from tests.fuzz.exploring import explore
from tests.fuzz.oracle import Verdict, judge
from tests.fuzz.rig import Rig, running
from tests.fuzz.shrinking import shrunk

SEEDS = Path(__file__).parent / "seeds"
AT_ONCE = 64
"""Conversations that go on at the same time, on connections of their own to shared upstreams."""

ROUND = 100
"""Batches between two visits of hypothesis, which is slow, and has a few examples each time."""

EXAMPLES = 100
REPORT_EVERY = 60.0
SHRINKING = 60.0
"""Seconds that one failure may take to be made small."""

ATTEMPTS = 5
"""How often a failure is repeated on its own before it is taken to need company."""

MAX_FAILURES = 20
"""Failures after which a run ends: most will have one cause."""


class Tally:
    """What a run has done."""

    def __init__(self) -> None:
        self.conversations = 0
        self.accepted = 0
        self.refused = 0
        self.answered = 0
        self.disagreements: list[str] = []
        self.crashes: list[str] = []
        self._resident = 0
        self._began = time.monotonic()
        self._cpu = time.process_time()

    def add(self, verdict: Verdict) -> None:
        """Count a conversation."""
        self.conversations += 1
        self.accepted += verdict.accepted
        self.refused += verdict.refused
        self.answered += len(verdict.statuses)
        if verdict.problems:
            self.disagreements.append("\n".join(verdict.problems))

    def warmed_up(self) -> None:
        """Everything has been used once: from now on memory should not grow."""
        self._resident = self._resident or resident()

    @property
    def failures(self) -> int:
        """How much was found."""
        return len(self.disagreements) + len(self.crashes)

    def __str__(self) -> str:
        seconds, cpu = time.monotonic() - self._began, time.process_time() - self._cpu
        sent = self.accepted + self.refused
        growth = f"{(resident() - self._resident) / 1024:+.1f} of {resident() / 1024:.0f}" if self._resident else "?"
        return (
            f"{seconds:.0f} s: {sent} messages in {self.conversations} conversations, {self.accepted} accepted, "
            f"{self.refused} refused, {self.answered} answers; {len(self.disagreements)} disagreements, "
            f"{len(self.crashes)} crashes; {sent / seconds:.0f} messages/s ({sent / cpu:.0f} per second of CPU), "
            f"memory {growth} MiB"
        )


def resident() -> int:
    """Memory of this process, in KiB."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def seeds() -> list[Conversation]:
    """Everything that is checked in."""
    return [load(path.read_text()) for path in sorted(SEEDS.glob("*.txt"))]


async def batch(rig: Rig, conversations: Sequence[Conversation], tally: Tally) -> list[Conversation]:
    """Have conversations at the same time; gives those that went wrong."""
    wrong = []
    for trace in await asyncio.gather(*map(rig.converse, conversations)):
        verdict = judge(trace)
        tally.add(verdict)
        if verdict.problems:
            wrong.append(trace.conversation)
    tally.disagreements += await rig.settled()
    tally.crashes += rig.crashes
    rig.crashes.clear()
    return wrong


async def batches(rig: Rig, random: Random, known: Sequence[Conversation], tally: Tally, *, end: float) -> None:
    """One round of random conversations."""
    for _ in range(ROUND):
        if time.monotonic() >= end or tally.failures >= MAX_FAILURES:
            return
        for wrong in await batch(rig, [conversation(random, known) for _ in range(AT_ONCE)], tally):
            await show(rig, wrong)


async def show(rig: Rig, wrong: Conversation) -> None:
    """Make a failure small, keep it as a seed, and print it."""
    end = time.monotonic() + SHRINKING

    async def fails(candidate: Conversation) -> bool:
        return time.monotonic() < end and bool(judge(await rig.converse(candidate)).problems)

    again = any([await fails(wrong) for _ in range(ATTEMPTS)])
    small = await shrunk(wrong, fails) if again else wrong
    problems = judge(await rig.converse(small)).problems
    text = dump(small, "Found by fuzzing: what is wrong here?")
    path = SEEDS / f"found-{sha256(text.encode()).hexdigest()[:12]}.txt"
    path.write_text(text)
    alone = "" if again else " (only together with others)"
    print(f"DISAGREEMENT{alone}, kept as {path}:\n{text}", *problems, sep="\n", flush=True)


def fuzz(rig: Rig, runner: asyncio.Runner, random: Random, seconds: float) -> Tally:
    """Rounds of conversations until the time is up."""
    tally, known = Tally(), seeds()
    end = time.monotonic() + seconds
    report = time.monotonic() + REPORT_EVERY

    def agrees(example: Conversation) -> bool:
        return time.monotonic() >= end or not runner.run(batch(rig, [example], tally))

    while time.monotonic() < end and tally.failures < MAX_FAILURES:
        runner.run(batches(rig, random, known, tally, end=end))
        tally.warmed_up()
        wrong = explore(agrees, known, examples=EXAMPLES, seed=random.getrandbits(32))
        if wrong is not None:
            runner.run(show(rig, wrong))
        if time.monotonic() >= report:
            print(tally, flush=True)
            report = time.monotonic() + REPORT_EVERY
    return tally


def main() -> int:
    """Run for SECONDS from SEED, both taken from the environment."""
    seconds = float(os.environ.get("SECONDS") or 600)
    seed = int(os.environ.get("SEED") or SystemRandom().getrandbits(32))
    print(f"fuzzing for {seconds:.0f} s; the same again: make fuzz SEED={seed}", flush=True)
    gc.set_threshold(100_000)  # a batch is thousands of objects that all live until its end
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "access.log") as (rig, runner):
        tally = fuzz(rig, runner, Random(seed), seconds)
    print(*(f"CRASH: {crash}" for crash in sorted(set(tally.crashes))), *sorted(set(tally.disagreements)), sep="\n")
    print(tally)
    return int(tally.failures > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Every conversation that is checked in, as it is and byte by byte."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fuzz.conversation import Conversation, dump, load
from tests.fuzz.oracle import Verdict, judge
from tests.fuzz.rig import Rig
from tests.fuzz.run import SEEDS

FILES = sorted(SEEDS.glob("*.txt"))
Started = tuple[Rig, asyncio.Runner]


def verdict(started: Started, conversation: Conversation) -> Verdict:
    """What comes of a conversation, and of nothing being left over."""
    rig, runner = started
    result = judge(runner.run(rig.converse(conversation)))
    result.problems += runner.run(rig.settled())
    result.problems += rig.crashes
    return result


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_seed(rig: Started, path: Path) -> None:
    """What was once worth keeping is still read in one way by both parsers, and ends as it should."""
    conversation = load(path.read_text())
    result = verdict(rig, conversation)
    assert result.problems == []
    assert result.outcome == (conversation.expected or result.outcome)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_byte_by_byte(rig: Started, path: Path) -> None:
    """How the bytes are cut into pieces changes nothing."""
    conversation = load(path.read_text())
    sent = conversation.sent
    result = verdict(rig, replace(conversation, sends=tuple(sent[at : at + 1] for at in range(len(sent)))))
    assert result.problems == []
    assert result.outcome == (conversation.expected or result.outcome)


def test_a_seed_is_written_as_it_is_read() -> None:
    """Nothing is lost on the way to the file and back."""
    for path in FILES:
        text = path.read_text()
        comment = text.partition("\n")[0].removeprefix("# ")
        assert dump(load(text), comment) == text

"""Making a failing conversation small: fewer messages, fewer pieces, fewer bytes, as long as it still fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

from tests.fuzz.conversation import Conversation, Script

Fails = Callable[[Conversation], Awaitable[bool]]

MAX_TRIES = 3000


async def shrunk(conversation: Conversation, fails: Fails, *, tries: int = MAX_TRIES) -> Conversation:
    """The smallest conversation found that ``fails`` is still true of; it is asked at most ``tries`` times.

    What the conversation was meant to be is forgotten with the first byte that goes.
    """
    smaller = True
    while smaller:
        smaller = False
        candidates = _simpler(conversation)
        candidate = next(candidates, None)
        while candidate is not None and tries > 0:
            tries -= 1
            if candidate != conversation and await fails(candidate):
                conversation, smaller = candidate, True
                candidates = _simpler(conversation)
            candidate = next(candidates, None)
        if tries <= 0:
            break
    return conversation


def _simpler(conversation: Conversation) -> Iterator[Conversation]:
    """Everything that is one step simpler, the boldest steps first."""
    for sends in _fewer(conversation.sends):
        yield replace(conversation, sends=sends)
    if conversation.turns != 1:
        yield replace(conversation, turns=1)
    for index, script in enumerate(conversation.scripts):
        if script is not None:
            yield _with_script(conversation, index, None)
            for pieces in _fewer(script.pieces):
                yield _with_script(conversation, index, replace(script, pieces=pieces))
    if conversation.scripts and conversation.scripts[-1] is None:
        yield replace(conversation, scripts=conversation.scripts[:-1])
    for sends in _shorter(conversation.sends):
        yield replace(conversation, sends=sends, meant=None)
    for index, script in enumerate(conversation.scripts):
        if script is not None:
            for pieces in _shorter(script.pieces):
                yield _with_script(conversation, index, replace(script, pieces=pieces))


def _with_script(conversation: Conversation, index: int, script: Script | None) -> Conversation:
    scripts = list(conversation.scripts)
    scripts[index] = script
    return replace(conversation, scripts=tuple(scripts))


def _fewer(pieces: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """The pieces with neighbours joined: all of them first, pairs last."""
    size = len(pieces)
    while size > 1:
        for at in range(0, len(pieces), size):
            if len(pieces[at : at + size]) > 1:
                yield (*pieces[:at], b"".join(pieces[at : at + size]), *pieces[at + size :])
        size = (size + 1) // 2 if size > 2 else 1


def _shorter(pieces: Sequence[bytes]) -> Iterator[tuple[bytes, ...]]:
    """The pieces without a stretch of bytes: halves first, single bytes last (delta debugging)."""
    longest = max(map(len, pieces), default=0)
    size = 1 << max(longest.bit_length() - 1, 0)
    while size and longest:
        for index, piece in enumerate(pieces):
            for at in range(0, len(piece), size):
                rest = piece[:at] + piece[at + size :]
                yield (*pieces[:index], *([rest] if rest else []), *pieces[index + 1 :])
        size //= 2

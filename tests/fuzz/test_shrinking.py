"""Failing conversations are made small."""

from __future__ import annotations

from tests.fuzz.conversation import Conversation, Script
from tests.fuzz.shrinking import shrunk


async def test_only_what_makes_it_fail_is_left() -> None:
    """Bytes, cuts, turns and answers that do not matter all go."""
    start = Conversation(
        (b"GET / HTTP/1.1\r\nHo", b"st: a\r\nX: ", b"a\x00b\r\n\r\n"), (Script((b"one", b"two")), None), turns=30
    )

    async def fails(candidate: Conversation) -> bool:
        return b"\x00" in candidate.sent

    assert await shrunk(start, fails) == Conversation((b"\x00",))


async def test_a_cut_that_matters_stays() -> None:
    """Where only two pieces fail, two pieces are left."""

    async def fails(candidate: Conversation) -> bool:
        return candidate.sends[:1] == (b"a",) and candidate.sent.startswith(b"ab")

    assert (await shrunk(Conversation((b"a", b"b", b"c", b"d")), fails)).sends == (b"a", b"b")


async def test_an_answer_that_matters_stays() -> None:
    """The part of a scripted answer that fails is what is left of it."""

    async def fails(candidate: Conversation) -> bool:
        return any(script is not None and b"!" in b"".join(script.pieces) for script in candidate.scripts)

    start = Conversation((b"x",), (None, Script((b"a", b"b!c"), early=True)))
    small = await shrunk(start, fails)
    assert [script.pieces for script in small.scripts if script is not None] == [(b"!",)]

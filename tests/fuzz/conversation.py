"""What one client connection sends, what its upstream answers, and both as a small text file."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.fuzz.readings import Message

PLACEHOLDER = b"@@@@-TOKEN-@@@@@"
"""Stands in a scripted answer for the token that is issued to one request alone; a token is exactly as long."""


class Ending(enum.StrEnum):
    """What the upstream does with its connection after a scripted answer."""

    STAY = "stay"
    FIN = "fin"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Script:
    """An answer that need not be a good one, in the pieces in which it is sent."""

    pieces: tuple[bytes, ...]
    ending: Ending = Ending.STAY
    early: bool = False
    """Whether it comes as soon as the head of the request is there."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One client connection: after the last piece the client closes its side and reads on."""

    sends: tuple[bytes, ...]
    scripts: tuple[Script | None, ...] = ()
    """For each request in turn; ``None``, and whatever comes after the last, is a good answer."""
    meant: tuple[Message, ...] | None = None
    """The requests as their maker knows them; ``None`` where nobody can say what the bytes mean."""
    turns: int = 1
    """Turns of the event loop between two pieces: with many, the client waits for the answers before it goes on."""
    expected: str = field(default="", compare=False)
    """What the client sees of a checked-in seed, as in :attr:`Verdict.outcome`; empty where that is not pinned."""

    @property
    def sent(self) -> bytes:
        """All that the client sends."""
        return b"".join(self.sends)


_SHORT_ESCAPES = {0x0D: "\\r", 0x0A: "\\n", 0x09: "\\t", 0x5C: "\\\\"}
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|([rnt\\]))")
_UNESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}


def as_text(data: bytes) -> str:
    """Bytes as they stand in a seed: printable ASCII as it is, the rest escaped as Python would."""
    return "".join(_SHORT_ESCAPES.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\x{b:02x}") for b in data)


def from_text(text: str) -> bytes:
    """The bytes that :func:`as_text` wrote down."""
    return _ESCAPE.sub(
        lambda match: bytes.fromhex(match[1].decode()) if match[1] else _UNESCAPED[match[2]], text.encode("ascii")
    )


def dump(conversation: Conversation, comment: str) -> str:
    """A seed: ``#`` says what it is about, ``>`` is a piece from the client, ``<`` one of an answer, ``!`` ends it.

    ``+`` gives the turns between two pieces, ``=`` what the client sees; every piece ends in ``|`` so that blanks show.
    """
    lines = [f"# {comment}"]
    if conversation.turns != 1:
        lines.append(f"+ {conversation.turns}")
    lines += [f"> {as_text(piece)}|" for piece in conversation.sends]
    for script in conversation.scripts:
        if script is None:
            lines.append("! good")
            continue
        lines += [f"< {as_text(piece)}|" for piece in script.pieces]
        lines.append(f"! {script.ending}{' early' if script.early else ''}")
    if conversation.expected:
        lines.append(f"= {conversation.expected}")
    return "\n".join(lines) + "\n"


def load(text: str) -> Conversation:
    """The conversation that a seed holds. Raises ``ValueError`` for a line that means nothing."""
    sends: list[bytes] = []
    pieces: list[bytes] = []
    scripts: list[Script | None] = []
    turns, expected = 1, ""
    for kind, rest in _lines(text):
        if kind == ">":
            sends.append(_piece(rest))
        elif kind == "<":
            pieces.append(_piece(rest))
        elif kind == "!":
            scripts.append(None if rest == "good" else _script(pieces, rest))
            pieces = []
        elif kind == "+":
            turns = int(rest)
        elif kind == "=":
            expected = rest
        elif kind != "#":
            raise ValueError(f"a seed has no lines that begin with {kind!r}")
    return Conversation(tuple(sends), tuple(scripts), turns=turns, expected=expected)


def _lines(text: str) -> Iterable[tuple[str, str]]:
    return ((line[:1], line[2:]) for line in text.splitlines() if line)


def _piece(rest: str) -> bytes:
    if not rest.endswith("|"):
        raise ValueError(f"a piece ends with |: {rest!r}")
    return from_text(rest[:-1])


def _script(pieces: list[bytes], rest: str) -> Script:
    ending, _, early = rest.partition(" ")
    return Script(tuple(pieces), Ending(ending), early == "early")

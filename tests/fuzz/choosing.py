"""Random conversations: good ones, spoiled requests, and spoiled answers, cut into pieces in any way."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tests.fuzz import making
from tests.fuzz.conversation import Conversation, Ending, Script
from tests.fuzz.mutating import mutated
from tests.fuzz.readings import Message, read_reply

TURNS = (1, 1, 1, 3, 30)


def conversation(random: Random, seeds: Sequence[Conversation]) -> Conversation:
    """Any kind, in proportion to how much there is to find."""
    draw = random.random()
    if draw < 0.2:
        return good_requests(random)
    if draw < 0.6:
        return spoiled_requests(random, [seed.sent for seed in seeds if not seed.scripts])
    return spoiled_answers(random, [b"".join(s.pieces) for seed in seeds for s in seed.scripts if s is not None])


def good_requests(random: Random) -> Conversation:
    """One to six good requests, pipelined; all have to arrive, up to the first that is the last by its own word."""
    sent, meant = _pipeline(random, random.choice((1, 2, 3, 4, 5, 6)))
    last = next((index for index, message in enumerate(meant) if message.is_last), len(meant))
    return Conversation(cut(random, sent), meant=tuple(meant[: last + 1]), turns=random.choice(TURNS))


def spoiled_requests(random: Random, others: Sequence[bytes]) -> Conversation:
    """Requests of which something was changed, with good ones before and after it; or a seed that was."""
    if others and random.random() < 0.3:
        sent = mutated(random, random.choice(others), others)
    else:
        before, _ = _pipeline(random, random.choice((0, 0, 1, 2, 4)))
        spoiled, _ = _pipeline(random, random.choice((1, 1, 2)))
        after, _ = _pipeline(random, random.choice((0, 1, 1)))
        sent = before + mutated(random, spoiled, others) + after
    return Conversation(cut(random, sent), turns=random.choice(TURNS))


def spoiled_answers(random: Random, others: Sequence[bytes]) -> Conversation:
    """Good requests, some of whose answers were changed, cut short or continued."""
    sends: list[bytes] = []
    meant: list[Message] = []
    scripts: list[Script | None] = []
    for _ in range(random.choice((1, 2, 3, 4))):
        raw, message = making.request(random)
        sends.append(raw)
        meant.append(message)
        scripts.append(_script(random, message, others) if random.random() < 0.7 else None)
        if message.is_last:
            break
    whole = b"".join(sends)
    pieces = tuple(sends) if random.random() < 0.5 else cut(random, whole)
    return Conversation(pieces, tuple(scripts), turns=random.choice(TURNS))


def _script(random: Random, message: Message, others: Sequence[bytes]) -> Script:
    upgrade = b", ".join(message.values(b"upgrade"))
    data = random.choice(others) if others and random.random() < 0.2 else making.reply(random, message.method, upgrade)
    if random.random() < 0.65:
        data = mutated(random, data, others)
    if random.random() < 0.1:
        data += making.reply(random, b"GET")  # surplus
    ending = random.choice((Ending.STAY, Ending.STAY, Ending.STAY, Ending.FIN, Ending.FIN, Ending.FIN, Ending.RESET))
    # What is missing from an answer that does not end is only told by a timeout.
    if ending is Ending.STAY and not read_reply(data, message.method, ended=False, upgrade=upgrade).complete:
        ending = Ending.FIN
    return Script(cut(random, data), ending, early=random.random() < 0.1)


def _pipeline(random: Random, count: int) -> tuple[bytes, list[Message]]:
    made = [making.request(random) for _ in range(count)]
    return b"".join(raw for raw, _ in made), [message for _, message in made]


def cut(random: Random, data: bytes) -> tuple[bytes, ...]:
    """The bytes whole, byte by byte if they are few, or cut at random places."""
    draw = random.random()
    if draw < 0.5 or len(data) < 2:
        return (data,) if data else ()
    if draw < 0.55 and len(data) < 400:
        return tuple(data[at : at + 1] for at in range(len(data)))
    places = sorted({random.randrange(1, len(data)) for _ in range(random.choice((1, 1, 2, 4, 12)))})
    return tuple(data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True))

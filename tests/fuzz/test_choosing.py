"""What is made is what is meant, and what is chosen can be written down."""

from __future__ import annotations

from random import Random

from tests.fuzz import choosing, making
from tests.fuzz.conversation import PLACEHOLDER, dump, load
from tests.fuzz.readings import Fields, Message, read_reply, read_requests
from tests.fuzz.upstream import new_token


def test_requests_mean_what_they_say() -> None:
    """The second parser reads a made request as its maker does."""
    random = Random(1)
    for _ in range(500):
        raw, meant = making.request(random)
        reading = read_requests(raw)
        assert reading.tail == b""
        assert list(map(_meaning, reading.messages)) == [_meaning(meant)]


def _meaning(message: Message) -> tuple[bytes, bytes, bytes, Fields, bytes]:
    fields = [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in message.fields]
    return message.method, message.target, message.version, fields, bytes(message.body)


def test_answers_are_good() -> None:
    """The second parser reads a made answer to its end."""
    random = Random(2)
    for method in (b"GET", b"HEAD", b"POST") * 100:
        reply = read_reply(making.reply(random, method), method, ended=True)
        assert (reply.complete, reply.rest) == (True, b"")


def test_conversations_are_written_as_they_are() -> None:
    """A seed file holds everything that happens, byte for byte and cut for cut."""
    random = Random(3)
    for _ in range(300):
        chosen = choosing.conversation(random, ())
        again = load(dump(chosen, "as it was"))
        assert (again.sends, again.scripts, again.turns) == (chosen.sends, chosen.scripts, chosen.turns)


def test_tokens_fit_their_place() -> None:
    """A token is as long as what holds its place, so that no announced length changes."""
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {len(PLACEHOLDER)}

"""The judge: whether what the upstreams read and the client was sent is what the client's bytes ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.passing import (
    arrived,
    ends_here,
    forwarded_target,
    is_our_own,
    passed_on,
    reply_arrived,
    reply_passed_on,
    same_framing,
)
from tests.fuzz.readings import Message, Reading, Reply, list_of, read_replies, read_reply, read_requests
from tests.fuzz.upstream import TOKEN, Sighting, Trace

REFUSALS = {400, 405, 413, 414, 417, 426, 431, 501, 505, 508}
"""How a request is refused; the connection is closed with it."""

UPSTREAM_FAILED = {502, 503, 504}
"""How the front door answers for an upstream that did not."""

IDEMPOTENT = {b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"}
"""What may reach an upstream twice (RFC 9110 9.2.2)."""


@dataclass(slots=True)
class Verdict:
    """What came of a conversation."""

    problems: list[str] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    statuses: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """What the client saw: a status for each answer, ``cut`` where the last one was not whole."""
        return " ".join(self.statuses) or "closed"


@dataclass(slots=True)
class _Seen:
    """One request as the upstreams saw it, as often as it was sent to them; never, if it ends at the front door."""

    sightings: list[Sighting]

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    @property
    def ends_here(self) -> bool:
        return not self.sightings

    @property
    def whole(self) -> bool:
        return self.ends_here or self.last.complete

    @property
    def upgrade(self) -> bytes:
        return b"" if self.ends_here else self.last.upgrade


def judge(trace: Trace) -> Verdict:
    """Compare the three readings: of the client's bytes, of the upstreams', and of the answers."""
    reading = read_requests(trace.conversation.sent)
    seen = _grouped(trace.sightings, reading)
    verdict = Verdict(list(trace.faults))
    verdict.accepted = sum(request.whole for request in seen)
    replies = read_replies(bytes(trace.received), lambda i: _asked(i, seen), ended=not trace.reset)
    verdict.statuses = [str(reply.status) if reply.complete else "cut" for reply in replies]
    verdict.problems += _wrong_requests(reading, seen)
    verdict.problems += _wrong_replies(trace, seen, replies)
    verdict.problems += _wrong_end(reading, replies)
    verdict.problems += _not_as_meant(trace.conversation.meant, reading, seen)
    verdict.refused = sum(is_our_own(reply) and reply.status in REFUSALS for reply in replies)
    return verdict


def _grouped(sightings: list[Sighting], reading: Reading) -> list[_Seen]:
    by_id: dict[bytes, list[Sighting]] = {}
    for sighting in sightings:
        by_id.setdefault(sighting.request_id, []).append(sighting)
    seen = [_Seen(group) for group in by_id.values()]
    for index, message in enumerate(_begun(reading)):
        if ends_here(message) and index <= len(seen):
            seen.insert(index, _Seen([]))
    return seen


def _begun(reading: Reading) -> list[Message]:
    """The requests whose heads are whole."""
    return [*reading.messages, *([reading.partial] if reading.partial else [])]


def _asked(index: int, seen: list[_Seen]) -> tuple[bytes, bytes]:
    """What an answer is an answer to, as the upstream read it; an empty method where no upstream did."""
    if index < len(seen) and not seen[index].ends_here:
        return seen[index].last.message.method, seen[index].last.upgrade
    return b"", b""


# What reached the upstreams.


def _wrong_requests(reading: Reading, seen: list[_Seen]) -> Iterator[str]:
    for index, request in enumerate(seen):
        whole = index < len(reading.messages)
        reference = reading.messages[index] if whole else reading.partial if index == len(reading.messages) else None
        if request.ends_here:
            continue
        if reference is None:
            yield f"request {index} is not in what the client sent: {request.last.message}"
            continue
        for sighting in request.sightings:
            for what in _differences(sighting.message, reference):
                yield f"request {index}: {what}"
            if sighting.complete and not whole:
                yield f"request {index} was made whole, although the client did not send all of it"
            elif not _same_body(sighting, reference):
                yield f"request {index}: another body: {bytes(sighting.message.body)!r}, not {bytes(reference.body)!r}"
        if len(request.sightings) > 1 and reference.method not in IDEMPOTENT:
            yield f"request {index} with {reference.method!r} was sent {len(request.sightings)} times"


def _differences(message: Message, reference: Message) -> Iterator[str]:
    if message.method != reference.method:
        yield f"method {message.method!r}, not {reference.method!r}"
    if message.target != forwarded_target(reference):
        yield f"target {message.target!r}, not {forwarded_target(reference)!r}"
    if message.version != b"1.1":
        yield f"version {message.version!r}"
    if not same_framing(message, reference):
        yield f"framing {message.fields}, not {reference.fields}"
    expected, actual = passed_on(reference), arrived(message, reference)
    if expected != actual:
        yield f"fields {actual}, not {expected}"


def _same_body(sighting: Sighting, reference: Message) -> bool:
    if sighting.complete:
        return sighting.message.body == reference.body
    return reference.body.startswith(sighting.message.body)


def _not_as_meant(meant: tuple[Message, ...] | None, reading: Reading, seen: list[_Seen]) -> Iterator[str]:
    """What the maker of the bytes knows: all of it is good, so all of it has to arrive."""
    if meant is None:
        return
    if [_parts(message) for message in meant] != [_parts(message) for message in reading.messages]:
        yield f"the second parser reads {reading}, but {meant} was meant"
    # A body of unknown length ends with the connection for a client of 1.0, and so does a tunnel that was not granted.
    if len(seen) < len(meant) and not (seen and (seen[-1].upgrade or meant[len(seen) - 1].version < b"1.1")):
        yield f"a good request was refused: {meant[len(seen)]}"


def _parts(message: Message) -> tuple[bytes, bytes, bytes]:
    return message.method, message.target, bytes(message.body)


# What the client was sent.


def _wrong_replies(trace: Trace, seen: list[_Seen], replies: list[Reply]) -> Iterator[str]:
    if len(replies) > len(seen) + 1:
        yield f"{len(replies)} answers to {len(seen)} requests"
    for index, reply in enumerate(replies):
        if reply.error and reply.status == 0:
            yield f"answer {index} cannot be read ({reply.error}): {reply.raw!r}"
            continue
        if index < len(seen) and seen[index].ends_here:
            if not is_our_own(reply) or not reply.complete:
                yield f"answer {index} should be our own: {reply.raw!r}"
            continue
        if index >= len(seen):
            yield from _wrong_refusal(index, reply, replies)
            continue
        for what in _wrong_reply(seen[index], reply, reset=trace.reset, last=index == len(replies) - 1):
            yield f"answer {index}: {what}"
    if len(replies) < len(seen) and (not replies or replies[-1].complete):
        yield from _unanswered(seen, replies)


def _unanswered(seen: list[_Seen], replies: list[Reply]) -> Iterator[str]:
    if not (replies and replies[-1].status == 101):
        yield f"request {len(replies)} was not answered, nor cut: {seen[len(replies)]}"


def _wrong_refusal(index: int, reply: Reply, replies: list[Reply]) -> Iterator[str]:
    if not is_our_own(reply) or TOKEN(reply.raw):
        yield f"answer {index} answers no request: {reply.raw!r}"
    elif reply.status not in REFUSALS or not reply.complete:
        yield f"answer {index} is no refusal: {reply.raw!r}"
    elif b"close" not in b"".join(reply.values(b"connection")).lower():
        yield f"answer {index} refuses without closing: {reply.raw!r}"
    elif reply.rest or index != len(replies) - 1:
        yield f"bytes behind the refusal {index}: {reply.rest!r}"


def _wrong_reply(request: _Seen, reply: Reply, *, reset: bool, last: bool) -> Iterator[str]:
    sighting = request.last
    tokens = {sighting.token for sighting in request.sightings}
    if foreign := set(TOKEN(bytes(reply.raw))) - tokens:
        yield f"tokens of other requests: {foreign}"
    if is_our_own(reply) and reply.complete:
        yield from _wrong_own_answer(request, reply, last=last)
        return
    if sighting.good:
        expected = b"" if sighting.message.method == b"HEAD" else sighting.token
        if not reply.complete or (reply.status, bytes(reply.body)) != (200, expected):
            yield f"a good answer arrived as {reply}"
        return
    if not reply.complete or (reply.closes and reset):
        return  # seen to be cut
    yield from _unlike_upstream(sighting, reply)


def _wrong_own_answer(request: _Seen, reply: Reply, *, last: bool) -> Iterator[str]:
    sighting = request.last
    if reply.status in REFUSALS:
        if sighting.complete and not (sighting.script and sighting.script.early):
            yield f"refused although it was forwarded: {reply.raw!r}"
        elif not last or b"close" not in b"".join(reply.values(b"connection")).lower():
            yield f"refused amid its body, but not closed: {reply.raw!r}"
    elif reply.status not in UPSTREAM_FAILED:
        yield f"an answer of our own with {reply.status}: {reply.raw!r}"
    elif sighting.good:
        yield f"a good answer was replaced by {reply.raw!r}"


def _unlike_upstream(sighting: Sighting, reply: Reply) -> Iterator[str]:
    """A whole answer must be the very one that the upstream gave."""
    theirs = read_reply(sighting.answered, sighting.message.method, ended=sighting.ended, upgrade=sighting.upgrade)
    if not theirs.complete:
        yield f"a whole answer was made of {sighting.answered!r} ({theirs.error or 'unfinished'}): {reply.raw!r}"
        return
    if (reply.status, reply.body) != (theirs.status, theirs.body):
        yield f"{reply.raw!r} was made of {sighting.answered!r}"
    if reply.status == 101 and not theirs.rest.startswith(reply.rest):
        yield f"{reply.rest!r} came through the tunnel, but {theirs.rest!r} was sent"
    if reply_passed_on(theirs) != reply_arrived(reply, theirs):
        yield f"fields {reply.fields} were made of {theirs.fields}"
    old = sighting.message.values(b"via")[-1:] == [b"1.0 bluegreen"]  # such a client knows no interim answers
    if [status for status, _ in reply.interim] != [status for status, _ in theirs.interim if not old]:
        yield f"interim answers {reply.interim} were made of {theirs.interim}"


# How it ended.


def _wrong_end(reading: Reading, replies: list[Reply]) -> Iterator[str]:
    """Nothing may be passed over in silence, except a head that never became whole."""
    if replies and (not replies[-1].complete or _said_close(replies, reading)):
        return
    asked = len(_begun(reading))
    if len(replies) < asked:
        yield f"request {len(replies)} was passed over in silence: {reading}"
    elif len(replies) == asked and b"\r\n\r\n" in reading.tail.lstrip(b"\r\n") and reading.partial is None:
        yield f"what follows request {asked} was passed over in silence: {reading.tail!r}"


def _said_close(replies: list[Reply], reading: Reading) -> bool:
    """Whether the client was told that the connection ends; one of HTTP/1.0 is told by the absence of keep-alive."""
    options = list_of(replies[-1].values(b"connection"))
    asked = _begun(reading)
    old = len(replies) <= len(asked) and asked[len(replies) - 1].version < b"1.1"
    return replies[-1].status == 101 or b"close" in options or (old and b"keep-alive" not in options)

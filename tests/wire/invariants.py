"""Three rules that hold for every case, whatever it is answered. Knows the grammar, and nothing of the front door.

**I1** what reaches an upstream is strict HTTP/1.1 in one reading; **I2** each request that reaches an upstream has its
answer, in order; **I3** after a refusal nothing more of the connection reaches an upstream, and the connection ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.wire.corpus import Seen
from tests.wire.recorder import Recording, default_answer
from tests.wire.strict import Message

_HOST = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?").fullmatch
_HOP_BY_HOP = frozenset(
    b"keep-alive proxy-connection proxy-authorization te trailer http2-settings proxy-authenticate".split()
)


def breaks(seen: Seen) -> list[str]:
    """What a case broke, in words."""
    return [*_upstream_bytes(seen.connections), *_requests(seen.requests), *_pairing(seen), *_after_refusal(seen)]


def _upstream_bytes(connections: list[Recording]) -> Iterator[str]:
    for recording in connections:
        if recording.broken:
            yield f"I1: {recording.broken}"
        if recording.rest and not recording.ended:
            yield "I1: a cut message on an upstream connection that is still open"


def _requests(requests: list[Message]) -> Iterator[str]:
    for request in requests:
        if not (request.target[:1] == b"/" or (request.target, request.method) == (b"*", b"OPTIONS")):
            yield f"I1: target {request.target!r}"
        if b"#" in request.target:
            yield f"I1: fragment in {request.target!r}"
        if not all(map(_HOST, request.values(b"host"))):
            yield f"I1: Host {request.values(b'host')}"
        yield from _fields(request)


def _fields(request: Message) -> Iterator[str]:
    names = [name for name, _ in request.fields]
    switching = request.values(b"connection") == [b"upgrade"] and len(request.values(b"upgrade")) == 1
    for name in names:
        if name in _HOP_BY_HOP or (name in (b"connection", b"upgrade") and not switching):
            yield f"I1: hop-by-hop field {name!r}"
        if b"_" in name:
            yield f"I1: field {name!r}"
    if request.values(b"expect") not in ([], [b"100-continue"]):
        yield f"I1: Expect {request.values(b'expect')}"


def _pairing(seen: Seen) -> Iterator[str]:
    answers = [*seen.answers, *seen.late]
    if seen.broken or seen.rest:
        yield f"I2: the client got {seen.broken or seen.rest[:60]!r}"
    if len(seen.requests) > len(answers):
        yield f"I2: {len(seen.requests)} requests and {len(answers)} answers"
    for number, (request, answer) in enumerate(zip(seen.requests, answers, strict=False), 1):
        due = default_answer(number, request).partition(b"\r\n\r\n")[2]
        if answer.status != 200 or answer.body != due:
            yield f"I2: {answer.start!r} with {answer.body!r} to {request.start!r}"


def _after_refusal(seen: Seen) -> Iterator[str]:
    answers = [*seen.answers, *seen.late]
    if seen.stray:
        yield "I3: a request reached the upstream after the connection had been ended"
    if not seen.over:
        yield "I3: the connection is still open"
    for number, answer in enumerate(answers):
        if answer.status >= 400 and (number + 1 < len(answers) or b"close" not in answer.values(b"connection")):
            yield f"I3: {answer.start!r} and the connection goes on"
    if seen.refusal is not None and not seen.closed:
        yield "I3: a refusal did not end the connection"

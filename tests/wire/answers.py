"""Answers for upstreams to play, and the cases that are made of them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.wire.cases import (
    CHUNKED,
    LENGTH_5,
    Case,
    Kind,
    Seen,
    request,
)
from tests.wire.conversation import Act
from tests.wire.recorder import Play, Then

GET = request()
HEAD = request(line=b"HEAD / HTTP/1.1")
OLD = request(line=b"GET / HTTP/1.0")
OK = b"HTTP/1.1 200 OK"


def answer(*fields: bytes, body: bytes = b"", first: bytes = OK) -> bytes:
    """An answer with these field lines. Nothing is added to what is given."""
    return b"\r\n".join([first, *fields, b"\r\n"]) + body


GOOD = answer(LENGTH_5, body=b"hello")


def chunked(body: bytes) -> bytes:
    """An answer in chunks."""
    return answer(CHUNKED, body=body)


def bad(row: int, answers: Mapping[str, bytes], *, then: Then = Then.KEEP) -> list[Case]:
    """Answers that are found bad before a byte of them went on: 502, and the upstream's connection is dropped."""
    return [
        Case(
            row,
            name,
            (GET,),
            Kind.REFUSED,
            (502,),
            stays=True,
            seen=(Seen(),),
            plays=(Play(data, then=then),),
            fresh=True,
        )
        for name, data in answers.items()
    ]


def cut(row: int, answers: Mapping[str, bytes], *, then: Then = Then.KEEP, ask: bytes = GET) -> list[Case]:
    """Answers that are found bad or end early amid their body: the client sees that, or gets a 502."""
    return [
        Case(
            row, name, (ask,), Kind.CUT, (502,), stays=False, seen=(Seen(),), plays=(Play(data, then=then),), fresh=True
        )
        for name, data in answers.items()
    ]


def good(
    row: int,
    answers: Mapping[str, bytes],
    *,
    status: int = 200,
    ask: bytes = GET,
    fresh: bool = False,
    stays: bool = True,
    then: Then = Then.KEEP,
) -> list[Case]:
    """Answers that go on as they came."""
    return [
        Case(
            row,
            name,
            (ask,),
            Kind.PASSED,
            (status,),
            stays,
            seen=(Seen(),),
            plays=(Play(data, then=then),),
            fresh=fresh,
        )
        for name, data in answers.items()
    ]


def changed(
    row: int,
    name: str,
    data: bytes,
    told: Seen,
    *,
    status: int = 200,
    ask: bytes = GET,
    stays: bool = True,
    fresh: bool | None = None,
    then: Then = Then.KEEP,
    interim: tuple[int, ...] = (),
) -> Case:
    """An answer of which the client sees something else. The next request comes after all that the upstream says."""
    script = (ask, Act.ANSWER, Act.PAUSE) if not interim else (ask,)
    return Case(
        row,
        name,
        script,
        Kind.NORMALISED,
        (status,),
        stays,
        seen=(Seen(),),
        plays=(Play(data, then=then),),
        told=told,
        fresh=fresh,
        interim=interim,
    )

"""Cases of public test suites, where they lie beside this project: nothing that they want refused is accepted."""

from __future__ import annotations

import base64
import enum
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.http1.chunked import ChunkedDecoder
from proxy.http1.errors import Reason, RequestError, ResponseError, WireError
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE
from proxy.http1.request import check_partial_head, head_end, read_request, skip_blank_lines
from proxy.http1.response import read_response

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of public cases is not here")


class Verdict(enum.Enum):
    """How a connection stands after all the bytes of a case."""

    ACCEPTED = enum.auto()
    WAITING = enum.auto()
    REFUSED = enum.auto()


@dataclass(frozen=True)
class Limits:
    max_head: int = 64 * 1024


class Reader:
    """One end of a connection that reads messages and answers none."""

    def __init__(self, *, responses: bool) -> None:
        self._responses = responses
        self._buffer = b""
        self._body: ChunkedDecoder | None = None
        self._left = 0
        self._seen = 0
        self._closing = False
        self.messages: list[bytes] = []
        self.refusal: WireError | None = None
        self.verdict = Verdict.WAITING

    def feed(self, data: bytes) -> None:
        if self.verdict is Verdict.REFUSED:
            return
        self._buffer += data
        try:
            while self._step():
                pass
        except WireError as error:
            self.refusal = error
            self.verdict = Verdict.REFUSED

    def _step(self) -> bool:
        if self._left:
            taken = min(self._left, len(self._buffer))
            self._left -= taken
            self._buffer = self._buffer[taken:]
        elif self._body is not None:
            self._body.feed(self._buffer)
            self._buffer = b""
            if self._body.done:
                self._buffer, self._body = self._body.surplus, None
        elif not self._closing:
            return self._head()
        return self._settle()

    def _settle(self) -> bool:
        done = not self._left and self._body is None
        self.verdict = Verdict.ACCEPTED if done else Verdict.WAITING
        return done and bool(self._buffer) and not self._closing

    def _head(self) -> bool:
        start = 0 if self._responses else skip_blank_lines(self._buffer)
        end = head_end(self._buffer, max(start, self._seen - 3))
        if end < 0:
            self._wait(start)
            return False
        self._seen = 0
        head, self._buffer = self._buffer[start:end], self._buffer[end:]
        length, self._closing = self._read(head)
        self.messages.append(head)
        self._body = ChunkedDecoder(ResponseError if self._responses else RequestError) if length == CHUNKED else None
        self._left = max(length, 0)
        return self._settle() or bool(self._buffer and (self._left or self._body))

    def _read(self, head: bytes) -> tuple[int, bool]:
        if self._responses:
            response = read_response(head, method=b"GET")
            return response.length, response.length == UNTIL_CLOSE or response.status == 101
        request = read_request(head, max_headers=100)
        return request.length, not request.keep_alive or bool(request.upgrade)

    def _wait(self, start: int) -> None:
        if not self._responses:
            check_partial_head(self._buffer, Limits(), start, seen=self._seen)
        self._seen = len(self._buffer)
        if self._buffer:
            self.verdict = Verdict.WAITING


@dataclass(frozen=True)
class Case:
    id: str
    data: bytes
    expect: str
    responses: bool


@functools.cache
def _cases() -> list[Case]:
    found: list[Case] = []
    for file in sorted(CORPUS.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            raw = json.loads(line)
            data = b"".join(base64.b64decode(piece["b64"]) for step in raw["steps"] for piece in step)
            found.append(Case(raw["id"], data, raw["expect"], raw.get("side") == "response"))
    return found


def _read_whole(case: Case) -> Reader:
    reader = Reader(responses=case.responses)
    reader.feed(case.data)
    return reader


def _each(reason: str, *ids: str) -> dict[str, str]:
    return dict.fromkeys(ids, reason)


HARMLESS = {
    **_each("what comes after a request that ends its connection is not read", "llhttp-request-connection-3"),
    **_each("the same, with Connection: close", "llhttp-request-connection-9", "llhttp-request-connection-10"),
    **_each("the same, and held back until the upstream agrees to switch", "llhttp-request-connection-20"),
    **_each("the suite's limits are lower than ours", "gunicorn-invalid-006", "gunicorn-invalid-007"),
    **_each("the same", "gunicorn-invalid-008", "gunicorn-invalid-limit_header_default_01", "COMP-LONG-URL-OK"),
    **_each("refused there by a setting of the test", "gunicorn-invalid-011", "gunicorn-invalid-012"),
    **_each("fields with an underscore are dropped instead", "gunicorn-invalid-040"),
    **_each("what two Content-Type fields mean is up to the application", "gunicorn-invalid-041"),
    **_each("the version of WebSocket is up to the application", "COMP-UPGRADE-INVALID-VER"),
    **_each("which methods a path has is up to the application", "COMP-405-ALLOW"),
    **_each("a body on GET and OPTIONS is framed anew", "SMUG-GET-CL-PREFIX-DESYNC", "SMUG-GET-CL-BODY-DESYNC"),
    **_each(
        "the same, and two good requests in it are two", "SMUG-OPTIONS-CL-BODY-DESYNC", "SMUG-EXPECT-100-CL-DESYNC"
    ),
}
"""What a suite wants refused and is accepted here, with the reason."""

REFUSED = {
    **_each("a fragment is never sent", "gunicorn-valid-005", "gunicorn-valid-009", "llhttp-request-uri-8"),
    **_each("the same", "llhttp-request-transfer-encoding-20", "llhttp-request-transfer-encoding-21"),
    **_each("a target is ASCII", "gunicorn-valid-027"),
    **_each("a target is a path, except for OPTIONS", "llhttp-request-method-5"),
    **_each("no blank before the colon", "gunicorn-valid-028"),
    **_each("no folded lines", "gunicorn-valid-compat_obs_fold", "gunicorn-valid-compat_obs_fold_huge"),
    **_each("no methods of one's own", "gunicorn-valid-031", "gunicorn-valid-031compat", "gunicorn-valid-031compat2"),
    **_each("not HTTP: the PROXY protocol", *(f"gunicorn-valid-pp_0{number}" for number in (1, 2, 4, 5))),
    **_each("not HTTP: ICE, RTSP", *(f"llhttp-request-method-{number}" for number in (12, 13, 14))),
    **_each("no version", "llhttp-request-sample-10"),
    **_each("only the versions that are spoken here", "COMP-HTTP12-VERSION"),
    **_each("exactly chunked", "gunicorn-valid-rfc9112_smuggle_gzip_chunked_01"),
    **_each("the same", "gunicorn-valid-rfc9112_smuggle_te_identity_chunked_01"),
    **_each("the same, in responses", *(f"llhttp-response-transfer-encoding-{number}" for number in (2, 3, 4))),
    **_each("nobody's name in an authority", "gunicorn-valid-rfc9112_target_absolute_userinfo_01"),
    **_each("no tunnels", "gunicorn-valid-rfc9112_target_authority_connect_01"),
    **_each("the same", "gunicorn-valid-rfc9112_target_authority_ipv6_01"),
    **_each("no echo", "COMP-METHOD-TRACE", "COMP-TRACE-SENSITIVE"),
    **_each("417 is one of the answers that the suite allows", "COMP-EXPECT-UNKNOWN"),
    **_each("no blank lines between responses", "llhttp-response-connection-15", "llhttp-response-connection-17"),
    **_each("the same", "llhttp-response-pipelining-1"),
}
"""What a suite wants accepted and is refused here, with the reason."""


def _cases_that(expect: str) -> list[Case]:
    return [case for case in _cases() if case.expect == expect]


@pytest.mark.parametrize("case", _cases_that("reject"), ids=lambda case: case.id)
def test_what_must_be_refused_is_not_accepted(case: Case) -> None:
    """Bad bytes are refused, or are so incomplete that waiting for more is right."""
    accepted = _read_whole(case).verdict is Verdict.ACCEPTED
    assert accepted is (case.id in HARMLESS), HARMLESS.get(case.id)


@pytest.mark.parametrize("case", _cases_that("accept"), ids=lambda case: case.id)
def test_what_is_good_is_not_refused(case: Case) -> None:
    """Good bytes are read, but for the ways of others that are listed, and for HTTP/1.1 without Host."""
    reader = _read_whole(case)
    if reader.refusal is None or reader.refusal.reason is not Reason.HOST or b"host:" in case.data.lower():
        assert (reader.refusal is not None) is (case.id in REFUSED), REFUSED.get(case.id)


@pytest.mark.parametrize("case", [case for case in _cases() if len(case.data) < 16384], ids=lambda case: case.id)
def test_bytes_that_trickle_in_are_read_alike(case: Case) -> None:
    """A client that sends byte by byte gets the same messages read, and the same verdict."""
    whole, trickled = _read_whole(case), Reader(responses=case.responses)
    for index in range(len(case.data)):
        trickled.feed(case.data[index : index + 1])
    assert (trickled.verdict, trickled.messages) == (whole.verdict, whole.messages)

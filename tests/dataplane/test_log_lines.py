"""Lines of the access log: the same values however they are written, and nothing that could break a line."""

from __future__ import annotations

import json
import re
import select

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.dataplane.log_lines import (
    AT_ONCE,
    LONGEST_SAID,
    NOWHERE,
    Place,
    Said,
    Spans,
    combined_line,
    json_line,
    place,
)

HOSTILE = bytes(range(256))
PLAIN = (b"10.0.0.1", b"GET", b"shop.example.com", b"/shoes?page=3", b"curl/8", b"http://a/", b"0123-ab", b"0af7")
NAMES = ("client", "method", "host", "target", "user_agent", "referer", "request_id", "trace_id")

anything = st.binary(max_size=10) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(
    str.encode
)
said_values = st.tuples(*[anything] * 8)
times = st.floats(0, 4e9)
spans = st.tuples(*[st.just(-1.0) | st.just(0.0) | st.floats(0, 4e9)] * 5)


def json_of(said: Said) -> bytes:
    """A JSON line in which little but what was said matters."""
    return json_line(0.0, said, 11, 200, 0, 0, AT_ONCE, NOWHERE, 0, "")


def combined_of(said: Said, *, now: float = 0.0, version: int = 11, where: Place = NOWHERE) -> bytes:
    """A combined line of an answer with five bytes."""
    return combined_line(now, said, version, 200, 0, 5, AT_ONCE, where, 1, "finished")


@given(said_values, times, spans, st.integers(0, 2**63), st.text(max_size=9))
@example(PLAIN, 1700000000.9996, (0.0000005, 0.0, -1.0, 1.5, -1.0), 0, "shop")
@example((b'"', b"\\", b"\x7f", b"\x00\xff", b"\n", b"\r", b"\t", b"\x1b"), 0.0, AT_ONCE, 1, '"\n')
def test_json_says_what_was_given(said: Said, now: float, seconds: Spans, sent: int, service: str) -> None:
    """Whatever is in the values, and whichever road they take, the line is the object that it should be."""
    where = (place(service, "blue", "10.0.0.2:80"), True, 42, "op-7")
    line = json.loads(json_line(now, said, 11, 200, 7, sent, seconds, where, 1, "finished"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    times = dict(zip(("seconds", "queue", "connect", "first_byte", "held"), seconds, strict=True))
    assert line == {
        "event": "request",
        **{name: value.decode("latin-1") for name, value in zip(NAMES, said, strict=True)},
        **{name: None if value < 0 else round(value, 6) for name, value in times.items()},
        "protocol": "HTTP/1.1",
        "status": 200,
        "received": 7,
        "sent": sent,
        "attempts": 1,
        "outcome": "finished",
        "service": service,
        "color": "blue",
        "upstream": "10.0.0.2:80",
        "preview": True,
        "generation": 42,
        "operation": "op-7",
    }


def test_json_has_the_time_as_events_have_it() -> None:
    """Both kinds of lines can be sorted together."""
    line = json_line(1700000000.25, PLAIN, 10, 200, 0, 0, AT_ONCE, NOWHERE, 0, "")
    assert (json.loads(line)["ts"], json.loads(line)["protocol"]) == ("2023-11-14T22:13:20.250Z", "HTTP/1.0")


@given(said_values)
@example(PLAIN)
@example((HOSTILE,) * 8)
@example((b'"' * 70_000,) * 8)
def test_no_byte_can_break_a_line(said: Said) -> None:
    """A line of either format is printable ASCII up to its line feed, has its quotes, and is one write to a pipe."""
    for line in (json_of(said), combined_of(said)):
        assert re.fullmatch(rb"[ -~]*\n", line)
        assert len(line) <= select.PIPE_BUF
    assert line.count(b'"') == 6
    json.loads(json_of(said))


def test_a_value_that_was_cut_shows_it() -> None:
    """What is too long keeps its beginning; the others stay whole."""
    client, method, host, _, *rest = PLAIN
    line = json.loads(json_of((client, method, host, b"/" + b"a" * LONGEST_SAID, *rest)))  # type: ignore[arg-type]
    assert re.fullmatch(r"/a{1000,}\.\.\.", line["target"])
    assert (line["host"], line["user_agent"]) == ("shop.example.com", "curl/8")
    whole = b"/" + b"a" * 2000
    assert json.loads(json_of((client, method, host, whole, *rest)))["target"] == whole.decode()  # type: ignore[arg-type]


@given(said_values)
def test_combined_gives_back_what_was_given(said: Said) -> None:
    """Escaped bytes can be told apart, and read back, as Apache's can."""
    _, request, _, referer, _, agent, _ = combined_of(said, version=10).split(b'"')
    escapes = re.compile(rb"\\x([0-9a-f]{2})")
    told = [escapes.sub(lambda match: bytes.fromhex(match[1].decode()), text) for text in (request, referer, agent)]
    assert told == [b"%b %b HTTP/1.0" % (said[1], said[3]), said[5] or b"-", said[4] or b"-"]


def test_combined_has_the_time_in_its_usual_form() -> None:
    """Tools that read Apache's format read ours."""
    expected = b'10.0.0.1 - - [01/Jan/1970:00:00:00 +0000] "GET /shoes?page=3 HTTP/1.1" 200 5 "http://a/" "curl/8"\n'
    assert combined_of(PLAIN) == expected
    assert b"[01/Jan/1970:00:00:01 +0000]" in combined_of(PLAIN, now=1.9)


def test_combined_marks_an_unknown_client_and_a_tester() -> None:
    """A client over a unix socket has no address, and the columns stay what they are."""
    assert combined_of((b"", *PLAIN[1:])).startswith(b"- - - [")
    assert combined_of(PLAIN, where=(NOWHERE[0], True, 1, "")).startswith(b"10.0.0.1 - preview [")

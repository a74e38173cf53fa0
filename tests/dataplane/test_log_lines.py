"""Lines of the access log: the same values however they are written, and nothing that could break a line."""

from __future__ import annotations

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.dataplane.log_lines import NOWHERE, Said, combined_line, json_line, place

HOSTILE = bytes(range(256))
PLAIN = (b"10.0.0.1", b"GET", b"shop.example.com", b"/shoes?page=3", b"0123-ab")

anything = st.binary(max_size=20) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(
    str.encode
)
said_values = st.tuples(anything, anything, anything, anything, anything)
times = st.floats(0, 4e9)


def value_of(said: Said) -> dict[str, str]:
    """What a JSON line has to say of what a client said."""
    names = ("client", "method", "host", "target", "request_id")
    return {name: value.decode("latin-1") for name, value in zip(names, said, strict=True)}


@given(said_values, times, times, st.integers(0, 2**63), st.text(max_size=9))
@example(PLAIN, 1700000000.9996, 0.0000005, 0, "shop")
@example((b'"', b"\\", b"\x7f", HOSTILE, b"\n"), 0.0, 0.0, 1, '"\n')
def test_json_says_what_was_given(said: Said, now: float, seconds: float, sent: int, service: str) -> None:
    """Whatever is in the values, and whichever road they take, the line is the object that it should be."""
    line = json_line(now, said, 11, 200, sent, seconds, place(service, "blue", "10.0.0.2:80"), 1, "finished")
    rest = {"ts": round(now, 3), "status": 200, "sent": sent, "seconds": round(seconds, 6), "service": service}
    rest |= {"color": "blue", "upstream": "10.0.0.2:80", "attempts": 1, "outcome": "finished"}
    assert json.loads(line) == value_of(said) | rest


@given(said_values)
@example(PLAIN)
@example((HOSTILE,) * 5)
def test_no_byte_can_break_a_line(said: Said) -> None:
    """A line of either format is printable ASCII up to its line feed, and has as many quotes as it should."""
    for line in (
        json_line(0.0, said, 11, 200, 0, 0.0, NOWHERE, 0, ""),
        combined_line(0.0, said, 11, 200, 0, 0.0, NOWHERE, 0, ""),
    ):
        assert re.fullmatch(rb"[ -~]*\n", line)
    assert line.count(b'"') == 6


@given(said_values)
def test_combined_gives_back_what_was_given(said: Said) -> None:
    """Escaped bytes can be told apart, and read back, as Apache's can."""
    line = combined_line(0.0, said, 10, 200, 0, 0.0, NOWHERE, 0, "")
    escapes = re.compile(rb"\\x([0-9a-f]{2})")
    request = escapes.sub(lambda match: bytes.fromhex(match[1].decode()), line.split(b'"')[1])
    assert request == b"%b %b HTTP/1.0" % (said[1], said[3])


def test_combined_has_the_time_in_its_usual_form() -> None:
    """Tools that read Apache's format read ours."""
    first = combined_line(0.0, PLAIN, 11, 200, 5, 0.0, NOWHERE, 1, "finished")
    assert first == b'10.0.0.1 - - [01/Jan/1970:00:00:00 +0000] "GET /shoes?page=3 HTTP/1.1" 200 5 "-" "-"\n'
    assert b"[01/Jan/1970:00:00:01 +0000]" in combined_line(1.9, PLAIN, 11, 200, 5, 0.0, NOWHERE, 1, "finished")


def test_combined_marks_an_unknown_client() -> None:
    """A client over a unix socket has no address, and the columns stay what they are."""
    assert combined_line(0.0, (b"", *PLAIN[1:]), 11, 200, 0, 0.0, NOWHERE, 0, "").startswith(b"- - - [")

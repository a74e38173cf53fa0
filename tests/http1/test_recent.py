"""What was read lately is found again, within bounds."""

from __future__ import annotations

from proxy.http1.recent import ENTRIES, LONGEST, Recent
from proxy.http1.request import read_request


def test_a_reading_is_found_by_its_text_alone() -> None:
    """The very same object, once it has come twice, and nothing for another text."""
    recent: Recent[list[int]] = Recent()
    reading = [1]
    recent.keep(b"text", [0])
    assert recent.find(b"text") is None
    recent.keep(b"text", reading)
    assert recent.find(b"te" + b"xt") is reading
    assert recent.find(b"text ") is None


def test_memory_is_bounded_whatever_comes() -> None:
    """Neither long texts nor many of them pile up."""
    recent: Recent[int] = Recent()
    for _ in range(3):
        recent.keep(b"x" * (LONGEST + 1), 1)
    assert recent.find(b"x" * (LONGEST + 1)) is None
    for number in range(10 * ENTRIES):
        for _ in range(2):
            recent.keep(b"%d" % number, number)
    assert sum(recent.find(b"%d" % number) is not None for number in range(10 * ENTRIES)) <= ENTRIES


def test_fields_are_shared_by_requests_for_different_things() -> None:
    """What is asked for is read each time, and so is the limit that may have changed."""
    recent = Recent()  # type: ignore[var-annotated]
    first = read_request(b"GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", max_headers=2, recent=recent)
    assert len(recent._known) == 0
    first = read_request(b"GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", max_headers=2, recent=recent)
    second = read_request(b"PUT /b?c HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", max_headers=2, recent=recent)
    assert (second.method, second.target, second.path) == (b"PUT", b"/b?c", b"/b")
    assert second.passed is first.passed
    assert len(recent._known) == 1

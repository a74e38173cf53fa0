"""Testers: what is taken for the wish to see a color, and what is not."""

from __future__ import annotations

import pytest

from proxy.traffic.audience import PreviewRule
from proxy.traffic.preview import Preview
from proxy.traffic.spec import Color

OPEN = Preview(PreviewRule(blue_host="blue.example", green_host="Green.example"))
GUARDED = Preview(PreviewRule(blue_host="blue.example", green_host="green.example", token="s3cret"))


@pytest.mark.parametrize(
    ("host", "header", "cookie", "color"),
    [
        (b"a", b"green", b"", "green"),
        (b"a", b"", b"blue", "blue"),
        (b"a", b"green", b"blue", "green"),
        (b"a", b"nonsense", b"blue", "blue"),
        (b"a", b"", b"", None),
        (b"a", b"red", b"", None),
        (b"a", b"Green", b"", None),
        (b"a", b"green:token", b"", None),
        (b"green.example", b"", b"", "green"),
        (b"green.example.", b"", b"", "green"),
        (b"blue.example", b"green", b"", "blue"),
    ],
)
def test_without_a_token_everybody_may(host: bytes, header: bytes, cookie: bytes, color: str | None) -> None:
    """Host before header before cookie; what names no color is no wish."""
    assert OPEN.wish(host, (header, cookie)) == (Color(color) if color else None)


@pytest.mark.parametrize(
    ("host", "header", "cookie", "color"),
    [
        (b"a", b"green:s3cret", b"", "green"),
        (b"a", b"", b"blue:s3cret", "blue"),
        (b"a", b"green:wrong", b"blue:s3cret", "blue"),
        (b"a", b"green", b"", None),
        (b"a", b"green:", b"", None),
        (b"a", b"green:s3cret2", b"", None),
        (b"a", b"green:\xff\xfe", b"", None),
        (b"a", b"red:s3cret", b"", None),
        (b"green.example", b"", b"", None),
        (b"green.example", b"green:wrong", b"", None),
        (b"green.example", b"", b"green:s3cret", "green"),
        (b"blue.example", b"green:s3cret", b"", "blue"),
    ],
)
def test_with_a_token_only_who_has_it(host: bytes, header: bytes, cookie: bytes, color: str | None) -> None:
    """Without the right token nobody is a tester, at a tester's host neither."""
    assert GUARDED.wish(host, (header, cookie)) == (Color(color) if color else None)

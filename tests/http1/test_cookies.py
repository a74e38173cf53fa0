"""Fields and cookies found in raw heads, and cookies set as browsers expect it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.cookies import CookieFinder, FieldFinder, cookie_attributes, set_cookie, with_cookie

HEAD = "GET /?X-Id:=0 HTTP/1.1\r\nHost: a\r\n{}\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ("X-Id: 7", "7"),
        ("x-iD:\t 7 \t", "7"),
        ("X-Id:", ""),
        ("X-Id2: 7", ""),
        ("A-X-Id: 7", ""),
        ("A: X-Id: 7", ""),
        ("A: b\r\nX-Id: 7\r\nX-Id: 8", "7"),
    ],
)
def test_a_field_is_found_by_its_whole_name(fields: str, value: str) -> None:
    """In any case, and nowhere but where a field begins; the first one counts."""
    assert FieldFinder("X-Id").find(HEAD.format(fields).encode()) == value.encode()


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ("Cookie: u.r=7", "7"),
        ("COOKIE:u.r=7", "7"),
        ("Cookie: a=b; u.r=7; c=d", "7"),
        ("Cookie: a=b;u.r= 7 ;c=d", "7"),
        ("Cookie: u.r=7=8", "7=8"),
        ("Cookie: a=b\r\nCookie: u.r=7", "7"),
        ("Cookie: u.r=7; u.r=8", "7"),
        ("Cookie: xu.r=7; u.r2=8; U.R=9; uxr=1", ""),
        ("Cookie: a=u.r=7", ""),
        ("X-Cookie: u.r=7", ""),
        ("Cookie: a\r\nX: ; u.r=7", ""),
        ("Cookie: u.r=", ""),
    ],
)
def test_a_cookie_is_found_by_its_whole_name(fields: str, value: str) -> None:
    """As browsers send it, in one line or several; its name has the case that it was set with."""
    assert CookieFinder("u.r").find(HEAD.format(fields).encode()) == value.encode()


def test_all_cookies_of_a_name_are_found() -> None:
    """In their order, over several lines, and no others."""
    fields = "Cookie: u.r=7; a=u.r=1 ;u.r= 8 ;xu.r=2\r\nX-Cookie: u.r=3\r\ncookie: \tu.r=; b=4;  u.r=9=;uxr=5"
    assert CookieFinder("u.r").find_all(HEAD.format(fields).encode()) == [b"7", b"8", b"", b"9="]
    assert CookieFinder("none").find_all(HEAD.format(fields).encode()) == []


def test_attributes_are_written_as_browsers_read_them() -> None:
    """All of them, and none that was not asked for."""
    everything = cookie_attributes(
        path="/app", domain="example.com", max_age=3600.0, secure=True, http_only=True, same_site="None"
    )
    assert everything == b"; Path=/app; Domain=example.com; Max-Age=3600; Secure; HttpOnly; SameSite=None"
    little = cookie_attributes(path="/", domain=None, max_age=None, secure=False, http_only=False, same_site=None)
    brief = cookie_attributes(path="/", domain=None, max_age=0.2, secure=False, http_only=False, same_site=None)
    assert brief == b"; Path=/; Max-Age=1", "0 would have browsers throw it away"
    assert set_cookie(b"u", b"7", little) == b"Set-Cookie: u=7; Path=/\r\n"


LINE = b"Set-Cookie: u.r=7; Path=/\r\n"


@pytest.mark.parametrize("field", [b"Set-Cookie: u.r=1", b"set-cookie:u.r =1; Path=/"])
def test_a_cookie_that_the_upstream_sets_itself_is_left_to_it(field: bytes) -> None:
    """One of the same name stays the only one."""
    head = b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % field
    assert with_cookie(head, LINE) == head


@pytest.mark.parametrize("field", [b"Set-Cookie: u.rx=1", b"Set-Cookie: uxr=1", b"X: Set-Cookie: u.r=1"])
def test_a_cookie_is_the_last_line_of_a_head(field: bytes) -> None:
    """Others that the upstream sets are left as they are."""
    head = b"HTTP/1.1 200 OK\r\nCache-Control: private\r\n%b\r\n" % field
    assert with_cookie(head + b"\r\n", LINE) == head + LINE + b"\r\n"


@pytest.mark.parametrize(
    ("field", "more"),
    [
        (b"X: 1", b"Cache-Control: private\r\n"),
        (b"Cache-Control: public, max-age=60", b"Cache-Control: private\r\n"),
        (b"X-Cache-Control: private", b"Cache-Control: private\r\n"),
        (b"cache-control: Private", b""),
        (b"Cache-Control: max-age=0, no-store", b""),
    ],
)
def test_no_cache_gives_one_users_cookie_to_another(field: bytes, more: bytes) -> None:
    """An answer that sets one says that it is for one user alone, if the upstream has not said so."""
    head = b"HTTP/1.1 200 OK\r\n%b\r\n" % field
    assert with_cookie(head + b"\r\n", LINE) == head + LINE + more + b"\r\n"


@given(
    st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}", fullmatch=True), st.from_regex(r"[!-:<-~]{1,20}", fullmatch=True)
)
def test_what_was_set_is_found_again(name: str, value: str) -> None:
    """Whatever token is its name."""
    raw = HEAD.format(f"Cookie: first=1; {name}={value}").encode()
    assert CookieFinder(name).find(raw) == (value if name != "first" else "1").encode()

"""Single fields and cookies of a head, found without reading the rest, and cookies that are set (RFC 6265)."""

from __future__ import annotations

import re
from typing import Final

_SET_COOKIE: Final = b"Set-Cookie: "
_COOKIES: Final = re.compile(rb"\r\n(?i:cookie):([^\r]*)").findall
_OWN: Final = re.compile(rb"\r\n(?i:cache-control):[^\r]*(?i:private|no-store)").search


class FieldFinder:
    """Finds the value of one field in the raw bytes of a head that was found good."""

    __slots__ = ("_search",)

    def __init__(self, name: str) -> None:
        self._search = re.compile(rb"\r\n(?i:%b):([^\r]*)" % re.escape(name.encode())).search

    def find(self, raw: bytes) -> bytes:
        """The value of the first such field, without the blanks around it; ``b""`` if there is none."""
        match = self._search(raw)
        return match[1].strip(b" \t") if match is not None else b""


class CookieFinder:
    """Finds the value of one cookie in the raw bytes of a request's head that was found good."""

    __slots__ = ("_cookie", "_each", "_first")

    def __init__(self, name: str) -> None:
        self._cookie = name.encode() + b"="
        cookie = re.compile(rb"(?:^|;)[ \t]*+%b([^;\r]*)" % re.escape(self._cookie))
        self._first = cookie.search
        self._each = cookie.findall

    def find(self, raw: bytes) -> bytes:
        """Its value, the first one where there are several; ``b""`` if there is none."""
        if self._cookie not in raw:  # most heads of newcomers and scanners end here, however long they are
            return b""
        for line in _COOKIES(raw):
            match = self._first(line)
            if match is not None:
                return match[1].strip(b" \t")
        return b""

    def find_all(self, raw: bytes) -> list[bytes]:
        """Its values where there are several, in the order of the head. It takes longer than to find the first."""
        return [value.strip(b" \t") for line in _COOKIES(raw) for value in self._each(line)]


def cookie_attributes(
    *, path: str, domain: str | None, max_age: float | None, secure: bool, http_only: bool, same_site: str | None
) -> bytes:
    """What comes after the value of a cookie that is set (RFC 6265 section 4.1.2, with SameSite of RFC 6265bis)."""
    parts = [
        f"Path={path}",
        f"Domain={domain}" if domain is not None else "",
        f"Max-Age={max(1, round(max_age))}" if max_age is not None else "",
        "Secure" if secure else "",
        "HttpOnly" if http_only else "",
        f"SameSite={same_site}" if same_site is not None else "",
    ]
    return "".join(f"; {part}" for part in parts if part).encode()


def set_cookie(name: bytes, value: bytes, attributes: bytes) -> bytes:
    """The line of an answer that sets a cookie."""
    return b"%b%b=%b%b\r\n" % (_SET_COOKIE, name, value, attributes)


def with_cookie(head: bytes, line: bytes) -> bytes:
    """An answer's head, through its empty line, with a cookie set; as it is where it sets one of that name itself.

    A cache in front would hand the cookie to others together with the answer (RFC 9111 section 7.3), so the answer is
    made private to whom it is for.
    """
    name = line[len(_SET_COOKIE) : line.index(b"=")]
    if re.search(rb"\r\n(?i:set-cookie):[ \t]*%b[ \t]*=" % re.escape(name), head):
        return head
    return head[:-2] + line + (b"\r\n" if _OWN(head) else b"Cache-Control: private\r\n\r\n")

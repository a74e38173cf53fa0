"""The first line of a request: method, target, version (RFC 9112 3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.http1.errors import Reason, RequestError
from proxy.http1.grammar import TARGET_CHARS, TOKEN_CHARS

MAX_REQUEST_LINE: Final = 8 * 1024
"""Bytes that the first line of a request may have."""

MAX_METHOD: Final = 32
"""Bytes that a method may have. Bytes that go on for longer without a space are no HTTP, such as a TLS hello."""

METHODS: Final = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS "
    b"PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK "
    b"UNSUBSCRIBE".split()
)
"""The methods that are forwarded. A front door does not tunnel (CONNECT) and does not echo what it was sent (TRACE)."""

PREFACE: Final = b"PRI * HTTP/2.0"
"""How a client begins that speaks HTTP/2 without asking (RFC 9113 3.4)."""

_REFUSED: Final = frozenset({b"CONNECT", b"TRACE"})

_LINE: Final = re.compile(rb"([%b]{1,%d}) ([^ ]+) (HTTP/([0-9])\.([0-9]))" % (TOKEN_CHARS, MAX_METHOD)).fullmatch
_NO_VERSION: Final = re.compile(rb"[%b]+ [^ ]+ ?" % TOKEN_CHARS).fullmatch
_LINE_BEGUN: Final = re.compile(
    rb"[%b]{1,%d}(?: [!-~]*(?: [HTP/0-9.]{0,8}\r?)?)?" % (TOKEN_CHARS, MAX_METHOD)
).fullmatch
_TARGET: Final = re.compile(rb"[%b]+" % TARGET_CHARS).fullmatch
_ABSOLUTE: Final = re.compile(rb"(?i:https?)://([^/?]*)([/?].*)?").fullmatch


class RequestLine(NamedTuple):
    """The parts of a request line that was found good."""

    method: bytes
    target: bytes
    """As it is forwarded."""
    authority: bytes | None
    """What an absolute-form target names; ``None`` for the ordinary forms."""
    version: int
    """10 or 11."""


def split_request_line(line: bytes) -> RequestLine:
    """The parts of a request line, an absolute-form target reduced to origin-form. Raises :class:`RequestError`."""
    if len(line) > MAX_REQUEST_LINE:
        check_line_begun(line)
    match = _LINE(line)
    if match is None or line == PREFACE:
        raise _no_request_line(line)
    method, target, _, major, minor = match.groups()
    if not _TARGET(target):  # first, as it is when the line comes in slowly
        raise RequestError(Reason.TARGET, "the target holds something that must be percent-encoded")
    if major != b"1" or minor not in (b"0", b"1"):
        raise RequestError(Reason.VERSION, "only HTTP/1.0 and HTTP/1.1 are spoken here")
    check_method(method)
    reduced, authority = _reduce(method, target)
    return RequestLine(method, reduced, authority, 10 + int(minor))


def check_line_begun(begun: bytes) -> None:
    """Raises :class:`RequestError` unless a request line can begin with this, whatever follows."""
    begun = begun[: MAX_REQUEST_LINE + 1]
    if b"\n" in begun or b"\r" in begun[:-1]:
        raise RequestError(Reason.LINE_END, "the request line does not end with CR LF")
    if begun not in (b"", b"\r") and not _LINE_BEGUN(begun):
        raise RequestError(Reason.NOT_HTTP, "this is not a request of HTTP/1")
    if len(begun.removesuffix(b"\r")) > MAX_REQUEST_LINE:
        raise RequestError(Reason.LINE_TOO_LONG, "the request line is too long")


def check_method(method: bytes) -> None:
    """Raises :class:`RequestError` for a method that is not forwarded."""
    if method in _REFUSED:
        raise RequestError(Reason.METHOD_REFUSED, f"{method.decode()} is not allowed here")
    if method not in METHODS:
        raise RequestError(Reason.METHOD_UNKNOWN, "the method is not known here")


def _no_request_line(line: bytes) -> RequestError:
    if line == PREFACE:
        return RequestError(Reason.NOT_HTTP, "HTTP/2 is not spoken here")
    if b"\r" in line or b"\n" in line:
        return RequestError(Reason.LINE_END, "the request line does not end with CR LF")
    if _NO_VERSION(line):
        return RequestError(Reason.REQUEST_LINE, "the request line has no version")
    return RequestError(Reason.REQUEST_LINE, "the request line is malformed")


def _reduce(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """The target in origin-form, and the authority that was cut off it (RFC 9112 3.2)."""
    if b"\\" in target.partition(b"?")[0]:
        raise RequestError(Reason.TARGET, "the path holds a backslash, which some servers read as a slash")
    if target[:1] == b"/":
        return target, None
    if target == b"*" and method == b"OPTIONS":
        return target, None
    match = _ABSOLUTE(target)
    if match is None:
        raise RequestError(Reason.TARGET, "the target is not a path")
    authority, rest = match.groups(b"")
    if rest[:1] == b"/":
        return rest, authority
    # OPTIONS for a whole server is written without a path in absolute-form (RFC 9112 3.2.4).
    return (b"*" if method == b"OPTIONS" and not rest else b"/" + rest), authority

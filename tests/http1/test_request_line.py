from __future__ import annotations

import pytest

from proxy.http1.errors import Reason, RequestError
from proxy.http1.request_line import MAX_METHOD, MAX_REQUEST_LINE, METHODS, split_request_line


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_known_method_passes(method: bytes) -> None:
    """WebDAV and its like are forwarded as they are."""
    assert split_request_line(method + b" / HTTP/1.1").method == method


@pytest.mark.parametrize(
    ("line", "target", "authority"),
    [
        (b"GET / HTTP/1.1", b"/", None),
        (b"GET /a%2f..//;b?c\\d={|} HTTP/1.0", b"/a%2f..//;b?c\\d={|}", None),
        (b"OPTIONS * HTTP/1.1", b"*", None),
        (b"GET http://a.example/x?y HTTP/1.1", b"/x?y", b"a.example"),
        (b"GET HTTPS://a.example:8080 HTTP/1.1", b"/", b"a.example:8080"),
        (b"GET http://a.example?q HTTP/1.1", b"/?q", b"a.example"),
        (b"OPTIONS http://a.example HTTP/1.1", b"*", b"a.example"),
        (b"OPTIONS http://a.example/ HTTP/1.1", b"/", b"a.example"),
    ],
)
def test_target_is_reduced_to_origin_form(line: bytes, target: bytes, authority: bytes | None) -> None:
    """An ordinary target passes byte for byte; of an absolute one, the path is forwarded (RFC 9112 3.2)."""
    split = split_request_line(line)
    assert (split.target, split.authority) == (target, authority)


@pytest.mark.parametrize(
    ("line", "reason", "status"),
    [
        (b"", Reason.REQUEST_LINE, 400),
        (b"GET", Reason.REQUEST_LINE, 400),
        (b"GET /", Reason.REQUEST_LINE, 400),
        (b"GET / ", Reason.REQUEST_LINE, 400),
        (b" GET / HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"GET  / HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"GET /  HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"GET / HTTP/1.1 ", Reason.REQUEST_LINE, 400),
        (b"GET\t/ HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"GET /a b HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"G(T / HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"GET / http/1.1", Reason.REQUEST_LINE, 400),
        (b"GET / HTTP/1.10", Reason.REQUEST_LINE, 400),
        (b"GET / HTTP/01.1", Reason.REQUEST_LINE, 400),
        (b"GET / HTTP/1", Reason.REQUEST_LINE, 400),
        (b"GET / RTSP/1.0", Reason.REQUEST_LINE, 400),
        (b"GET / ICE/1.0", Reason.REQUEST_LINE, 400),
        (b"GET / HTTP/1.1\nHost: a", Reason.LINE_END, 400),
        (b"GET / HTTP/1.1\rHost: a", Reason.LINE_END, 400),
        (b"GET / HTTP/0.9", Reason.VERSION, 505),
        (b"GET / HTTP/1.2", Reason.VERSION, 505),
        (b"GET / HTTP/2.0", Reason.VERSION, 505),
        (b"PRI * HTTP/2.0", Reason.NOT_HTTP, 400),
        (b"get / HTTP/1.1", Reason.METHOD_UNKNOWN, 501),
        (b"FOO / HTTP/1.1", Reason.METHOD_UNKNOWN, 501),
        (b"A" * MAX_METHOD + b" / HTTP/1.1", Reason.METHOD_UNKNOWN, 501),
        (b"A" * (MAX_METHOD + 1) + b" / HTTP/1.1", Reason.REQUEST_LINE, 400),
        (b"A" * (MAX_METHOD + 1) + b" / HTTP/2.0", Reason.REQUEST_LINE, 400),
        (b"CONNECT a.example:443 HTTP/1.1", Reason.METHOD_REFUSED, 405),
        (b"TRACE / HTTP/1.1", Reason.METHOD_REFUSED, 405),
        (b"GET /a#b HTTP/1.1", Reason.TARGET, 400),
        (b"GET /caf\xc3\xa9 HTTP/1.1", Reason.TARGET, 400),
        (b"GET /\x00 HTTP/1.1", Reason.TARGET, 400),
        (b"GET /\x7f HTTP/1.1", Reason.TARGET, 400),
        (b"GET /a\\b HTTP/1.1", Reason.TARGET, 400),
        (b"GET http://a.example/a\\b HTTP/1.1", Reason.TARGET, 400),
        (b"GET a HTTP/1.1", Reason.TARGET, 400),
        (b"GET * HTTP/1.1", Reason.TARGET, 400),
        (b"GET ftp://a.example/ HTTP/1.1", Reason.TARGET, 400),
        (b"GET a.example:80 HTTP/1.1", Reason.TARGET, 400),
        (b"GET /" + b"a" * MAX_REQUEST_LINE + b" HTTP/1.1", Reason.LINE_TOO_LONG, 414),
        (b"FOO /" + b"a" * MAX_REQUEST_LINE + b" HTTP/1.1", Reason.LINE_TOO_LONG, 414),
        (b"A" * (MAX_REQUEST_LINE + 1), Reason.NOT_HTTP, 400),
    ],
)
def test_what_is_no_request_line_is_refused(line: bytes, reason: Reason, status: int) -> None:
    """Each way to be wrong has its own reason and status."""
    with pytest.raises(RequestError) as error:
        split_request_line(line)
    assert (error.value.reason, error.value.status) == (reason, status)

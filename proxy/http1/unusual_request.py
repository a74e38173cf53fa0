"""The long road through a request head: field by field, for whatever is not ordinary, and for every refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from proxy.http1.errors import Reason, RequestError
from proxy.http1.fields import (
    HOP_BY_HOP,
    VIA,
    Field,
    Meaning,
    connection_options,
    keeps_alive,
    list_items,
    meaning_of,
    split_fields,
)
from proxy.http1.framing import body_length, canonical_length
from proxy.http1.grammar import TOKEN
from proxy.http1.heads import RequestHead
from proxy.http1.hops import spend_hop
from proxy.http1.hosts import routing_host
from proxy.http1.request_line import RequestLine, split_request_line
from proxy.http1.traceparent import take_trace

MAX_LOOPS: Final = 8
"""How often a request may already have come through a proxy of our name."""

WEBSOCKET_VERSION: Final = b"13"
"""The one version of WebSocket that there is (RFC 6455 4.1)."""

_DISGUISED: Final = frozenset({b"content_length", b"transfer_encoding"})
"""What many applications cannot tell from a field that says where the body ends: CGI writes both in one way."""

_KEPT: Final = frozenset({b"cookie", b"authorization", b"via", b"forwarded", b"x-real-ip", b"x-request-id"})
"""Fields that a client cannot have removed by naming them in Connection: somebody behind us relies on them."""

_OUR_OWN: Final = b"x-bluegreen-"
"""How the names of this proxy's own fields begin. Nobody behind it shall take a client's for one of them."""

# Applications that read CGI variables cannot tell the field Proxy from their own setting HTTP_PROXY.
_DROPPED: Final = HOP_BY_HOP | {b"proxy", b"expect"}
_DROPPED_BUT_EXPECT: Final = _DROPPED - {b"expect"}


def read_unusual(head: bytes, max_headers: int) -> RequestHead:
    """The same promise as ``read_request``, kept the long way. Raises :class:`RequestError`."""
    if not head.endswith(b"\r\n\r\n"):
        raise RequestError(Reason.LINE_END, "the head does not end with an empty line")
    line_end = head.index(b"\r\n")
    line = split_request_line(head[:line_end])
    if head.count(b"\r\n") - 2 > max_headers:
        raise RequestError(Reason.TOO_MANY_FIELDS, "too many header fields")
    fields = split_fields(head, line_end + 2, RequestError)
    if any(name in _DISGUISED for name, _ in fields):
        raise RequestError(Reason.FIELD, "a field's name is that of a framing field, but for an underscore")
    meaning = meaning_of(fields)
    if len(meaning.get(b"content-type", ())) > 1:
        raise RequestError(Reason.CONTENT_TYPE, "several Content-Type fields")
    authority = _authority(line, meaning)
    length = body_length(meaning, line.version, RequestError) or 0
    options = connection_options(meaning, RequestError)
    expect_continue = _expects_continue(line.version, meaning) and length != 0
    upgrade = _upgrade(line.version, meaning, options, length)
    _refuse_loops(meaning)
    fields, last_hop = spend_hop(line.method, fields)
    traceparent, fields = take_trace(_end_to_end(fields, options, expect_continue))
    return RequestHead(
        raw=head,
        method=line.method,
        target=line.target,
        path=line.target.partition(b"?")[0],
        version=line.version,
        authority=authority,
        host=routing_host(authority) if authority else b"",
        length=length,
        keep_alive=keeps_alive(line.version, options),
        expect_continue=expect_continue,
        upgrade=upgrade,
        last_hop=last_hop,
        fields=canonical_length(fields, meaning, length),
        traceparent=traceparent,
    )


def _authority(line: RequestLine, meaning: Meaning) -> bytes:
    hosts = meaning.get(b"host", ())
    if len(hosts) > 1:
        raise RequestError(Reason.HOST, "several Host fields")
    if not hosts and line.version >= 11:
        raise RequestError(Reason.HOST, "no Host field")
    if hosts and not hosts[0]:
        raise RequestError(Reason.HOST, "Host is empty")
    if line.authority is None:
        return hosts[0] if hosts else b""
    # RFC 9112 3.2.2 lets the target win; two servers that disagree on this are worse than an error.
    if not line.authority or (hosts and hosts[0].lower() != line.authority.lower()):
        raise RequestError(Reason.HOST, "Host and the authority of the target differ")
    return hosts[0] if hosts else line.authority


def _expects_continue(version: int, meaning: Meaning) -> bool:
    """Whether a 100 is asked for; in HTTP/1.0 the field means nothing (RFC 9110 10.1.1)."""
    expectations = meaning.get(b"expect", ())
    if not expectations or version < 11:
        return False
    if len(expectations) > 1 or expectations[0].lower() != b"100-continue":
        raise RequestError(Reason.EXPECT, "the only expectation understood here is 100-continue")
    return True


def _upgrade(version: int, meaning: Meaning, options: Sequence[bytes], length: int) -> bytes:
    """The protocols that are rightly asked for (RFC 9110 7.8).

    HTTP is never among them, neither its second version nor the first inside TLS (RFC 2817): an upstream that switched
    to it would be reached past all the rules of this package.
    """
    if version < 11 or b"upgrade" not in options:
        return b""
    asked = list_items(meaning.get(b"upgrade", ()))
    protocols = [item for item in asked if not item.lower().startswith((b"h2", b"http/", b"tls/"))]
    if not protocols:
        return b""
    for protocol in protocols:
        if not all(TOKEN(part) for part in protocol.split(b"/", 1)):
            raise RequestError(Reason.UPGRADE, "Upgrade names something that is not a protocol")
    if length:
        raise RequestError(Reason.UPGRADE, "a request that asks for another protocol has a body")
    if any(protocol.lower() == b"websocket" for protocol in protocols):
        _check_websocket(meaning.get(b"sec-websocket-version", ()))
    return b", ".join(protocols)


def _check_websocket(versions: Sequence[bytes]) -> None:
    """A version that nobody speaks is told so here (RFC 6455 4.4); one that is not named is the upstream's business."""
    if versions and list(versions) != [WEBSOCKET_VERSION]:
        raise RequestError(Reason.WEBSOCKET_VERSION, "the only version of WebSocket understood here is 13")


def _refuse_loops(meaning: Meaning) -> None:
    hops = list_items(meaning.get(b"via", ()))
    if sum(hop.split()[1:2] == [VIA] for hop in hops) > MAX_LOOPS:
        raise RequestError(Reason.LOOP, "the request goes round in circles")


def _end_to_end(fields: list[Field], options: Sequence[bytes], expect_continue: bool) -> list[Field]:
    """The fields that are not for this hop alone, nor between this proxy and its operators alone.

    Names with an underscore are not passed on: behind CGI variables nobody can tell X_Y from X-Y.
    """
    removed = _DROPPED_BUT_EXPECT if expect_continue else _DROPPED
    if options:
        removed = removed.union(name for name in options if name not in _KEPT and not name.startswith(b"x-forwarded-"))
    return [f for f in fields if f[0] not in removed and b"_" not in f[0] and not f[0].startswith(_OUR_OWN)]

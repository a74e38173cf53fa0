"""A request head as the upstream gets it: without the hop behind it, with what this hop knows (RFC 9110 7.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from proxy.http1.fields import VIA, Field, join_fields, new_field, value_of
from proxy.http1.heads import RequestHead

_PLAIN = re.compile(rb"[!-~]+").fullmatch
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,128}").fullmatch

_OVERWRITTEN = frozenset({b"x-forwarded-for", b"x-request-id"})
_REPLACED = _OVERWRITTEN | {b"forwarded", b"x-real-ip"}
_GROWING = frozenset({b"x-forwarded-for", b"via"})


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What is told to upstreams of one client connection. Made once per connection.

    ``peer`` is the client's address without port, ``trusted`` whether its own X-Forwarded-*, X-Real-IP and Forwarded
    are believed, ``authority`` what stands in for Host where a client of HTTP/1.0 sent none. Raises ``ValueError`` for
    what cannot stand in a header field.
    """

    peer: bytes
    scheme: bytes = b"http"
    trusted: bool = False
    authority: bytes = b"localhost"
    known: bytes = field(init=False)
    """The fields that are the same for every ordinary request of the connection, ready to be sent."""

    def __post_init__(self) -> None:
        if not (_PLAIN(self.peer) and _PLAIN(self.scheme) and _PLAIN(self.authority)):
            raise ValueError("an address, scheme or authority holds what a header field cannot")
        known = (
            b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Real-IP: %b\r\nVia: 1.1 %b\r\nX-Forwarded-Host: "
        ) % (self.peer, self.scheme, self.peer, VIA)
        object.__setattr__(self, "known", known)


def client_request_id(head: RequestHead) -> bytes:
    """The id that the client sent, or ``b""``: one X-Request-Id of up to 128 letters, digits, ``.``, ``_``, ``-``."""
    if head.fields is None:
        return b""
    ids = [value_of(line) for lower, line in head.fields if lower == b"x-request-id"]
    return ids[0] if len(ids) == 1 and _REQUEST_ID(ids[0]) else b""


def forward_request(head: RequestHead, forwarding: Forwarding, request_id: bytes) -> bytes:
    """The head for the upstream, always HTTP/1.1: hop-by-hop fields gone, what this hop adds at the end.

    ``request_id`` must be a token.
    """
    if head.fields is not None:
        return _rebuild(head, head.fields, forwarding, request_id)
    raw = head.raw
    return b"".join(
        (
            raw[: head.cut_start],
            raw[head.cut_end : -2],
            forwarding.known,
            head.authority,
            b"\r\nX-Request-Id: ",
            request_id,
            b"\r\n\r\n",
        )
    )


def _rebuild(head: RequestHead, fields: list[Field], forwarding: Forwarding, request_id: bytes) -> bytes:
    if forwarding.trusted:
        kept = [field for field in fields if field[0] not in _OVERWRITTEN]
    else:
        kept = [f for f in fields if f[0] not in _REPLACED and not f[0].startswith(b"x-forwarded-")]
    if not any(lower == b"host" for lower, _ in kept):
        kept.insert(0, new_field(b"Host", head.authority or forwarding.authority))
    kept += _added(head, fields, forwarding)
    kept.append(new_field(b"X-Request-Id", request_id))
    if head.upgrade:
        kept += [new_field(b"Connection", b"upgrade"), new_field(b"Upgrade", head.upgrade)]
    return join_fields(b"%b %b HTTP/1.1" % (head.method, head.target), kept)


def _added(head: RequestHead, fields: list[Field], forwarding: Forwarding) -> list[Field]:
    """What this hop knows, except where a trusted client has said it already. X-Forwarded-For grows by one address."""
    before: list[bytes] = []
    said: set[bytes] = set()
    if forwarding.trusted:
        before = [value_of(line) for lower, line in fields if lower == b"x-forwarded-for"]
        said = {lower for lower, _ in fields} - _GROWING
    added = (
        (b"x-forwarded-for", b"X-Forwarded-For: " + b", ".join([*filter(None, before), forwarding.peer])),
        (b"x-forwarded-proto", b"X-Forwarded-Proto: " + forwarding.scheme),
        (b"x-real-ip", b"X-Real-IP: " + forwarding.peer),
        (b"via", b"Via: 1.%d %b" % (head.version - 10, VIA)),
        (b"x-forwarded-host", b"X-Forwarded-Host: " + (head.authority or forwarding.authority)),
    )
    return [field for field in added if field[0] not in said]

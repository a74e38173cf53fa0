"""A request head as the upstream gets it: without the hop behind it, with what this hop knows (RFC 9110 7.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.http1.addresses import address_of_node
from proxy.http1.fields import VIA, Field, join_fields, new_field, value_of
from proxy.http1.heads import RequestHead

MAX_PROXIES: Final = 32
"""So many elements of X-Forwarded-For are looked at, from its end: each is one proxy before this one."""

_PLAIN: Final = re.compile(rb"[!-~]+").fullmatch
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,128}").fullmatch

_OVERWRITTEN: Final = frozenset({b"x-forwarded-for", b"x-request-id"})
_REPLACED: Final = _OVERWRITTEN | {b"forwarded", b"x-real-ip"}
_GROWING: Final = frozenset({b"x-forwarded-for", b"via"})


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


def client_address(head: RequestHead, trusts: Callable[[str], bool]) -> bytes:
    """The client's address, as a trusted proxy in front of this one tells it; ``b""`` where it tells none.

    Each proxy adds to the end of X-Forwarded-For whom it was asked by. So the list is read from there, and only as far
    as ``trusts`` says yes: the first address that is no trusted proxy's is the client, whatever stands before it. Where
    an element is no address, nothing before it can be believed either.
    """
    if head.fields is None:
        return b""
    nodes = b",".join(_forwarded_for(head.fields)).rsplit(b",", MAX_PROXIES)
    client = ""
    for node in nodes[: -MAX_PROXIES - 1 : -1]:
        address = address_of_node(node.strip(b" \t"))
        if address is None:
            break
        client = address
        if not trusts(address):
            break
    return client.encode()


def client_scheme(head: RequestHead, forwarding: Forwarding) -> bytes:
    """Over which scheme the client asked, ``http`` or ``https``: as a trusted proxy in front of this one tells it."""
    if head.fields is not None and forwarding.trusted:
        told = [value_of(line).lower() for lower, line in head.fields if lower == b"x-forwarded-proto"]
        if told in ([b"http"], [b"https"]):
            return told[0]
    return forwarding.scheme


def forward_request(
    head: RequestHead, forwarding: Forwarding, request_id: bytes, client: bytes = b"", traceparent: bytes = b""
) -> bytes:
    """The head for the upstream, always HTTP/1.1: hop-by-hop fields gone, what this hop adds at the end.

    ``request_id`` must be a token. ``client`` is the client's address where a trusted proxy has told it,
    ``traceparent`` where the upstream stands in the trace; without it the upstream is told of none.
    """
    if head.fields is not None:
        return _rebuild(head, head.fields, forwarding, request_id, client or forwarding.peer, traceparent)
    return b"".join(
        (
            head.method,
            b" ",
            head.target,
            b" HTTP/1.1\r\n",
            head.passed,
            forwarding.known,
            head.authority,
            b"\r\nX-Request-Id: ",
            request_id,
            b"\r\ntraceparent: " + traceparent + b"\r\n\r\n" if traceparent else b"\r\n\r\n",
        )
    )


def _forwarded_for(fields: list[Field]) -> list[bytes]:
    return [value for lower, line in fields if lower == b"x-forwarded-for" and (value := value_of(line))]


def _rebuild(
    head: RequestHead,
    fields: list[Field],
    forwarding: Forwarding,
    request_id: bytes,
    client: bytes,
    traceparent: bytes,
) -> bytes:
    if forwarding.trusted:
        kept = [field for field in fields if field[0] not in _OVERWRITTEN]
    else:
        kept = [f for f in fields if f[0] not in _REPLACED and not f[0].startswith(b"x-forwarded-")]
    if not any(lower == b"host" for lower, _ in kept):
        kept.insert(0, new_field(b"Host", head.authority or forwarding.authority))
    kept += _added(head, fields, forwarding, client)
    kept.append(new_field(b"X-Request-Id", request_id))
    if traceparent:
        kept.append(new_field(b"traceparent", traceparent))
    if head.upgrade:
        kept += [new_field(b"Connection", b"upgrade"), new_field(b"Upgrade", head.upgrade)]
    return join_fields(b"%b %b HTTP/1.1" % (head.method, head.target), kept)


def _added(head: RequestHead, fields: list[Field], forwarding: Forwarding, client: bytes) -> list[Field]:
    """What this hop knows, except where a trusted client has said it already. X-Forwarded-For grows by one address."""
    before: list[bytes] = []
    said: set[bytes] = set()
    if forwarding.trusted:
        before = _forwarded_for(fields)
        said = {lower for lower, _ in fields} - _GROWING
    added = (
        (b"x-forwarded-for", b"X-Forwarded-For: " + b", ".join([*before, forwarding.peer])),
        (b"x-forwarded-proto", b"X-Forwarded-Proto: " + forwarding.scheme),
        (b"x-real-ip", b"X-Real-IP: " + client),
        (b"via", b"Via: 1.%d %b" % (head.version - 10, VIA)),
        (b"x-forwarded-host", b"X-Forwarded-Host: " + (head.authority or forwarding.authority)),
    )
    return [field for field in added if field[0] not in said]

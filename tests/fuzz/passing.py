"""What may differ between the two sides of the front door, said once more and on its own: the documented changes."""

from __future__ import annotations

import re

from tests.fuzz.readings import Fields, Message, Reply, list_of

HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"proxy-authenticate",
    b"proxy-authentication-info",
    b"proxy-authorization",
    b"te",
    b"trailer",
    b"upgrade",
    b"http2-settings",
}
OUR_OWN = b"x-bluegreen-"
MAX_FORWARDS = b"max-forwards"
FRAMING = {b"content-length", b"transfer-encoding"}
TOLD = {b"x-real-ip", b"x-request-id", b"forwarded"}
"""What an untrusted client says of itself is replaced, as are all X-Forwarded-*."""
REQUEST_KEEPS = {b"cookie", b"authorization", b"via", b"forwarded", b"x-real-ip", b"x-request-id"}
RESPONSE_KEEPS = {b"set-cookie", b"content-type", b"via", b"x-request-id"}

_ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL).fullmatch


def forwarded_target(message: Message) -> bytes:
    """The target in origin-form (RFC 9112 3.2.1), or ``*``."""
    match = _ABSOLUTE(message.target)
    if match is None:
        return message.target
    rest = match[2]
    if not rest and message.method == b"OPTIONS":
        return b"*"
    return rest if rest[:1] == b"/" else b"/" + rest


def is_for_us(name: bytes) -> bool:
    """Whether the front door takes such a field from a client and says it itself."""
    return name in TOLD or name.startswith(b"x-forwarded-")


def passed_on(message: Message) -> Fields:
    """The fields of a request that reach the upstream, in order, without those that frame it."""
    removed = HOP_BY_HOP | FRAMING | {b"proxy"} | (message.options - REQUEST_KEEPS)
    if message.version < b"1.1" or not (message.framing == "chunked" or _length(message)):
        removed |= {b"expect"}
    fields = [
        (name, value)
        for name, value in message.fields
        if name not in removed and not is_for_us(name) and b"_" not in name and not name.startswith(OUR_OWN)
    ]
    if message.method != b"OPTIONS":
        return fields
    return [
        (name, b"%d" % (int(value) - 1) if name == MAX_FORWARDS and value.isdigit() else value)
        for name, value in fields
    ]


def ends_here(message: Message) -> bool:
    """Whether the front door is the last hop that may be asked (RFC 9110 7.6.2), so that it answers by itself."""
    return message.method == b"OPTIONS" and any(
        int(value) == 0 for value in message.values(MAX_FORWARDS) if value.isdigit()
    )


def arrived(message: Message, reference: Message) -> Fields:
    """The fields that an upstream read, without those that the front door adds and those that frame the request.

    ``reference`` is what the client sent: a Host is only added where it had none.
    """
    fields = [(name, value) for name, value in message.fields if not is_for_us(name) and name not in FRAMING]
    if message.values(b"upgrade"):
        fields = [(name, value) for name, value in fields if name not in {b"connection", b"upgrade"}]
    if not reference.values(b"host"):
        fields = [(name, value) for name, value in fields if name != b"host"]
    added = (b"via", b"%b bluegreen" % reference.version)
    if fields.count(added) > 0:
        fields.reverse()  # ours is the last
        fields.remove(added)
        fields.reverse()
    return fields


def _length(message: Message) -> int:
    lengths = message.values(b"content-length")
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def same_framing(message: Message, reference: Message) -> bool:
    """Whether both delimit their bodies in the same way, a length in its one plain form."""
    if message.framing != reference.framing:
        return False
    return message.framing != "length" or message.values(b"content-length") == [b"%d" % _length(reference)]


def reply_passed_on(reply: Reply) -> Fields:
    """The fields of an answer that reach the client, in order, without those that frame it."""
    options = list_of(reply.values(b"connection"))
    removed = HOP_BY_HOP | FRAMING | (options - RESPONSE_KEEPS)
    return [(name, value) for name, value in reply.fields if name not in removed]


def reply_arrived(reply: Reply, theirs: Reply) -> Fields:
    """The fields that a client read, without those that the front door adds and those that frame the answer."""
    added = FRAMING | {b"connection", b"upgrade"}
    added |= {name for name in (b"date", b"x-request-id") if not any(name == other for other, _ in theirs.fields)}
    fields = [(name, value) for name, value in reply.fields if name not in added]
    ours = [index for index, (name, value) in enumerate(fields) if name == b"via" and value.endswith(b" bluegreen")]
    if ours:
        del fields[ours[-1]]
    return fields


def is_our_own(reply: Reply) -> bool:
    """Whether the front door gave this answer by itself: what it passes on goes through Via."""
    return not any(value.endswith(b" bluegreen") for value in reply.values(b"via"))

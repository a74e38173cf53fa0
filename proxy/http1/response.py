"""stand-in"""
from __future__ import annotations
import re
from proxy.http1.errors import Reason, ResponseError
from proxy.http1.fields import HOP_BY_HOP, connection_options, join_fields, keeps_alive, meaning_of, new_field, split_fields
from proxy.http1.framing import CHUNKED, UNTIL_CLOSE, body_length
from proxy.http1.heads import ResponseHead
_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n").match
def read_response(head: bytes, *, method: bytes) -> ResponseHead:
    m = _LINE(head)
    if not m: raise ResponseError(Reason.STATUS_LINE, "bad status line")
    version = 10 + int(m[1]); status = int(m[2])
    fields = split_fields(head, m.end(), ResponseError)
    meaning = meaning_of(fields)
    length = body_length(meaning, version, ResponseError)
    if method == b"HEAD" or status in (204,304) or status < 200: n = 0
    else: n = UNTIL_CLOSE if length is None else length
    opts = connection_options(meaning, ResponseError)
    ct = b"".join(meaning.get(b"content-type", ()))
    drop = HOP_BY_HOP | set(opts) | {b"transfer-encoding"}
    kept = [f for f in fields if f[0] not in drop]
    return ResponseHead(raw=head, status=status, version=version, length=n, keep_alive=keeps_alive(version, opts) and n != UNTIL_CLOSE,
        event_stream=ct.lower().startswith(b"text/event-stream"), has_request_id=any(f[0]==b"x-request-id" for f in fields),
        upgrade=b"".join(meaning.get(b"upgrade", ())) if status==101 else b"", fields=kept)
def forward_response(head: ResponseHead, *, version: int, keep_alive: bool, request_id: bytes) -> bytes:
    fields = list(head.fields or [])
    if head.status == 101: fields += [new_field(b"Connection", b"upgrade"), new_field(b"Upgrade", head.upgrade)]
    else:
        if head.length < 0 and version == 11: fields.append(new_field(b"Transfer-Encoding", b"chunked"))
        if not keep_alive: fields.append(new_field(b"Connection", b"close"))
    if head.status >= 200 and not head.has_request_id: fields.append(new_field(b"X-Request-Id", request_id))
    fields.append(new_field(b"Via", b"1.1 bluegreen"))
    return join_fields(b"HTTP/1.1 %d " % head.status + head.raw[13:head.raw.index(b"\r\n")], fields)

"""An upstream's answer on its way to the client: bytes in, bytes out, and what there is to know of it on the way."""

from __future__ import annotations

from proxy.dataplane.bodies import ResponseBody
from proxy.http1.errors import Reason, ResponseError
from proxy.http1.heads import RequestHead, ResponseHead
from proxy.http1.response import MAX_RESPONSE_HEAD, forward_response, read_response, refuse_unasked_switch

MAX_INTERIM = 16
"""1xx heads that may come before the final one."""

END_OF_HEAD = b"\r\n\r\n"


class Answer:
    """Reads interim heads, the final head and the body. It is done with the body, or when the protocol is switched."""

    __slots__ = ("_body", "_buffer", "_interim", "_request", "_request_id", "begun", "head", "keep_alive", "switched")

    def __init__(self, request: RequestHead, request_id: bytes) -> None:
        self._request = request
        self._request_id = request_id
        self._buffer = b""
        self._interim = 0
        self._body: ResponseBody | None = None
        self.begun = False
        """Whether the upstream has sent anything at all."""
        self.head: ResponseHead | None = None
        """The final head, once it is complete."""
        self.keep_alive = False
        """Whether the client was told that its connection stays open."""
        self.switched = False
        """Whether the upstream agreed to another protocol; what follows the head is in :meth:`rest`."""

    @property
    def done(self) -> bool:
        """Whether everything has come."""
        return self._body is not None and self._body.done

    @property
    def reusable(self) -> bool:
        """Whether the upstream's connection is as good as new after it."""
        return self.head is not None and self.head.keep_alive and self._body is not None and not self._body.surplus

    @property
    def rest(self) -> bytes:
        """Bytes after the head of a switch of protocols: they belong to the other protocol."""
        return self._buffer

    def feed_head(self, data: bytes, *, keep_alive: bool) -> bytes:
        """The bytes for the client, while the final head is not there yet.

        ``keep_alive`` is whether the client's connection may stay open, if this completes the head.

        Raises:
            ResponseError: the upstream does not speak HTTP as it should.
        """
        self.begun = True
        self._buffer += data
        out = b""
        while (end := self._buffer.find(END_OF_HEAD) + 4) > 3:
            head = read_response(self._buffer[:end], method=self._request.method)
            rest, self._buffer = self._buffer[end:], b""
            if head.status == 101:
                self._buffer = rest
                return out + self._switch(head)
            if head.status >= 200:
                return out + self._final(head, rest, keep_alive=keep_alive)
            self._buffer = rest
            out += self._pass_interim(head)
        if len(self._buffer) > MAX_RESPONSE_HEAD:
            raise ResponseError(Reason.HEAD_TOO_LONG, f"the answer's head is larger than {MAX_RESPONSE_HEAD} bytes")
        return out

    def feed_body(self, data: bytes) -> bytes:
        """The bytes for the client, once the final head is there.

        Raises:
            ResponseError: the body's framing is broken.
        """
        assert self._body is not None
        return self._body.feed(data)

    def end(self) -> bytes | None:
        """The last bytes for the client when the upstream has closed; ``None`` when that cuts the answer short."""
        return self._body.end() if self._body is not None else None

    def _final(self, head: ResponseHead, rest: bytes, *, keep_alive: bool) -> bytes:
        version = self._request.version
        self.head = head
        self._body = ResponseBody(head.length, version)
        self.keep_alive = keep_alive and (version > 10 or head.length >= 0)  # 1.0 knows no chunks: the close is the end
        out = forward_response(head, version=version, keep_alive=self.keep_alive, request_id=self._request_id)
        return out + self._body.feed(rest) if rest else out

    def _switch(self, head: ResponseHead) -> bytes:
        refuse_unasked_switch(head, self._request.upgrade)
        self.head = head
        self.switched = True
        return forward_response(head, version=11, keep_alive=True, request_id=self._request_id)

    def _pass_interim(self, head: ResponseHead) -> bytes:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            raise ResponseError(Reason.STATUS_LINE, f"more than {MAX_INTERIM} interim answers")
        if self._request.version < 11:  # RFC 9110 section 15.2: a 1.0 client knows no interim answers
            return b""
        return forward_response(head, version=11, keep_alive=True, request_id=self._request_id)

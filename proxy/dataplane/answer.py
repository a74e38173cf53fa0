"""An upstream's answer on its way to the client: bytes in, bytes out, and what there is to know of it on the way."""

from __future__ import annotations

from typing import Final

from proxy.dataplane.bodies import ResponseBody
from proxy.dataplane.dates import DateValue
from proxy.dataplane.disclosure import with_disclosed
from proxy.http1.cookies import with_cookie
from proxy.http1.errors import Reason, ResponseError
from proxy.http1.heads import RequestHead, ResponseHead
from proxy.http1.recent import Recent
from proxy.http1.response import check_partial_response, forward_response, read_response, refuse_unasked_switch

MAX_INTERIM: Final = 16
"""1xx heads that may come before the final one."""

END_OF_HEAD: Final = b"\r\n\r\n"


class Answer:
    """Reads interim heads, the final head and the body. It is done with the body, or when the protocol is switched."""

    __slots__ = (
        "_body",
        "_buffer",
        "_date",
        "_interim",
        "_recent",
        "_request",
        "_request_id",
        "begun",
        "continued",
        "cookie",
        "disclosed",
        "head",
        "keep_alive",
        "switched",
    )

    def __init__(
        self, request: RequestHead, request_id: bytes, date: DateValue, recent: Recent[ResponseHead] | None = None
    ) -> None:
        """``recent`` are the heads that were read before, of whichever answers."""
        self._request = request
        self._request_id = request_id
        self._date = date
        self._recent = recent
        self._buffer = b""
        self._interim = 0
        self._body: ResponseBody | None = None
        self.cookie = b""
        """The line that is to set a cookie, unless the upstream sets one of that name."""
        self.disclosed = b""
        """Lines that are added to the final head, or to that of a switch."""
        self.begun = False
        """Whether the upstream has sent anything at all."""
        self.continued = False
        """Whether it has asked for the body with a 100."""
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
        body = self._body
        return self.head is not None and self.head.keep_alive and body is not None and body.done and not body.surplus

    @property
    def surplus(self) -> bool:
        """Whether the upstream has sent more than one answer, or a body where there can be none."""
        return self._body is not None and self._body.surplus

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
        seen = len(self._buffer)
        self._buffer = self._buffer + data if seen else data
        out = b""
        while (end := self._buffer.find(END_OF_HEAD, max(seen - 3, 0)) + 4) > 3:
            head = read_response(self._buffer[:end], method=self._request.method, recent=self._recent)
            rest, self._buffer = self._buffer[end:], b""
            if head.status == 101:
                self._buffer = rest
                return out + self._switch(head)
            if head.status >= 200:
                return out + self._final(head, rest, keep_alive=keep_alive)
            self._buffer, seen = rest, 0
            out += self._pass_interim(head)
        if self._buffer:
            check_partial_response(self._buffer, seen=seen)
        return out

    def feed_body(self, data: bytes) -> bytes:
        """The bytes for the client, once the final head is there.

        Raises:
            ResponseError: the body's framing is broken.
        """
        assert self._body is not None
        return self._body.feed(data)

    def end_early(self) -> bytes | None:
        """The last bytes for the client of an event stream that goes no further; ``None`` where that shows as a cut.

        Events are complete once their empty line is there, and who follows a stream asks again when it ends (HTML,
        section 9.2). So its end loses nothing, which cannot be said of any other answer.
        """
        if self.head is None or not self.head.event_stream or self._body is None:
            return None
        return self._body.end_early()

    def end(self) -> bytes | None:
        """The last bytes for the client when the upstream has closed; ``None`` when that cuts the answer short."""
        return self._body.end() if self._body is not None else None

    def _final(self, head: ResponseHead, rest: bytes, *, keep_alive: bool) -> bytes:
        version = self._request.version
        self.head = head
        self._body = ResponseBody(head.length, version)
        self.keep_alive = keep_alive and (version > 10 or head.length >= 0)  # 1.0 knows no chunks: the close is the end
        out = forward_response(
            head, version=version, keep_alive=self.keep_alive, request_id=self._request_id, date=self._date.now
        )
        if self.cookie:
            out = with_cookie(out, self.cookie)
        if self.disclosed:
            out = with_disclosed(out, self.disclosed)
        return out + self._body.feed(rest) if rest else out

    def _switch(self, head: ResponseHead) -> bytes:
        refuse_unasked_switch(head, self._request.upgrade)
        self.head = head
        self.switched = True
        out = self._forward_interim(head)
        return with_disclosed(out, self.disclosed) if self.disclosed else out

    def _pass_interim(self, head: ResponseHead) -> bytes:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            raise ResponseError(Reason.STATUS_LINE, f"more than {MAX_INTERIM} interim answers")
        if head.status == 100:
            self.continued = True
        if self._request.version < 11:  # RFC 9110 section 15.2: a 1.0 client knows no interim answers
            return b""
        return self._forward_interim(head)

    def _forward_interim(self, head: ResponseHead) -> bytes:
        return forward_response(head, version=11, keep_alive=True, request_id=self._request_id, date=self._date.now)

"""stand-in"""
from __future__ import annotations
import re
from proxy.http1.errors import Fault, Reason
LAST_CHUNK = b"0\r\n\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\r\n]*)?").fullmatch
class ChunkedDecoder:
    def __init__(self, fault: Fault) -> None:
        self._fault = fault; self._buf = b""; self._left = 0; self._state = 0
        self.done = False; self.surplus = b""
    def feed(self, data: bytes) -> list[bytes]:
        buf = self._buf + data; out = []
        while True:
            if self._state == 0:
                i = buf.find(b"\r\n")
                if i < 0: break
                m = _SIZE(buf[:i])
                if not m: raise self._fault(Reason.CHUNK, "bad chunk size")
                buf = buf[i+2:]; self._left = int(m[1],16); self._state = 1 if self._left else 3
            elif self._state == 1:
                if not buf: break
                p = buf[:self._left]; out.append(p); self._left -= len(p); buf = buf[len(p):]
                if not self._left: self._state = 2
            elif self._state == 2:
                if len(buf) < 2: break
                if buf[:2] != b"\r\n": raise self._fault(Reason.CHUNK, "bad chunk end")
                buf = buf[2:]; self._state = 0
            else:
                i = buf.find(b"\r\n")
                if i < 0: break
                line = buf[:i]; buf = buf[i+2:]
                if not line: self.done = True; self.surplus = buf; buf = b""; break
        self._buf = buf
        return out
def encode_chunk(pieces: list[bytes]) -> bytes:
    body = b"".join(pieces)
    return b"%x\r\n%b\r\n" % (len(body), body)

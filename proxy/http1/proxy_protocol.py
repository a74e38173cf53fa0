"""The PROXY protocol, versions 1 and 2: who a connection comes from, told by the balancer that passes it on.

It is read before any HTTP, so nothing is guessed: where it is asked for, what does not begin with it is refused. It
says who the client is, and whoever may say that must not be misread; so there is one spelling for everything.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

from proxy.http1.addresses import shortest_address
from proxy.http1.errors import Reason, RequestError

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
"""How version 2 begins: bytes that no other protocol takes well."""

MAX_V1: Final = 107
"""Bytes of a version 1 line with its CR LF."""

MAX_V2: Final = 4096
"""Bytes of a version 2 header that are taken: balancers add a certificate's name, not a book."""

_V1: Final = b"PROXY "
_FIXED: Final = struct.Struct("!12sBBH")

_LINE: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|(TCP[46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]+) ([0-9]+))\r\n"
).fullmatch
_PORT: Final = re.compile(rb"0|[1-9][0-9]{0,4}").fullmatch

_LOCAL, _PROXY = 0x20, 0x21
_UNSPECIFIED: Final = 0x00
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESSES: Final = {_TCP4: 12, 0x12: 12, _TCP6: 36, 0x22: 36, 0x31: 216, 0x32: 216}
"""Bytes of the addresses of each family and kind of socket: TCP and UDP, then unix streams and datagrams."""

_CHECKSUM: Final = 0x03


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What stands before the first request of a connection."""

    size: int
    """Bytes of the header: what follows is HTTP."""
    client: str
    """The client's address, in its shortest form; empty where the header names none."""
    local: bool = False
    """Whether the balancer speaks for itself (a health check), so that the connection is its own."""


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that ``data``, everything that came so far, begins with; ``None`` while it is not complete.

    Raises:
        RequestError: it is no header of either version, as soon as that can be told.
    """
    if data.startswith(SIGNATURE[: len(data)]):
        return _read_v2(data)
    if data.startswith(_V1[: len(data)]):
        return _read_v1(data)
    raise _refused("the connection does not begin with a PROXY header")


def _read_v1(data: bytes) -> ProxyHeader | None:
    size = data.find(b"\n", 0, MAX_V1) + 1
    if not size:
        if len(data) >= MAX_V1:
            raise _refused("the PROXY line is too long")
        return None
    match = _LINE(data[:size])
    if match is None:
        raise _refused("the PROXY line is malformed")
    family, source, destination, *ports = match.groups()
    if family is None:
        return ProxyHeader(size, "")
    if not all(_PORT(port) and int(port) <= 65535 for port in ports):
        raise _refused("the PROXY line has a port that is none")
    _address(destination, family)
    return ProxyHeader(size, _address(source, family))


def _address(text: bytes, family: bytes) -> str:
    try:
        if (b":" in text) is (family == b"TCP6"):
            return shortest_address(text.decode("ascii"))
    except ValueError:
        pass
    raise _refused("the PROXY line has an address that is none")


def _read_v2(data: bytes) -> ProxyHeader | None:
    _check_begun(data)
    if len(data) < _FIXED.size:
        return None
    _, command, kind, length = _FIXED.unpack_from(data)
    size = _FIXED.size + length
    if size > MAX_V2:
        raise _refused("the PROXY header is too long")
    if command == _PROXY and length < _ADDRESSES.get(kind, 0):
        raise _refused("the PROXY header is too short for its addresses")
    if len(data) < size:
        return None
    if command == _LOCAL:
        return ProxyHeader(size, "", local=True)
    if kind != _UNSPECIFIED:
        _check_records(data[:size], _FIXED.size + _ADDRESSES[kind])
    return ProxyHeader(size, _client(data, kind))


def _check_begun(data: bytes) -> None:
    """Refuse an unknown version, command or family as soon as its byte is there."""
    if len(data) > 12 and data[12] not in (_LOCAL, _PROXY):
        raise _refused("the PROXY header is of no known version or command")
    if len(data) > 13 and data[12] == _PROXY and data[13] != _UNSPECIFIED and data[13] not in _ADDRESSES:
        raise _refused("the PROXY header is of no known family")


def _client(data: bytes, kind: int) -> str:
    if kind == _TCP4:
        return shortest_address(data[16:20])
    if kind == _TCP6:
        return shortest_address(data[16:32])
    return ""


def _check_records(header: bytes, start: int) -> None:
    """What follows the addresses is passed over, but has to be whole; and a checksum has to be right."""
    checksums = []
    while start < len(header):
        if start + 3 > len(header):
            raise _refused("the PROXY header ends within a record")
        kind, size = struct.unpack_from("!BH", header, start)
        if kind == _CHECKSUM:
            checksums.append((start + 3, size))
        start += 3 + size
    if start > len(header):
        raise _refused("the PROXY header ends within a record")
    if len(checksums) > 1:  # each would cost its sender nothing, and us a look at every byte
        raise _refused("the PROXY header has several checksums")
    if not all(_checksum_right(header, at, size) for at, size in checksums):
        raise _refused("the checksum of the PROXY header is wrong")


def _checksum_right(header: bytes, start: int, size: int) -> bool:
    """Whether the checksum at ``start`` is that of the header with zeros in its place."""
    if size != 4:
        return False
    blank = header[:start] + bytes(4) + header[start + 4 :]
    return crc32c(blank) == int.from_bytes(header[start : start + 4], "big")


def crc32c(data: bytes) -> int:
    """The CRC-32C (Castagnoli) of some bytes (RFC 3309). Headers are short, so a table of 256 does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc32c_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CRC32C: Final = tuple(map(_crc32c_of_byte, range(256)))


def _refused(message: str) -> RequestError:
    return RequestError(Reason.PROXY_PROTOCOL, message)

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from proxy.http1.errors import Reason, RequestError
from proxy.http1.proxy_protocol import MAX_V1, MAX_V2, SIGNATURE, ProxyHeader, crc32c, read_proxy_header

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
V4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 40000, 443)
V6 = (
    ipaddress.IPv6Address("2001:db8::7").packed
    + ipaddress.IPv6Address("2001:db8::1").packed
    + struct.pack("!HH", 40000, 443)
)
TCP4, TCP6 = 0x11, 0x21


def v2(block: bytes, *, command: int = 0x21, kind: int = TCP4, length: int | None = None) -> bytes:
    """A header of version 2; ``length`` makes it lie about itself."""
    return SIGNATURE + struct.pack("!BBH", command, kind, len(block) if length is None else length) + block


def record(kind: int, value: bytes) -> bytes:
    """One record behind the addresses."""
    return struct.pack("!BH", kind, len(value)) + value


def with_checksum(block: bytes, *, off_by: int = 0) -> bytes:
    """A header for TCP4 that ends with its checksum."""
    header = v2(block + record(3, bytes(4)))
    return header[:-4] + struct.pack("!I", (crc32c(header) + off_by) & 0xFFFFFFFF)


GOOD = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n", "192.0.2.7"),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n", "192.0.2.7"),
    (b"PROXY TCP6 2001:DB8:0:0::7 2001:db8::1 40000 443\r\n", "2001:db8::7"),
    (b"PROXY TCP6 " + b"ffff:" * 7 + b"ffff " + b"ffff:" * 7 + b"ffff 65535 65535\r\n", "ffff:" * 7 + "ffff"),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7"),
    (b"PROXY UNKNOWN\r\n", ""),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""),
    (b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 16) + b"\r\n", ""),
    (v2(V4), "192.0.2.7"),
    (v2(V6, kind=TCP6), "2001:db8::7"),
    (v2(ipaddress.IPv6Address("::ffff:192.0.2.7").packed + V6[16:], kind=TCP6), "192.0.2.7"),
    (v2(V4 + record(2, b"a.example") + record(4, b"\0" * 9) + record(0xEE, b"")), "192.0.2.7"),
    (v2(V4 + record(4, bytes(MAX_V2 - 16 - 12 - 3))), "192.0.2.7"),
    (with_checksum(V4), "192.0.2.7"),
    (with_checksum(V4 + record(2, b"a.example")), "192.0.2.7"),
    (v2(V4, kind=0x12), ""),
    (v2(V6, kind=0x22), ""),
    (v2(bytes(216), kind=0x31), ""),
    (v2(bytes(216) + record(4, b"x"), kind=0x32), ""),
    (v2(b"", kind=0), ""),
    (v2(b"anything", kind=0), ""),
    (v2(b"", command=0x20, kind=0), ""),
    (v2(b"anything", command=0x20, kind=0xFF), ""),
    (v2(V4, command=0x20), ""),
]

BAD = [
    REQUEST,
    b"\x16\x03\x01\x02\x00",
    b"PROXY\r\n",
    b"PROXY \r\n",
    b"PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY TCP5 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UNKNOWN \x00\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n",
    b"PROXY TCP4 192.0.2.7\t198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 nowhere 1 2\r\n",
    b"PROXY TCP4 ::1 ::1 1 2\r\n",
    b"PROXY TCP6 192.0.2.7 192.0.2.8 1 2\r\n",
    b"PROXY TCP6 ::1%eth0 ::1 1 2\r\n",
    b"PROXY TCP6 1::2::3 ::1 1 2\r\n",
    b"PROXY UNKNOWN " + b"x" * (MAX_V1 - 15) + b"\r\n",
    b"PROXY UNKNOWN " + b"x" * MAX_V1,
    SIGNATURE[:-1] + b"\r",
    b"\r\n\r\nG",
    b"\r\n" + REQUEST,
    v2(V4, command=0x11),
    v2(V4, command=0x31),
    v2(V4, command=0x22),
    v2(V4, kind=0x10),
    v2(V4, kind=0x13),
    v2(V4, kind=0x41),
    v2(V4, kind=0x01),
    v2(V4[:-1]),
    v2(V4, kind=TCP6),
    v2(bytes(215), kind=0x31),
    v2(V4 + b"\x04\x00"),
    v2(V4 + record(4, b"abc")[:-1]),
    v2(V4 + record(4, b"abc") + b"\x04\xff\xff"),
    v2(V4 + record(4, bytes(MAX_V2 - 16 - 12 - 2))),
    v2(V4, length=0xFFFF),
    v2(b"", command=0x20, length=MAX_V2),
    with_checksum(V4, off_by=1),
    v2(V4 + record(3, b"")),
    v2(V4 + record(3, bytes(5))),
]


@pytest.mark.parametrize(("header", "client"), GOOD)
def test_a_good_header_tells_the_client(header: bytes, client: str) -> None:
    """Both versions are read, whatever follows; no byte of the request is taken with them."""
    local = header.startswith(SIGNATURE + b"\x20")
    assert read_proxy_header(header) == ProxyHeader(len(header), client, local=local)
    assert read_proxy_header(header + REQUEST) == ProxyHeader(len(header), client, local=local)


@pytest.mark.parametrize(("header", "_client"), GOOD)
def test_a_part_of_a_good_header_is_waited_for(header: bytes, _client: str) -> None:
    """However it is cut, nothing is said before its last byte."""
    assert {read_proxy_header(header[:size]) for size in range(len(header))} == {None}


@pytest.mark.parametrize("header", BAD)
def test_anything_else_is_refused(header: bytes) -> None:
    """No guessing: one spelling, no other family, nothing too long, nothing too short."""
    with pytest.raises(RequestError) as caught:
        read_proxy_header(header)
    assert caught.value.reason is Reason.PROXY_PROTOCOL


@pytest.mark.parametrize(
    "beginning", [b"G", b"PROXX", b"\x16", b"\r\n\r\n\0\r\nQUIT\r", SIGNATURE + b"\x11", SIGNATURE + b"\x21\x13"]
)
def test_what_cannot_become_a_header_is_refused_at_once(beginning: bytes) -> None:
    """Nobody waits for the rest of what is wrong already."""
    assert read_proxy_header(beginning[:-1]) is None
    with pytest.raises(RequestError):
        read_proxy_header(beginning)


def test_one_checksum_is_enough() -> None:
    """Hundreds of them fit into a header, and each would have all of it summed up."""
    with pytest.raises(RequestError, match="several checksums"):
        read_proxy_header(v2(V4 + record(3, bytes(4)) * 500))


def test_the_checksum_is_the_one_that_everybody_has() -> None:
    """The check value of CRC-32C."""
    assert crc32c(b"123456789") == 0xE3069283


ANYTHING = st.binary(max_size=40)
NEARLY = st.sampled_from([header for header, _ in GOOD]).flatmap(
    lambda header: st.builds(
        lambda at, by: header[:at] + by + header[at + len(by) :], st.integers(0, min(len(header), 60)), ANYTHING
    )
)


def _verdict(data: bytes) -> ProxyHeader | Reason | None:
    try:
        return read_proxy_header(data)
    except RequestError as error:
        return error.reason


@given(ANYTHING | NEARLY | ANYTHING.map(lambda rest: SIGNATURE + b"\x21" + rest) | ANYTHING.map(b"PROXY ".__add__))
@example(b"")
def test_byte_by_byte_is_the_same_as_whole(data: bytes) -> None:
    """Every garbage gives an address, a wait or one kind of error; and the first verdict on a prefix is the last."""
    whole = _verdict(data)
    first = next((verdict for size in range(len(data) + 1) if (verdict := _verdict(data[:size])) is not None), None)
    assert first == whole
    if isinstance(whole, ProxyHeader):
        assert whole.size <= len(data)
        assert whole.client == "" or str(ipaddress.ip_address(whole.client)) == whole.client


@given(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.integers(0, 65535),
    st.lists(st.binary(max_size=30), max_size=5),
)
def test_what_a_balancer_writes_is_read(v4: str, v6: str, port: int, values: list[bytes]) -> None:
    """Every address comes through both versions unchanged."""
    assume(not v6.startswith("::ffff:"))
    records = b"".join(record(0xE0, value) for value in values)
    ends = struct.pack("!HH", port, port)
    for family, kind, client in ((b"TCP4", TCP4, v4), (b"TCP6", TCP6, v6)):
        line = b"PROXY %b %b %b %d %d\r\n" % (family, client.encode(), client.encode(), port, port)
        packed = ipaddress.ip_address(client).packed
        for header in (line, v2(packed * 2 + ends + records, kind=kind)):
            assert read_proxy_header(header + REQUEST) == ProxyHeader(len(header), client)

from __future__ import annotations

from ipaddress import ip_address

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.http1.errors import RequestError
from proxy.http1.forwarding import MAX_PROXIES, Forwarding, client_address, client_request_id, forward_request
from proxy.http1.request import read_request
from tests.http1.heads import BROWSER, request_heads, strict_fields

PEER = Forwarding(peer=b"192.0.2.7")
TRUSTED = Forwarding(peer=b"192.0.2.7", trusted=True)


def _head_of(*fields: bytes, line: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a.example") -> bytes:
    return b"\r\n".join([line, *([host] if host else []), *fields, b"", b""])


def _forwarded(head: bytes, forwarding: Forwarding = PEER) -> list[tuple[bytes, bytes]]:
    return strict_fields(forward_request(read_request(head, max_headers=100), forwarding, b"id-1"))


def _values(fields: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for lower, value in fields if lower == name]


def test_an_ordinary_head_passes_as_bytes() -> None:
    """Nothing of it changes but its Connection field; what this hop knows stands at the end."""
    sent = forward_request(read_request(BROWSER, max_headers=100), PEER, b"id-1")
    assert sent == BROWSER[:-2].replace(b"Connection: keep-alive\r\n", b"") + (
        b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 192.0.2.7\r\nVia: 1.1 bluegreen\r\n"
        b"X-Forwarded-Host: www.Example.com:8080\r\nX-Request-Id: id-1\r\n\r\n"
    )


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: close",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authorization: Basic YTpi",
        b"Proxy: http://evil.example",
        b"TE: trailers",
        b"Trailer: X-Sum",
        b"Upgrade: websocket",
        b"HTTP2-Settings: AAA",
        b"Content_Type: a/b",
        b"X_Forwarded_For: 10.0.0.1",
        b"Expect: 100-continue",
    ],
)
def test_what_is_for_this_hop_alone_is_not_forwarded(field: bytes) -> None:
    """Hop-by-hop fields end here, and so do names that hide another name behind an underscore."""
    name = field.partition(b":")[0].lower()
    assert _values(_forwarded(_head_of(field)), name) == []


def test_fields_named_in_connection_are_removed() -> None:
    """A client may declare further fields hop-by-hop, but not those on which somebody behind this proxy relies."""
    fields = _forwarded(
        _head_of(
            b"Connection: close, X-Mine, Cookie, X-Forwarded-For, authorization",
            b"X-Mine: 1",
            b"Cookie: a=b",
            b"Authorization: Bearer x",
        )
    )
    assert _values(fields, b"x-mine") == []
    assert _values(fields, b"cookie") == [b"a=b"]
    assert _values(fields, b"authorization") == [b"Bearer x"]
    assert _values(fields, b"x-forwarded-for") == [b"192.0.2.7"]


SPOOFED = (
    b"X-Forwarded-For: 10.0.0.1",
    b"x-forwarded-for: 10.0.0.2",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: shop.example",
    b"X-Forwarded-Port: 443",
    b"X-Real-IP: 10.0.0.1",
    b"Forwarded: for=10.0.0.1",
    b"X-Request-Id: abc",
)


def test_a_stranger_is_not_believed() -> None:
    """What a client says about where it comes from is replaced by what is known."""
    fields = _forwarded(_head_of(*SPOOFED))
    assert _values(fields, b"x-forwarded-for") == [b"192.0.2.7"]
    assert _values(fields, b"x-forwarded-proto") == [b"http"]
    assert _values(fields, b"x-forwarded-host") == [b"a.example"]
    assert _values(fields, b"x-real-ip") == [b"192.0.2.7"]
    assert _values(fields, b"x-request-id") == [b"id-1"]
    assert _values(fields, b"forwarded") == _values(fields, b"x-forwarded-port") == []


def test_a_trusted_proxy_is_believed() -> None:
    """What it says is kept, and its own address is added to the list."""
    fields = _forwarded(_head_of(*SPOOFED), TRUSTED)
    assert _values(fields, b"x-forwarded-for") == [b"10.0.0.1, 10.0.0.2, 192.0.2.7"]
    assert _values(fields, b"x-forwarded-proto") == [b"https"]
    assert _values(fields, b"x-forwarded-host") == [b"shop.example"]
    assert _values(fields, b"x-forwarded-port") == [b"443"]
    assert _values(fields, b"x-real-ip") == [b"10.0.0.1"]
    assert _values(fields, b"forwarded") == [b"for=10.0.0.1"]
    assert _values(fields, b"x-request-id") == [b"id-1"]


def _client(*fields: bytes, trusted: str = "10.") -> bytes:
    """The client whom a head names, where every address that begins so is a trusted proxy's."""
    return client_address(read_request(_head_of(*fields), max_headers=100), lambda address: address.startswith(trusted))


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (b"192.0.2.1", b"192.0.2.1"),
        (b"192.0.2.1, 10.0.0.1", b"192.0.2.1"),
        (b"192.0.2.1,10.0.0.2 ,\t10.0.0.1", b"192.0.2.1"),
        (b"203.0.113.9, 192.0.2.1, 10.0.0.1", b"192.0.2.1"),
        (b"10.0.0.3, 10.0.0.2", b"10.0.0.3"),
        (b"2001:DB8:0::1", b"2001:db8::1"),
        (b"[2001:db8::1]:4711, 10.0.0.1:80", b"2001:db8::1"),
        (b"192.0.2.1:4711", b"192.0.2.1"),
        (b"::ffff:192.0.2.1, ::ffff:10.0.0.1", b"192.0.2.1"),
        (b"", b""),
        (b"unknown", b""),
        (b"192.0.2.1, unknown", b""),
        (b"192.0.2.1, unknown, 10.0.0.1", b"10.0.0.1"),
        (b"192.0.2.1, , 10.0.0.1", b"10.0.0.1"),
        (b"192.0.2.1, 10.0.0.1.5, 10.0.0.1", b"10.0.0.1"),
        (b'192.0.2.1, "10.0.0.2", 10.0.0.1', b"10.0.0.1"),
        (b"192.0.2.1, 10.0.0.2%25x, 10.0.0.1", b"10.0.0.1"),
        (b"192.0.2.1, \xe9, 10.0.0.1", b"10.0.0.1"),
        (b"1.2.3.4:99999999, 10.0.0.1", b"10.0.0.1"),
        (b"192.0.2.1" + b", 10.0.0.1" * MAX_PROXIES, b"10.0.0.1"),
        (b"192.0.2.1" + b", 10.0.0.1" * (MAX_PROXIES - 1), b"192.0.2.1"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(chain: bytes, client: bytes) -> None:
    """What stands before that address, its sender may have made up; what is no address ends the list."""
    assert _client(b"X-Forwarded-For: " + chain) == client


def test_the_list_may_stand_in_several_lines() -> None:
    """Lines of one name are one list, in their order; a head without the field names nobody."""
    assert _client(b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-For:", b"x-forwarded-for: 10.0.0.1") == b"192.0.2.1"
    assert _client(b"X-Forwarded-For: 10.0.0.1", b"x-forwarded-for: 192.0.2.1") == b"192.0.2.1"
    assert _client() == _client(b"Via: 1.1 x") == b""


@given(st.lists(st.binary(max_size=12) | st.ip_addresses().map(lambda ip: str(ip).encode()), max_size=40))
def test_no_list_makes_it_stumble(nodes: list[bytes]) -> None:
    """Whatever stands in the field: an address in its shortest form, or none."""
    try:
        client = _client(b"X-Forwarded-For: " + b",".join(nodes), trusted="")
    except RequestError:
        return
    assert client == b"" or str(ip_address(client.decode())).encode() == client


def test_upstreams_are_told_of_the_client_behind_a_trusted_proxy() -> None:
    """X-Real-IP is the client that the log has, unless the proxy has said it itself."""
    head = read_request(_head_of(b"X-Forwarded-For: 192.0.2.1"), max_headers=100)
    fields = strict_fields(forward_request(head, TRUSTED, b"id-1", b"192.0.2.1"))
    assert _values(fields, b"x-real-ip") == [b"192.0.2.1"]
    assert _values(fields, b"x-forwarded-for") == [b"192.0.2.1, 192.0.2.7"]


@pytest.mark.parametrize("forwarding", [PEER, TRUSTED])
def test_nobody_speaks_with_the_names_of_this_proxy(forwarding: Forwarding) -> None:
    """Fields named like ours are not passed on, whoever sends them."""
    fields = _forwarded(_head_of(b"X-Bluegreen-Color: green", b"x-bluegreen-receipt: 1", b"X-Blue: 1"), forwarding)
    assert [name for name, _ in fields if name.startswith(b"x-blue")] == [b"x-blue"]


def test_a_trusted_proxy_that_says_nothing_is_spoken_for() -> None:
    """Trust alone adds nothing: what is not said is what is known."""
    assert _forwarded(_head_of(b"Via: 1.0 cdn"), TRUSTED) == _forwarded(_head_of(b"Via: 1.0 cdn"))


def test_via_grows_by_one() -> None:
    """Each hop adds itself and the version it was spoken to in."""
    assert _values(_forwarded(_head_of(b"Via: 1.0 cdn")), b"via") == [b"1.0 cdn", b"1.1 bluegreen"]
    assert _values(_forwarded(_head_of(line=b"GET / HTTP/1.0")), b"via") == [b"1.0 bluegreen"]


def test_an_old_client_is_spoken_for_in_the_new_version() -> None:
    """Upstreams get HTTP/1.1 with a Host, whatever the client spoke."""
    head = read_request(b"GET /x HTTP/1.0\r\n\r\n", max_headers=10)
    sent = forward_request(head, Forwarding(peer=b"::1", authority=b"127.0.0.1:8080"), b"id-1")
    assert sent.startswith(b"GET /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
    assert _values(strict_fields(sent), b"x-forwarded-host") == [b"127.0.0.1:8080"]


def test_absolute_form_is_forwarded_as_origin_form() -> None:
    """The upstream sees a path, and the Host that the target named."""
    head = read_request(b"GET http://a.example:81?q HTTP/1.0\r\n\r\n", max_headers=10)
    assert forward_request(head, PEER, b"i").startswith(b"GET /?q HTTP/1.1\r\nHost: a.example:81\r\n")


def test_framing_is_canonical() -> None:
    """A length is sent in the one form that everybody reads the same way."""
    assert _values(_forwarded(_head_of(b"Content-Length: 0005")), b"content-length") == [b"5"]
    assert _values(_forwarded(_head_of(b"Content-Length: 000")), b"content-length") == [b"0"]
    assert _values(_forwarded(_head_of(b"Transfer-Encoding: CHUNKED")), b"transfer-encoding") == [b"chunked"]


def test_an_upgrade_is_forwarded_anew() -> None:
    """The two fields of a legal switch of protocols are written by this hop, without HTTP/2 among them."""
    fields = _forwarded(
        _head_of(b"Connection: Upgrade, x", b"X: 1", b"Upgrade: h2c, websocket", b"Sec-WebSocket-Key: k")
    )
    assert fields[-2:] == [(b"connection", b"upgrade"), (b"upgrade", b"websocket")]
    assert _values(fields, b"x") == []
    assert _values(fields, b"sec-websocket-key") == [b"k"]


def test_obs_text_passes_byte_for_byte() -> None:
    """Bytes above 0x7f in a value mean nothing here and are not touched."""
    assert (b"x-a", b"caf\xe9 \xa0\x85\xff") in _forwarded(_head_of(b"X-A: caf\xe9 \xa0\x85\xff", b"TE: x"))


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [
        ([], b""),
        ([b"X-Request-Id: abc.DEF-1_2"], b"abc.DEF-1_2"),
        ([b"x-request-id:  " + b"a" * 128], b"a" * 128),
        ([b"X-Request-Id: " + b"a" * 129], b""),
        ([b"X-Request-Id:"], b""),
        ([b"X-Request-Id: a b"], b""),
        ([b'X-Request-Id: "a"'], b""),
        ([b"X-Request-Id: \xe9"], b""),
        ([b"X-Request-Id: a", b"X-Request-Id: a"], b""),
    ],
)
def test_request_id_of_the_client(fields: list[bytes], request_id: bytes) -> None:
    """Only one short and harmless id is offered for use."""
    assert client_request_id(read_request(_head_of(*fields), max_headers=10)) == request_id


@pytest.mark.parametrize("bad", [b"", b"a\r\nB: c", b"a b", b"\xe9"])
def test_what_cannot_stand_in_a_field_is_no_forwarding(bad: bytes) -> None:
    """Nothing that this proxy adds can break a head apart."""
    with pytest.raises(ValueError, match="header field"):
        Forwarding(peer=bad)
    with pytest.raises(ValueError, match="header field"):
        Forwarding(peer=b"::1", authority=bad)


@given(request_heads)
def test_another_parser_reads_the_same_request(head: bytes) -> None:
    """What is forwarded is strict HTTP/1.1, and h11 sees in it what was read here."""
    try:
        request = read_request(head, max_headers=100)
    except RequestError:
        return
    sent = forward_request(request, PEER, b"id-1")
    assert len(_values(strict_fields(sent), b"host")) == 1
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    event = server.next_event()
    assert isinstance(event, h11.Request)
    assert (event.method, event.target, event.http_version) == (request.method, request.target, b"1.1")
    assert [(bytes(k), bytes(v)) for k, v in event.headers] == strict_fields(sent)
    if request.length == 0:
        assert isinstance(server.next_event(), h11.EndOfMessage)
    else:
        assert server.next_event() is h11.NEED_DATA

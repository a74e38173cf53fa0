from __future__ import annotations

import pytest

from tests.wire.conftest import StartStage

WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: %b\r\n\r\n"
)


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT"])
async def test_a_forbidden_method_is_told_which_are_allowed(start_stage: StartStage, method: bytes) -> None:
    """405 comes with Allow (RFC 9110 15.5.6), and nothing reaches the upstream."""
    stage = await start_stage()
    heard = await stage.converse([method + b" / HTTP/1.1\r\nHost: a\r\n\r\n"])
    assert heard.statuses == [405]
    assert b"GET" in heard.answers[0].values(b"allow")[0]
    assert not heard.open
    assert stage.recorder.received == b""


async def test_another_websocket_version_is_told_which_there_is(start_stage: StartStage) -> None:
    """426 names the version and the protocol (RFC 6455 4.4, RFC 9110 15.5.22); 13 is the upstream's to answer."""
    stage = await start_stage()
    heard = await stage.converse([WEBSOCKET % b"99"])
    assert heard.statuses == [426]
    assert heard.answers[0].values(b"sec-websocket-version") == [b"13"]
    assert heard.answers[0].values(b"upgrade") == [b"websocket"]
    assert set(heard.answers[0].values(b"connection")) == {b"upgrade", b"close"}
    assert stage.recorder.received == b""
    assert (await stage.converse([WEBSOCKET % b"13"])).statuses == [200]


@pytest.mark.parametrize("start", [b"HEAD / HTTP/1.1\r\n", b"\r\nHEAD / HTTP/1.1\r\n", b"HEAD /# HTTP/1.1\r\n"])
async def test_a_refused_head_has_no_body(start_stage: StartStage, start: bytes) -> None:
    """An answer to HEAD ends with its head, even if it is a refusal (RFC 9110 9.3.2)."""
    stage = await start_stage()
    heard = await stage.converse([start + b"Host: a\r\nHost: b\r\n\r\n"], methods=(b"HEAD",))
    assert heard.statuses == [400]
    assert heard.rest == b""


@pytest.mark.parametrize("field", [b"Content_Length: 5", b"transfer_encoding: chunked"])
async def test_disguised_framing_is_refused(start_stage: StartStage, field: bytes) -> None:
    """What applications may take for a framing field is not passed on, and its message neither."""
    stage = await start_stage()
    heard = await stage.converse([b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n" + field + b"\r\n\r\nhello"])
    assert heard.statuses == [400]
    assert stage.recorder.received == b""

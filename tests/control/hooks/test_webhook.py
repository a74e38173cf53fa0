from __future__ import annotations

import asyncio
import base64
import json
import socket

import pytest

from proxy.control.gates.finding import Reply
from proxy.control.gates.webhook import signature
from proxy.control.hooks.hooks import Hooks
from proxy.control.hooks.webhook import status_url
from proxy.traffic.rollout.plan import WebhookHook
from tests.control.core import until
from tests.control.gates.desk import Desk, answer
from tests.control.hooks.conftest import SECRET, rolling

USELESS = "the webhook answered 200, but what it says is of no use: "
NOW = "Retry-After: 0"
MOVED = json.dumps({"addresses": {"a:3": "b:3"}}).encode()


async def test_what_a_webhook_is_told(hooks: Hooks, desk: Desk) -> None:
    """The batch, with what it runs and what it is to run, and the operation; signed like a gate."""
    outcome = await hooks.run(rolling(WebhookHook(desk.url("/roll"))))
    assert (outcome.ok, outcome.detail) == (True, "the webhook answered 204")
    (asked,) = desk.asked
    told = json.loads(asked.body)
    sent_at = told.pop("sent_at")
    assert told == {
        "id": "op-7@1700000000/update/2",
        "action": "update",
        "service": "shop",
        "color": "blue",
        "batch": 2,
        "upstreams": [{"address": "a:2", "version_before": "1"}, {"address": "a:3", "version_before": "1"}],
        "version": "2",
        "operation": {"id": "op-7", "reason": "Köln \ud800"},
    }
    assert asked.line == "POST /roll HTTP/1.1"
    assert asked.fields["bluegreen-signature"] == signature(SECRET, asked.body, int(sent_at))


@pytest.mark.parametrize(
    ("said", "moved"),
    [
        (answer(200, MOVED), {"a:3": "b:3"}),
        (answer(201, b"done", "Content-Type: text/plain"), {}),
        (answer(200, b" {} ", "Content-Type: application/json"), {}),
        (answer(204), {}),
    ],
    ids=["moved", "text", "empty object", "nothing"],
)
async def test_done_at_once(hooks: Hooks, desk: Desk, said: bytes, moved: dict[str, str]) -> None:
    """It may name new addresses; words for people mean nothing."""
    desk.says(said)
    outcome = await hooks.run(rolling(WebhookHook(desk.url())))
    assert (outcome.ok, dict(outcome.moved)) == (True, moved)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (answer(403, b"not on Fridays\nnor on Mondays"), "the webhook answered 403: not on Fridays"),
        (answer(302, b"", "Location: /there"), "the webhook answered 302; redirects are not followed"),
        (
            answer(200, b"[1]", "Content-Type: application/json"),
            USELESS + 'it is not an object such as {"addresses": {"old:port": "new:port"}}',
        ),
        (
            answer(200, b'{"addresses": {"z:9": "a:9"}}'),
            f"{USELESS}z:9 is not among the servers of this batch: a:2, a:3",
        ),
        (
            answer(200, b"{" + b" " * 70_000 + b"}"),
            f"{USELESS}it is longer than 64 KiB",
        ),
        (
            answer(202),
            "the webhook cannot be asked: it answered 202 without saying where to ask: neither Location nor status_url",
        ),
        (
            answer(202, b"", "Location: http://169.254.169.254/latest"),
            "the webhook cannot be asked: 169.254.169.254 is link-local, where clouds keep the secrets of machines",
        ),
    ],
    ids=["no", "redirect", "no object", "unknown server", "long", "nowhere", "metadata"],
)
async def test_failures(hooks: Hooks, desk: Desk, said: bytes, detail: str) -> None:
    """What cannot become good is not tried again."""
    desk.says(said.replace(b"Location: http://169", b"Retry-After: 0\r\nLocation: http://169"))
    outcome = await hooks.run(rolling(WebhookHook(desk.url())))
    assert (outcome.ok, outcome.detail, len(desk.asked)) == (False, detail, 1)


async def test_it_is_told_again_with_the_same_id(hooks: Hooks, desk: Desk) -> None:
    """5xx, 429 and a broken connection are no answer that will last."""
    desk.says(b"", answer(503, b"", NOW), answer(429, b"", NOW), answer(200))
    outcome = await hooks.run(rolling(WebhookHook(desk.url())))
    assert outcome.ok
    assert [json.loads(asked.body)["id"] for asked in desk.asked] == ["op-7@1700000000/update/2"] * 4


async def test_nobody_there_until_its_time_is_over(hooks: Hooks) -> None:
    """The last thing that was heard is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = await hooks.run(rolling(WebhookHook(f"http://127.0.0.1:{port}/", timeout=1.0)))
    assert outcome.detail == "the webhook was not done within 1 s: the connection was refused"


async def test_silence_until_its_time_is_over(hooks: Hooks, desk: Desk) -> None:
    """A webhook may answer late, and has all of its time for that."""
    desk.says(None)
    outcome = await hooks.run(rolling(WebhookHook(desk.url(), timeout=0.3)))
    assert outcome.detail == "the webhook was not done within 0.3 s: nothing was heard of it"


async def test_the_status_is_asked_for_until_it_is_final(hooks: Hooks, desk: Desk) -> None:
    """202 is still busy, 503 and a broken connection say nothing; Retry-After is honored, credentials are kept."""
    desk.says(
        answer(202, b"", "Location: ../jobs/7?x=1", NOW),
        answer(202, b"", NOW),
        answer(503, b"", NOW),
        answer(200, MOVED),
    )
    outcome = await hooks.run(rolling(WebhookHook(desk.url("/roll/now").replace("//", "//ada:secret@"))))
    assert (outcome.ok, dict(outcome.moved)) == (True, {"a:3": "b:3"})
    assert [asked.line for asked in desk.asked] == ["POST /roll/now HTTP/1.1"] + ["GET /jobs/7?x=1 HTTP/1.1"] * 3
    basic = f"Basic {base64.b64encode(b'ada:secret').decode()}"
    assert {asked.fields["authorization"] for asked in desk.asked} == {basic}


async def test_the_status_may_be_a_failure(hooks: Hooks, desk: Desk) -> None:
    """With its reason; the place may stand in the body."""
    desk.says(answer(202, json.dumps({"status_url": desk.url("/7")}).encode(), NOW), answer(410, b"gone wrong"))
    outcome = await hooks.run(rolling(WebhookHook(desk.url())))
    assert (outcome.ok, outcome.detail) == (False, "the webhook answered 410: gone wrong")


async def test_a_status_that_stays_busy(hooks: Hooks, desk: Desk) -> None:
    """The time is for all of it."""
    desk.says(answer(202, b"", "Location: /7", NOW), answer(202, b"pulling the image", "Retry-After: 30"))
    outcome = await hooks.run(rolling(WebhookHook(desk.url(), timeout=1.0)))
    assert outcome.detail == "the webhook was not done within 1 s: it answered 202: pulling the image"


async def test_cancelling_breaks_it_off(hooks: Hooks, desk: Desk) -> None:
    """Nobody is asked any more."""
    desk.says(None)
    run = asyncio.create_task(hooks.run(rolling(WebhookHook(desk.url()))))
    await until(lambda: len(desk.asked) == 1)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await until(lambda: desk.left == 1)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("/s", "https://ada:pw@ci.example/s"),
        ("https://ci.example/s#part", "https://ada:pw@ci.example/s"),
        ("https://bob@ci.example/s", "https://bob@ci.example/s"),
        ("http://ci.example/s", "http://ci.example/s"),
        ("//other.example:81/s", "https://other.example:81/s"),
    ],
)
def test_a_password_goes_to_nobody_else(written: str, url: str) -> None:
    """It is for that scheme, host and port alone."""
    assert status_url(Reply(202, {"Location": written}, b"", True), "https://ada:pw@ci.example/roll?x=1") == url


@pytest.mark.parametrize("written", ["ftp://ci.example/", "file:///etc/passwd", "http://[::1/", "http://a b/"])
def test_a_status_url_has_to_be_one(written: str) -> None:
    """It comes from somebody else, and may be anything."""
    with pytest.raises(ValueError, match="where it answered 202 wants to be asked is no "):
        status_url(Reply(202, {"Location": written}, b"", True), "https://ci.example/roll")


@pytest.mark.parametrize("said", [answer(202, b"", "Location: /7", NOW), answer(503, b"", NOW)], ids=["busy", "ill"])
async def test_one_that_wants_to_be_asked_at_once_is_not_flooded(hooks: Hooks, desk: Desk, said: bytes) -> None:
    """There is a rest between two requests, whatever it says."""
    desk.says(said)
    assert not (await hooks.run(rolling(WebhookHook(desk.url(), timeout=0.5)))).ok
    assert 2 <= len(desk.asked) <= 6

"""What must be refused: each with a code of its own, and with nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.traffic.commands import ObserveHealth
from proxy.traffic.model import Health
from proxy.traffic.spec import Color
from tests.control.admin.door import Admin, Api, running_admin
from tests.control.core import Core, running_core, until

SWITCH = "/v1/services/shop/switch"
SHIFT = "/v1/services/shop/shift"
GREEN_POOL = "/v1/services/shop/pools/green"


@dataclass(frozen=True, slots=True)
class Bad:
    """A call that has to be refused."""

    code: str
    status: int
    method: str
    path: str
    body: object = None
    data: bytes | None = None
    content_type: str = "application/json"
    words: str = ""
    """Something that the explanation has to say."""


def split(value: object, words: str = "green: must be") -> Bad:
    """A share that is none."""
    return Bad("invalid_body", 422, "PUT", "/v1/services/shop/split", {"green": value}, words=words)


def shift(body: dict[str, Any], words: str) -> Bad:
    """A shift that makes no sense."""
    return Bad("invalid_body", 422, "POST", SHIFT, {"to": "green", **body}, words=words)


def gate(kind: str, body: dict[str, Any], words: str) -> Bad:
    """A shift with a gate that makes no sense."""
    return shift({"over": "1m", "gates": {kind: [body]}}, words)


BAD = {
    "unknown color": Bad("unknown_color", 422, "POST", SWITCH, {"to": "purple"}, words="to: must be blue or green"),
    "unknown color of a pool": Bad("unknown_color", 422, "PUT", "/v1/services/shop/pools/red", {"upstreams": []}),
    "no healthy upstream": Bad("color_not_healthy", 409, "POST", SWITCH, {"to": "green"}, words="green"),
    "unknown service": Bad("service_not_found", 404, "POST", "/v1/services/nobody/switch", {"to": "green"}),
    "malformed JSON": Bad("malformed_json", 400, "POST", SWITCH, data=b'{"to": '),
    "not UTF-8": Bad("malformed_json", 400, "POST", SWITCH, data=b'{"to": "\xff"}'),
    "NaN": Bad("malformed_json", 400, "PUT", "/v1/services/shop/split", data=b'{"green": NaN}', words="NaN"),
    "deeply nested": Bad("malformed_json", 400, "POST", SWITCH, data=b"[" * 30_000 + b"]" * 30_000),
    "a number of 5000 digits": Bad("malformed_json", 400, "POST", SWITCH, data=b"1" * 5_000),
    "a name twice": Bad("malformed_json", 400, "POST", SWITCH, data=b'{"to": "green", "to": "blue"}', words="twice"),
    "no object": Bad("invalid_body", 422, "POST", SWITCH, data=b"[]", words="must be a JSON object"),
    "null": Bad("invalid_body", 422, "POST", SWITCH, data=b"null", words="must be a JSON object"),
    "nothing where something is needed": Bad("invalid_body", 422, "POST", SWITCH, words="to: is required"),
    "a misspelled field": Bad(
        "invalid_body",
        422,
        "POST",
        SWITCH,
        {"to": "green", "forse": True},
        words="forse: unknown field; did you mean force?",
    ),
    "a wrong kind": Bad("invalid_body", 422, "POST", SWITCH, {"to": "green", "force": "yes"}, words="force: "),
    "a form": Bad(
        "unsupported_media_type",
        415,
        "POST",
        SWITCH,
        data=b"to=green",
        content_type="application/x-www-form-urlencoded",
    ),
    "text that is JSON": Bad(
        "unsupported_media_type", 415, "POST", SWITCH, data=b'{"to":"green"}', content_type="text/plain"
    ),
    "another charset": Bad(
        "unsupported_media_type", 415, "POST", SWITCH, data=b"{}", content_type="application/json; charset=utf-16"
    ),
    "a body of 1 MB": Bad("body_too_large", 413, "POST", SWITCH, data=b" " * 1_000_000),
    "a reason with a line break": Bad(
        "invalid_body", 422, "POST", SWITCH, {"to": "green", "reason": "a\nb"}, words="reason: must have no control"
    ),
    "half a character": Bad("invalid_body", 422, "POST", SWITCH, data=b'{"to": "green", "reason": "\\ud800"}'),
    "a reason of 501 letters": Bad("invalid_body", 422, "POST", SWITCH, {"to": "green", "reason": "a" * 501}),
    "a mode that is none": Bad("invalid_body", 422, "POST", SWITCH, {"to": "green", "mode": "slow"}),
    "bounds without a hold": Bad("invalid_body", 422, "POST", SWITCH, {"to": "green", "max_wait": "5s"}),
    "a hold of nobody": Bad("invalid_body", 422, "POST", "/v1/services/shop/hold", {"max_requests": 0}),
    "a hold of no time": Bad("invalid_body", 422, "POST", "/v1/services/shop/hold", {"max_wait": "0s"}),
    "a hold of some size": Bad("invalid_body", 422, "POST", "/v1/services/shop/hold", {"max_bytes": "much"}),
    "maintenance or not": Bad("invalid_body", 422, "PUT", "/v1/services/shop/maintenance", {"message": "soon"}),
    "a share below 0": split(-0.01),
    "a share above 100": split(100.01),
    "a share with three decimals": split(12.345, "two decimals"),
    "a share in words": split("50"),
    "a share that is true": split(True),
    "no share": split(None),
    "an infinite share": Bad("invalid_body", 422, "PUT", "/v1/services/shop/split", data=b'{"green": 1e999}'),
    "a huge share": split(10**400),
    "nothing to roll back": Bad("nothing_to_roll_back", 409, "POST", "/v1/services/shop/rollback"),
    "a duplicate in a list": Bad(
        "duplicate_upstream", 409, "PUT", GREEN_POOL, {"upstreams": ["127.0.0.1:1", "127.0.0.1:1"]}, words="127.0.0.1:1"
    ),
    "a duplicate of what is there": Bad(
        "duplicate_upstream", 409, "POST", f"{GREEN_POOL}/upstreams", {"address": "b:1"}
    ),
    "an upstream that does not resolve": Bad(
        "upstream_not_resolvable",
        422,
        "POST",
        f"{GREEN_POOL}/upstreams",
        {"address": "no-such-host.invalid:80"},
        words="no-such-host.invalid:80",
    ),
    "one of a list that does not resolve": Bad(
        "upstream_not_resolvable", 422, "PUT", GREEN_POOL, {"upstreams": ["127.0.0.1:1", "no-such-host.invalid:80"]}
    ),
    "the metadata of a cloud": Bad(
        "upstream_not_allowed", 422, "POST", f"{GREEN_POOL}/upstreams", {"address": "169.254.169.254:80"}
    ),
    "the same in disguise": Bad(
        "upstream_not_allowed", 422, "POST", f"{GREEN_POOL}/upstreams", {"address": "[::ffff:169.254.169.254]:80"}
    ),
    "a link-local address": Bad("upstream_not_allowed", 422, "PUT", GREEN_POOL, {"upstreams": ["[fe80::1]:80"]}),
    "the front door": Bad(
        "upstream_not_allowed", 422, "POST", f"{GREEN_POOL}/upstreams", {"address": "localhost:8080"}
    ),
    "an address without a port": Bad("invalid_body", 422, "POST", f"{GREEN_POOL}/upstreams", {"address": "b"}),
    "a weight of 257": Bad(
        "invalid_body",
        422,
        "PUT",
        GREEN_POOL,
        {"upstreams": [{"address": "b:1", "weight": 257}]},
        words="upstreams[0].weight",
    ),
    "a weight below 0": Bad("invalid_body", 422, "PATCH", f"{GREEN_POOL}/upstreams/b:1", {"weight": -1}),
    "a weight that is no whole number": Bad(
        "invalid_body", 422, "PATCH", f"{GREEN_POOL}/upstreams/b:1", {"weight": 1.5}
    ),
    "an admin state that is none": Bad("invalid_body", 422, "PATCH", f"{GREEN_POOL}/upstreams/b:1", {"admin": "up"}),
    "a change of nothing": Bad(
        "invalid_body", 422, "PATCH", f"{GREEN_POOL}/upstreams/b:1", {}, words="nothing to change"
    ),
    "an upstream that is not there": Bad("upstream_not_found", 404, "DELETE", f"{GREEN_POOL}/upstreams/c:9"),
    "an upstream with no address": Bad("upstream_not_found", 404, "DELETE", f"{GREEN_POOL}/upstreams/nonsense"),
    "an operation that is not there": Bad("operation_not_found", 404, "POST", "/v1/operations/op-99/abort"),
    "reading an operation that is not there": Bad("operation_not_found", 404, "GET", "/v1/operations/op-99"),
    "a dry run that is neither true nor false": Bad(
        "invalid_query", 400, "POST", f"{SWITCH}?dry_run=1", {"to": "green"}, words="dry_run: must be true or false"
    ),
    "a dry run said twice": Bad("invalid_query", 400, "POST", f"{SWITCH}?dry_run=true&dry_run=false", {"to": "green"}),
    "waiting for what never comes": Bad("invalid_query", 400, "POST", f"{SWITCH}?wait=forever", {"to": "green"}),
    "waiting without a unit": Bad("invalid_query", 400, "GET", "/v1/operations/op-1?wait=30"),
    "a page of no entries": Bad("invalid_query", 400, "GET", "/v1/history?limit=0"),
    "a path that is nowhere": Bad("not_found", 404, "GET", "/v1/nothing"),
    "a method that is not possible": Bad("method_not_allowed", 405, "DELETE", "/v1/services/shop", words="GET"),
    "a shift without a plan": shift({}, "needs either over (a time) or steps"),
    "a shift with two plans": shift({"over": "1m", "steps": [{"percent": 100}]}, "needs either over (a time) or steps"),
    "a shift in no time": shift({"over": "0s"}, "over: must be longer than zero"),
    "a shift without a unit": shift({"over": 10}, "over: must have a unit"),
    "a shift to too much": shift({"over": "1m", "percent": 101}, "percent: must be a number from 0 to 100"),
    "no steps": shift({"steps": []}, "steps: "),
    "a step without an end": shift(
        {"steps": [{"percent": 5}, {"percent": 100}]}, "steps[0].pause is required: a time, or null"
    ),
    "a misspelled step": shift({"steps": [{"percnt": 5}]}, "steps[0].percnt: unknown field; did you mean percent?"),
    "a shift to a sick color": Bad("color_not_healthy", 409, "POST", SHIFT, {"to": "green", "over": "1m"}),
    "steps back and forth": Bad(
        "steps_not_steady",
        422,
        "POST",
        SHIFT,
        {"to": "green", "steps": [{"percent": 50, "pause": "1s"}, {"percent": 5, "pause": None}]},
    ),
    "new users without a cookie": Bad(
        "needs_sticky_cookie",
        409,
        "POST",
        SHIFT,
        {"to": "green", "over": "1m", "force": True, "new_users_only": {"deadline": "2h"}},
    ),
    "new users for ever": shift({"over": "1m", "new_users_only": {}}, "new_users_only.deadline: is required"),
    "a hook that is no address": gate("webhooks", {"url": "hook"}, "gates.webhooks[0].url: must begin with http:"),
    "a hook elsewhere": gate("webhooks", {"url": "file:///etc/passwd"}, "webhooks[0].url: must begin with http:"),
    "a hook of a broken port": gate("webhooks", {"url": "http://a:b/"}, "webhooks[0].url: must be a URL such as"),
    "a hook at a cloud's metadata": gate(
        "webhooks", {"url": "http://169.254.169.254/x"}, "gates.webhooks[0].url: 169.254.169.254 is link-local"
    ),
    "a hook there in disguise": gate(
        "webhooks", {"url": "http://[::ffff:169.254.169.254]/x"}, "gates.webhooks[0].url: 169.254.169.254 is link-local"
    ),
    "a hook at no moment": gate("webhooks", {"url": "http://a/", "at": []}, "gates.webhooks[0].at: "),
    "a hook at an unknown moment": gate("webhooks", {"url": "http://a/", "at": ["never"]}, "webhooks[0].at[0]: "),
    "a misspelled gate": shift({"over": "1m", "gates": {"webhook": []}}, "did you mean webhooks?"),
    "a query that is asked too late": gate(
        "prometheus", {"url": "http://a", "query": "up", "at": ["after"]}, "at: nothing is decided at after"
    ),
    "a query that cannot be met": gate(
        "prometheus", {"url": "http://a", "query": "up", "min": 2, "max": 1}, "prometheus[0]: min is above max"
    ),
    "an empty query": gate("prometheus", {"url": "http://a", "query": ""}, "gates.prometheus[0].query: "),
    "an approval of what is over": shift(
        {"over": "1m", "gates": {"approval": ["on_rollback"]}}, "gates.approval: nothing is decided at on_rollback"
    ),
    "pausing nothing": Bad("operation_not_found", 404, "POST", "/v1/operations/op-9/pause"),
}


@pytest.fixture
async def sick(core: Core) -> AsyncIterator[Admin]:
    """An admin API of a front door whose green upstream has failed its checks."""
    await core.controller.observe(ObserveHealth("shop", Color.GREEN, "b:1", Health.UNHEALTHY))
    async with running_admin(core) as admin:
        yield admin


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_bad_input_is_refused_by_name(sick: Admin, bad: Bad) -> None:
    """A problem document with the right code, in words that help, and the state as it was."""
    before = sick.core.controller.state
    history = await sick.core.history()
    reply = await sick.api.call(bad.method, bad.path, bad.body, data=bad.data, Content_Type=bad.content_type)
    assert (reply.status, reply.code) == (bad.status, bad.code)
    assert bad.words in reply.body["detail"]
    assert sick.core.controller.state is before
    assert await sick.core.history() == history


async def test_every_wrong_field_is_named(api: Api) -> None:
    """One round is enough to put a body right."""
    body = {"upstreams": [{"address": "b:1", "weight": -1}, {"adress": "c:1"}], "reson": "typo"}
    reply = await api.call("PUT", GREEN_POOL, body)
    assert {error["field"]: error["message"] for error in reply.body["errors"]} == {
        "upstreams[0].weight": "Input should be greater than or equal to 0",
        "upstreams[1].address": "is required",
        "upstreams[1].adress": "unknown field; did you mean address?",
        "reson": "unknown field; did you mean reason?",
    }


async def test_a_second_operation_names_the_first(admin: Admin) -> None:
    """While a switch is being applied, another is refused and told which one is in the way."""
    admin.core.crew.workers[0].asleep = True
    first = asyncio.create_task(admin.api.call("POST", SWITCH, {"to": "green"}))
    await until(lambda: bool(admin.core.controller.state.operations))
    reply = await admin.api.call("POST", SWITCH, {"to": "blue"})
    assert (reply.status, reply.code) == (409, "operation_running")
    admin.core.crew.workers[0].asleep = False
    admin.core.crew.look()
    assert (await first).body["id"] == reply.body["operation"]
    assert (await admin.api.shop())["live"] == "green"


async def test_a_stale_revision_is_refused(api: Api) -> None:
    """Who decides on what is no longer so, is told the present revision."""
    await api.call("POST", SWITCH, {"to": "green"}, If_Match='"1"')
    reply = await api.call("POST", SWITCH, {"to": "blue"}, If_Match='"1"')
    assert (reply.status, reply.code, reply.body["revision"]) == (412, "revision_mismatch", 2)
    assert (await api.shop())["live"] == "green"


@pytest.mark.parametrize("value", ["7", 'W/"1"', '"1", "2"', '"one"', '""'])
async def test_a_precondition_that_is_none_is_refused(api: Api, value: str) -> None:
    """A precondition that cannot be understood must not be passed over."""
    reply = await api.call("POST", SWITCH, {"to": "green"}, If_Match=value)
    assert (reply.status, reply.code) == (400, "invalid_if_match")
    assert (await api.shop())["revision"] == 1


async def test_any_revision_can_be_asked_for(api: Api) -> None:
    """``*`` stands for whatever there is."""
    assert (await api.call("POST", SWITCH, {"to": "green"}, If_Match="*")).status == 200


async def test_a_large_body_is_refused_unread(api: Api) -> None:
    """The refusal comes before the body has been sent, by announced length and by what has arrived of a stream."""
    head = b"POST /v1/services/shop/switch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    announced = await api.raw(head + b"Content-Length: 1000000000\r\n\r\n", until=b"}")
    assert announced.startswith(b"HTTP/1.1 413 ")
    streamed = await api.raw(head + b"Transfer-Encoding: chunked\r\n\r\n20000\r\n" + b" " * 0x20000, until=b"}")
    assert streamed.startswith(b"HTTP/1.1 413 ")


async def test_a_large_body_is_not_even_asked_for(api: Api) -> None:
    """A client that waits for 100 Continue is spared sending it."""
    head = b"POST /v1/services/shop/switch HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n"
    assert (await api.raw(head + b"Content-Length: 1000000000\r\n\r\n", until=b"}")).startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_waits_to_be_asked_is_asked(api: Api) -> None:
    """100 Continue, then the answer."""
    body = b'{"to": "green"}'
    head = b"POST /v1/services/shop/switch HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nConnection: close\r\n"
    length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = await api.raw(head + length + body)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


async def test_what_nobody_expected_is_500_without_a_traceback(
    admin: Admin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets an id, the log gets the traceback under that id."""

    def broken(*_: object) -> Any:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(type(admin.core.publisher), "applied", broken)
    reply = await admin.api.get("/v1/services/shop")
    assert (reply.status, reply.code) == (500, "internal_error")
    assert b"secret" not in reply.raw
    [record] = [record for record in caplog.records if record.name == "proxy.control.admin.problems"]
    assert reply.body["id"] in record.getMessage()
    assert record.exc_info is not None


async def test_a_store_that_cannot_be_written_refuses_and_changes_nothing(admin: Admin) -> None:
    """A command that could not be kept is not served, and the answer says when to come back."""
    before = admin.core.controller.state
    await admin.core.store.close()
    reply = await admin.api.call("POST", SWITCH, {"to": "green"})
    assert (reply.status, reply.code) == (503, "store_unavailable")
    assert reply.headers["Retry-After"]
    assert admin.core.controller.state is before


async def test_a_table_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """More upstreams than the board holds."""
    async with running_core(tmp_path / "db", board_size=2048) as core, running_admin(core) as admin:
        body = {"upstreams": [f"127.0.0.1:{port}" for port in range(1000, 1200)], "force": True}
        reply = await admin.api.call("PUT", GREEN_POOL, body)
        assert (reply.status, reply.code) == (422, "table_too_large")
        assert (await admin.api.shop())["revision"] == 1

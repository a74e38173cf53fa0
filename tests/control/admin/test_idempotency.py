from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from proxy.control.admin import idempotency
from proxy.control.admin.idempotency import KEPT_SECONDS, IdempotentAnswers, KeyUse
from proxy.control.admin.problems import Problem
from tests.control.admin.door import Admin, Api
from tests.control.core import until

ADD = "/v1/services/shop/pools/green/upstreams"


async def test_the_same_call_is_answered_again_and_not_done_again(admin: Admin) -> None:
    """The second answer is the first, byte by byte, and marked as such."""
    body = {"address": "127.0.0.1:1"}
    first = await admin.api.call("POST", ADD, body, Idempotency_Key="k1")
    again = await admin.api.call("POST", ADD, body, Idempotency_Key="k1")
    assert (again.status, again.raw, again.headers["ETag"]) == (first.status, first.raw, first.headers["ETag"])
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert (await admin.core.history()).count("add_upstream") == 1


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (ADD, {"address": "127.0.0.1:2"}, {}),
        (f"{ADD}?dry_run=true", {"address": "127.0.0.1:1"}, {}),
        (ADD, {"address": "127.0.0.1:1"}, {"If_Match": "*"}),
    ],
)
async def test_a_key_is_for_one_request(api: Api, path: str, body: object, fields: dict[str, str]) -> None:
    """Another body, other parameters or another precondition under the same key is a mistake of the client."""
    await api.call("POST", ADD, {"address": "127.0.0.1:1"}, Idempotency_Key="k1")
    reply = await api.call("POST", path, body, data=None, Idempotency_Key="k1", **fields)
    assert (reply.status, reply.code) == (422, "idempotency_key_reused")


async def test_what_was_refused_may_be_tried_again(api: Api) -> None:
    """A refusal changed nothing, so it is not kept."""
    refused = await api.call("POST", "/v1/services/shop/rollback", Idempotency_Key="k1")
    assert refused.code == "nothing_to_roll_back"
    await api.call("POST", "/v1/services/shop/switch", {"to": "green"})
    assert (await api.call("POST", "/v1/services/shop/rollback", Idempotency_Key="k1")).status == 200


async def test_a_call_under_way_is_not_begun_twice(admin: Admin) -> None:
    """Whoever asks too soon is told to wait."""
    admin.core.crew.workers[0].asleep = True
    call = asyncio.create_task(
        admin.api.call("POST", "/v1/services/shop/switch", {"to": "green"}, Idempotency_Key="k1")
    )
    await until(lambda: bool(admin.core.controller.state.operations))
    reply = await admin.api.call("POST", "/v1/services/shop/switch", {"to": "green"}, Idempotency_Key="k1")
    assert (reply.status, reply.code) == (409, "idempotency_in_progress")
    admin.core.crew.workers[0].asleep = False
    admin.core.crew.look()
    assert (await call).status == 200


@pytest.mark.parametrize("key", ["two words", "k" * 256, "schlüssel", ""])
async def test_a_key_is_one_word(api: Api, key: str) -> None:
    """What cannot be a key is not silently ignored."""
    reply = await api.call("POST", "/v1/services/shop/switch", {"to": "green"}, Idempotency_Key=key)
    assert (reply.status, reply.code) == (400, "invalid_idempotency_key")
    assert (await api.shop())["revision"] == 1


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


async def numbered(kept: IdempotentAnswers, key: str) -> str | None:
    """Use a key; the answer is new each time that it is carried out."""

    async def carry_out() -> web.Response:
        numbered.count += 1  # type: ignore[attr-defined]
        return web.Response(body=str(numbered.count).encode())  # type: ignore[attr-defined]

    return (await kept.answer(KeyUse(key, "ada", b"same"), carry_out)).text


numbered.count = 0  # type: ignore[attr-defined]


async def test_answers_are_kept_for_a_day() -> None:
    """Then the key is as new."""
    clock = Hands()
    kept = IdempotentAnswers(clock)
    first = await numbered(kept, "k")
    clock.now = KEPT_SECONDS - 1
    assert await numbered(kept, "k") == first
    clock.now = KEPT_SECONDS
    assert await numbered(kept, "k") != first


async def test_the_oldest_answers_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded however many keys there are."""
    monkeypatch.setattr(idempotency, "KEPT_ANSWERS", 2)
    kept = IdempotentAnswers(Hands())
    answers = {key: await numbered(kept, key) for key in ("a", "b", "c")}
    assert await numbered(kept, "c") == answers["c"]
    assert await numbered(kept, "a") != answers["a"]


async def test_keys_of_others_are_others() -> None:
    """Two people may choose the same key."""
    kept = IdempotentAnswers(Hands())

    async def carry_out() -> web.Response:
        return web.Response(body=b"done")

    await kept.answer(KeyUse("k", "ada", b"one"), carry_out)
    await kept.answer(KeyUse("k", "bob", b"two"), carry_out)
    with pytest.raises(Problem):
        await kept.answer(KeyUse("k", "ada", b"two"), carry_out)

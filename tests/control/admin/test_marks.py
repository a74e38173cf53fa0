"""Annotations: operations as Grafana marks them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proxy.config.settings import Role
from proxy.control.admin.auth import Token, digest_of
from proxy.traffic.commands import Pause
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.model import OperationState
from tests.control.admin.door import Admin, Api, running_admin
from tests.control.core import Core
from tests.control.store.entries import operation

URL = "/v1/annotations"


async def marks(api: Api, query: str = "") -> list[dict[str, Any]]:
    """The annotations of a range."""
    reply = await api.get(f"{URL}{query}")
    assert reply.status == 200, reply.raw
    found: list[dict[str, Any]] = reply.body
    return found


async def test_an_operation_is_a_range_with_words_and_tags(api: Api) -> None:
    """In the form that Grafana's data sources take: milliseconds, title, text, and tags with commas."""
    await api.call("POST", "/v1/services/shop/switch?wait=drained", {"to": "green", "reason": "release 7"})
    over = (await api.get("/v1/operations/op-1")).body
    (mark,) = await marks(api)
    assert mark["time"] == round(over["started_at"] * 1000)
    assert mark["timeEnd"] == round(over["ended_at"] * 1000)
    assert (mark["id"], mark["title"], mark["tags"]) == ("op-1", "shop: switch to green", "shop,switch,succeeded,green")
    assert mark["text"].startswith("by local, succeeded after ")
    assert mark["text"].endswith(", green 0 % to 100 %. release 7. 0 of 0 requests in flight were dropped.")


async def test_one_that_runs_has_no_end_and_tells_what_the_judge_says(core: Core) -> None:
    """It is told as it is now, not as it was written when it began."""
    said = Verdict(Finding.INCONCLUSIVE, "too few requests of green to tell")
    body = {"to": "green", "steps": [{"percent": 5, "pause": None}, {"percent": 100}]}
    async with running_admin(core, verdict=lambda _: said) as admin:
        assert (await admin.api.call("POST", "/v1/services/shop/shift", body)).status == 202
        await core.controller.execute(Pause("op-1"), by="ada", reason="lunch")
        (mark,) = await marks(admin.api)
    assert (mark["timeEnd"], mark["tags"]) == (None, "shop,shift,paused,green")
    assert mark["text"].startswith("by local, is paused, green 0 % to 100 %. ")
    assert mark["text"].endswith(f"paused by ada; the judge: {said.words}.")


async def test_a_range_finds_what_went_on_in_it(admin: Admin) -> None:
    """Both ends count, and so does what began before or goes on after."""
    for number, (began, ended) in enumerate([(10.0, 11.0), (20.0, 50.0), (30.0, 31.0)], start=1):
        await admin.core.store.record_operation(
            replace(operation(number, service="shop" if number % 2 else "blog"), started_at=began, ended_at=ended)
        )

    async def found(query: str) -> list[str]:
        return [mark["id"] for mark in await marks(admin.api, query)]

    assert await found("") == ["op-3", "op-2", "op-1"]
    assert await found("?from=11000&to=30000") == ["op-3", "op-2", "op-1"]
    assert await found("?from=11001&to=29999") == ["op-2"]
    assert await found("?service=shop") == ["op-3", "op-1"]
    assert await found("?service=&limit=2") == ["op-3", "op-2"]
    assert await found("?from=99000&to=1000") == await found("?service=nobody") == []


async def test_many_operations_give_no_more_than_was_asked_for(admin: Admin) -> None:
    """The newest of the range; 100 unless a number is said."""
    rows = [replace(operation(number), started_at=float(number), ended_at=float(number)) for number in range(1, 251)]
    await admin.core.store.commit({}, entry=None, operations=rows)
    assert len(await marks(admin.api)) == 100
    found = await marks(admin.api, "?from=10000&to=240000&limit=200")
    assert [found[0]["id"], found[-1]["id"], len(found)] == ["op-240", "op-41", 200]


async def test_what_people_wrote_cannot_be_markup(admin: Admin) -> None:
    """Grafana shows the text as HTML."""
    hostile = "<img src=x onerror=alert(1)> & more"
    odd = replace(operation(), reason=hostile, by="a<b", state=OperationState.FAILED, note="</div><script>")
    await admin.core.store.record_operation(odd)
    (mark,) = await marks(admin.api)
    assert "<" not in mark["text"] + mark["title"] + mark["tags"]
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; more. &lt;/div&gt;&lt;script&gt;." in mark["text"]


@pytest.mark.parametrize(
    "query",
    ["from=-1", "from=1e3", "to=NaN", "to=253402300800000", "from=" + "9" * 400, "from=now", "limit=0", "limit=1001",
     "from=1&from=2", "to=%00", "to="],
)  # fmt: skip
async def test_what_is_no_range_is_refused(api: Api, query: str) -> None:
    """With the name of the parameter."""
    reply = await api.get(f"{URL}?{query}")
    assert (reply.status, reply.code) == (400, "invalid_query")
    assert query.partition("=")[0] in reply.body["detail"]


async def test_a_service_with_a_strange_name_is_only_not_found(api: Api) -> None:
    """Names go to the store as values."""
    assert await marks(api, "?service=%27%20OR%201%3D1--") == []


async def test_a_viewer_may_look_and_nobody_else(core: Core) -> None:
    """Grafana needs a token of the least role."""
    async with running_admin(core, tokens=(Token("grafana", Role.VIEWER, digest_of(b"its token")),)) as admin:
        assert (await admin.api.get(URL)).status == 401
        assert (await admin.api.get(URL, Authorization="Bearer its token")).status == 200


async def test_a_store_that_cannot_be_read_says_so(admin: Admin) -> None:
    """A problem document, as everywhere."""
    await admin.core.store.close()
    reply = await admin.api.get(URL)
    assert (reply.status, reply.code) == (503, "store_unavailable")

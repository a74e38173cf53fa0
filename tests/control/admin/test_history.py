from __future__ import annotations

from tests.control.admin.door import Api


async def test_the_history_tells_who_when_what_and_why(api: Api) -> None:
    """Newest first, with what was before and after."""
    await api.call("POST", "/v1/services/shop/switch", {"to": "green", "reason": "release 7"})
    [entry, *_] = (await api.get("/v1/history?service=shop&limit=5")).body["entries"]
    at, number, generation = entry.pop("at"), entry.pop("id"), entry.pop("generation")
    assert at > 0
    assert number > 0
    assert generation > 1
    assert entry == {
        "by": "local",
        "reason": "release 7",
        "service": "shop",
        "action": "switch",
        "operation": "op-1",
        "changes": [{"path": "split.green", "before": 0.0, "after": 100.0}],
        "revision": 2,
    }


async def test_the_history_is_read_in_pages(api: Api) -> None:
    """The cursor leads to everything, once."""
    for number in range(4):
        await api.call("PUT", "/v1/services/shop/split", {"green": number + 1})
    seen: list[int] = []
    before = ""
    while True:
        page = (await api.get(f"/v1/history?limit=2{before}")).body
        seen += [entry["id"] for entry in page["entries"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5  # four splits and the start


async def test_parameters_that_nobody_knows_are_ignored(api: Api) -> None:
    """A cache buster does no harm."""
    assert (await api.get("/v1/history?_=123&utm_source=x")).status == 200

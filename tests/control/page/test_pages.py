from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from proxy.control.page.paging import ROWS
from proxy.traffic.commands import ObserveHealth
from proxy.traffic.model import Health
from proxy.traffic.spec import Color, UpstreamSpec
from tests.control.admin.door import CONFIG, Admin, running_admin
from tests.control.core import SHOP, running_core
from tests.control.page.html import Html
from tests.control.page.visitor import Visitor
from tests.control.store.entries import entry

SERVICE = "/v1/services/shop"


def actions(page: Html) -> dict[str, dict[str, str]]:
    """The buttons of a page, by their ids."""
    return {each["id"].removeprefix("do-"): each for each in page.all("button") if "data-action" in each}


def hrefs(page: Html, rel: str) -> list[str]:
    """Where the links of a kind lead."""
    return [each["href"] for each in page.all("a", rel=rel)]


async def test_the_page_of_the_only_service_is_the_first(visitor: Visitor) -> None:
    """Who is live, how both do, who serves, and which program says so."""
    page = await visitor.look("/")
    assert "Blue is live with all traffic." in page.text
    assert [each["data-chart"] for each in page.all("div") if "data-chart" in each] == ["requests", "errors", "latency"]
    for words in ("a:1", "b:1", "2 of 2 workers", "Upstreams serving 2 of 2 1 of 1"):
        assert words in page.text


async def test_several_services_are_a_list(tmp_path: Path) -> None:
    """By name, each with a link to its page."""
    specs = [replace(SHOP, name=name) for name in ("shop", "cart")]
    async with running_core(tmp_path / "db", *specs) as core, running_admin(core) as admin:
        visitor = Visitor(admin.api)
        page = await visitor.look("/")
        assert [each["href"] for each in page.all("a") if "/services/" in each["href"]] == [
            "/services/shop",
            "/services/cart",
        ]
        assert "None with this in its name." in (await visitor.look("/?find=none")).text
        assert (await visitor.look("/services/cart")).text.startswith("cart")


async def test_a_config_that_was_refused_is_told_until_one_is_taken(admin: Admin, visitor: Visitor) -> None:
    """Whoever sent a signal sees no answer; three problems are enough to know what to look at."""
    admin.config.write_text("services: []\nworkers: no\nlisten: 1\nlogs: 1\ntimeouts: 1\n")
    problems = (await admin.api.call("POST", "/v1/reload")).body["problems"]
    assert len(problems) > 3
    page = await visitor.look("/")
    assert "The config file was refused" in page.text
    assert [problem in page.text for problem in problems] == [True] * 3 + [False] * (len(problems) - 3)
    assert f"and {len(problems) - 3} more" in page.text
    admin.config.write_text(CONFIG)
    await admin.api.call("POST", "/v1/reload")
    assert "refused" not in (await visitor.look("/")).text


async def test_everything_that_changes_is_marked(visitor: Visitor) -> None:
    """A script swaps these parts, and no others."""
    page = await visitor.look("/")
    live = {each["id"] for each in page.all("section") if "data-live" in each}
    assert live == {
        "program", "state", "operations", "colors", "upstreams-blue", "upstreams-green", "recent", "history", "versions"
    }  # fmt: skip
    assert [each["content"] for each in page.all("meta", http_equiv="refresh")] == ["5"]


async def test_buttons_are_calls_that_the_api_takes(admin: Admin, visitor: Visitor) -> None:
    """Hidden until there is a script; each dry run is answered."""
    found = actions(await visitor.look("/"))
    assert set(found) == {"switch-green", "shift", "split", "hold", "maintenance"}
    filled: dict[str, dict[str, object]] = {"shift": {"over": "10m"}, "split": {"green": 10}}
    for name, button in found.items():
        assert "hidden" in button
        assert button["data-confirm"] == "shop"
        body = {**json.loads(button["data-body"]), **filled.get(name, {})}
        path, revision = f"{button['data-path']}?dry_run=true", button["data-revision"]
        reply = await admin.api.call(button["data-method"], path, body, If_Match=f'"{revision}"')
        assert (reply.status, name) == (200, name)
        assert reply.body["dry_run"]


async def test_a_shift_shows_where_it_stands(admin: Admin, visitor: Visitor) -> None:
    """Its steps, what it waits for, and what can be done with it."""
    steps = [{"percent": 10, "pause": None}, {"percent": 50, "pause": "2m"}, {"percent": 100, "pause": "0s"}]
    body = {"to": "green", "steps": steps, "reason": "release 7"}
    assert (await admin.api.call("POST", f"{SERVICE}/shift", body)).status == 202
    page = await visitor.look("/")
    assert "(release 7)" in page.text
    assert "10 % until somebody promotes it (now) 50 % then 120 s (ahead)" in page.text.replace("2 min", "120 s")
    assert [each["class"] for each in page.all("li", aria_current="step")] == ["now"]
    assert {"rollback", "promote-op-1", "abort-op-1", "maintenance"} <= set(actions(page))
    assert "switch-green" not in actions(page)
    assert "data-revision" not in actions(page)["rollback"]
    for name in ("promote-op-1", "abort-op-1"):
        button = actions(page)[name]
        assert (await admin.api.call("POST", f"{button['data-path']}?dry_run=true", {})).status == 200


async def test_a_paused_shift_can_be_resumed(admin: Admin, visitor: Visitor) -> None:
    """And not paused once more."""
    await admin.api.call("POST", f"{SERVICE}/shift", {"to": "green", "over": "10m"})
    assert "pause-op-1" in actions(await visitor.look("/"))
    await admin.api.call("POST", "/v1/operations/op-1/pause", {})
    page = await visitor.look("/")
    assert "waits: paused by local" in page.text
    assert {"resume-op-1"} <= set(actions(page))
    assert "pause-op-1" not in actions(page)


async def test_a_drain_shows_what_is_left(admin: Admin, visitor: Visitor) -> None:
    """How much, until when, and where the long-lived ones are."""
    worker = admin.core.crew.workers[0]
    under_way = [worker.admit(), worker.admit(address="a:2", tunnel=True)]
    await admin.api.call("POST", f"{SERVICE}/switch", {"to": "green"})
    page = await visitor.look("/")
    assert "requests left 1" in page.text
    assert "long-lived left 1" in page.text
    assert "a:2 0 1 a:1 1 0" in page.text
    assert len([each for each in page.all("time") if "data-until" in each]) == 2
    assert page.one("progress")["aria-label"] == "0 of 2 are over"
    for each in under_way:
        each.end()
    assert (await admin.api.get("/v1/operations/op-1?wait=10s")).body["state"] == "succeeded"
    page = await visitor.look("/operations/op-1")
    assert "0 dropped; 2 of 2 in flight finished" in page.text
    assert "2 in flight when the traffic moved" in page.text


async def test_a_rolling_deployment_shows_its_servers(admin: Admin, visitor: Visitor) -> None:
    """With their stages; on its own page, all of them."""
    assert (await admin.api.call("POST", f"{SERVICE}/pools/blue/rollouts", {"version": "2"})).status == 202
    for path in ("/", "/operations/op-1"):
        page = await visitor.look(path)
        assert "0 of 2 servers of blue updated" in page.text
        assert [each["class"] for each in page.all("tr") if each.get("class", "").startswith("stage-")] != []
        assert {"pause-op-1", "abort-op-1"} <= set(actions(page))


async def test_held_and_in_maintenance(admin: Admin, visitor: Visitor) -> None:
    """In words, and with the way out of it."""
    await admin.api.call("POST", f"{SERVICE}/hold", {"max_wait": "7s"})
    page = await visitor.look("/")
    assert "Held: 0 requests held now. New requests wait, each for 7 s at most." in page.text
    assert actions(page)["release"]["data-path"] == f"{SERVICE}/release"
    await admin.api.call("POST", f"{SERVICE}/release", {})
    await admin.api.call("PUT", f"{SERVICE}/maintenance", {"on": True, "message": "Back soon"})
    page = await visitor.look("/")
    assert "blue is live behind it. " in page.text
    assert "users are told \u201cBack soon\u201d" in page.text
    assert json.loads(actions(page)["maintenance"]["data-body"]) == {"on": False}


async def test_a_color_without_a_healthy_upstream(admin: Admin, visitor: Visitor) -> None:
    """Said of the idle color, and louder of the live one."""
    for color, address in ((Color.GREEN, "b:1"), (Color.BLUE, "a:1"), (Color.BLUE, "a:2")):
        await admin.core.controller.observe(ObserveHealth("shop", color, address, Health.UNHEALTHY))
    page = await visitor.look("/")
    assert "Green has no healthy upstream: it cannot take traffic." in page.text
    assert "Blue has all traffic and no healthy upstream: requests are tried all the same." in page.text
    assert len(page.all("p", **{"class": "notice bad"})) == 1


async def test_what_stands_in_the_way_is_told_on_every_page(admin: Admin, visitor: Visitor) -> None:
    """As ``/readyz`` does."""
    admin.obstacles.append("1 of 2 workers serves generation 7")
    for path in ("/", "/history"):
        assert "Not ready: 1 of 2 workers serves generation 7." in (await visitor.look(path)).text


async def test_a_broken_store_hides_only_what_is_in_it(admin: Admin, visitor: Visitor) -> None:
    """Who serves what is still there to be seen."""
    await admin.core.store.close()
    assert (await admin.api.call("POST", f"{SERVICE}/switch", {"to": "green"})).status == 503
    page = await visitor.look("/")
    assert "The store cannot be written" in page.text
    assert "Blue is live with all traffic." in page.text
    assert "They cannot be read just now" in page.text
    assert "503" in (await visitor.look("/history", 503)).text


async def test_a_thousand_upstreams_are_paged(tmp_path: Path) -> None:
    """Sick ones first; a filter, neighbors, and no page beyond the last."""
    size = 1_000
    spec = replace(SHOP, blue=tuple(UpstreamSpec(f"10.0.{number // 250}.{number % 250}:80") for number in range(size)))
    started = running_core(tmp_path / "db", spec, board_size=1 << 20, healthy=False)
    async with started as core, running_admin(core) as admin:
        visitor = Visitor(admin.api)
        await core.controller.observe(ObserveHealth("shop", Color.BLUE, "10.0.3.249:80", Health.UNHEALTHY))
        page = await visitor.look("/services/shop")
        assert f"1\u2013{ROWS} of {size}" in page.text
        assert "Weight 10.0.3.249:80 unhealthy" in page.text
        assert hrefs(page, "next") == ["/services/shop?blue=2#upstreams-blue"]
        page = await visitor.look("/services/shop?blue=2&find=0.1.")
        assert hrefs(page, "next") == ["/services/shop?blue=3&find=0.1.#upstreams-blue"]
        assert hrefs(page, "prev") == ["/services/shop?find=0.1.#upstreams-blue"]
        assert f"951\u2013{size} of {size}" in (await visitor.look("/services/shop?blue=999999")).text


async def test_the_history_is_paged(admin: Admin, visitor: Visitor) -> None:
    """Back to its first entry, each shown once."""
    document = await admin.core.store.read()
    assert document is not None
    for number in range(2 * ROWS + 5):
        await admin.core.store.commit(document, entry=replace(entry(), reason=f"<{number}>"))
    path, seen, pages = "/history", 0, 0
    while path:
        page = await visitor.look(path)
        seen, pages = seen + len(page.all("td", **{"class": "when"})), pages + 1
        path = next(iter(hrefs(page, "next")), "")
    assert (seen, pages) == (len(await admin.core.store.journal(limit=500)), 3)


async def test_a_malformed_parameter_is_told(visitor: Visitor) -> None:
    """As a page with status 400."""
    for query in ("page=0", "page=x", "page=-1", "blue=1&blue=2", "green=9e9", "blue=", f"find={'x' * 101}"):
        assert "invalid_query" in (await visitor.look(f"/?{query}", 400)).text
    await visitor.look("/history?before=1.5", 400)


async def test_what_is_not_there_is_told(visitor: Visitor) -> None:
    """404, for a service and an operation alike."""
    assert "service_not_found" in (await visitor.look("/services/none", 404)).text
    assert "operation_not_found" in (await visitor.look("/operations/op-9", 404)).text


async def test_a_change_is_seen_at_once(admin: Admin, visitor: Visitor) -> None:
    """Though pages are kept for a moment."""
    await visitor.look("/")
    await admin.api.call("PUT", f"{SERVICE}/split", {"green": 25})
    assert "Blue is live with 75 % of traffic." in (await visitor.look("/")).text.replace("\u00a0", " ")

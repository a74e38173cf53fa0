"""Whatever somebody else has written is text on the page, and never a part of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from proxy.control.page.cards.rollout import most_telling
from proxy.control.page.pages import MOST_SERVERS
from proxy.control.page.reading import operation_card
from proxy.control.page.rendering import render
from proxy.traffic.judgement import Finding, Verdict
from proxy.traffic.spec import ServiceSpec, UpstreamSpec
from tests.control.admin.door import Admin, running_admin
from tests.control.core import running_core
from tests.control.page.html import Html
from tests.control.page.visitor import Visitor

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2) style=color:red>{{ 7*7 }}&amp;"


async def test_reasons_and_messages_are_text(admin: Admin, visitor: Visitor) -> None:
    """On every page that shows them."""
    await admin.api.call("POST", "/v1/services/shop/switch", {"to": "green", "reason": HOSTILE})
    await admin.api.call("PUT", "/v1/services/shop/maintenance", {"on": True, "message": HOSTILE, "reason": HOSTILE})
    for path in ("/", "/services/shop", "/history", "/operations/op-1"):
        page = await visitor.look(path)
        assert HOSTILE in page.text
        assert page.all("img") == []


async def test_names_and_addresses_are_text(tmp_path: Path) -> None:
    """Were a service or an upstream ever called so."""
    name = HOSTILE.partition("{")[0]  # no route matches a brace
    spec = ServiceSpec(name, (UpstreamSpec(f"{HOSTILE}:1"),), (UpstreamSpec("b:1"),))
    other = replace(spec, name="other")
    async with running_core(tmp_path / "db", spec, other) as core, running_admin(core) as admin:
        visitor = Visitor(admin.api)
        assert name in (await visitor.look("/")).text
        page = await visitor.look(f"/services/{quote(name, safe='')}")
        assert f"{HOSTILE}:1" in page.text
        assert page.one("button", id="do-switch-green")["data-confirm"] == name


async def test_what_was_asked_for_is_text(visitor: Visitor) -> None:
    """A link that somebody was sent writes nothing into the page."""
    for status, path in (
        (200, f"/?find={quote(HOSTILE)}"),
        (200, f"/history?service={quote(HOSTILE)}"),
        (404, f"/operations/{quote(HOSTILE, safe='')}"),
        (404, f"/services/{quote(HOSTILE, safe='')}"),
        (404, f"/{quote(HOSTILE, safe='')}"),
        (400, f"/history?before={quote(HOSTILE)}"),
    ):
        page = await visitor.look(path, status)
        assert page.all("img") == []
        assert [each for each in page.all("script") if "src" not in each] == []


async def test_the_judges_sentence_is_text(admin: Admin) -> None:
    """It may quote what a gate has said."""
    await admin.api.call("POST", "/v1/services/shop/shift", {"to": "green", "over": "10m"})
    context = replace(admin.context, verdict=lambda _: Verdict(Finding.FAIL, HOSTILE))
    (operation,) = admin.core.controller.state.operations.values()
    card = operation_card(context, operation, steering=True)
    assert card.moving is not None
    assert card.moving.judge == HOSTILE
    shown = render("operation.html", card=card, servers=None, now=0.0, room=MOST_SERVERS, most_telling=most_telling)
    page = Html(shown.encode())
    page.check()
    assert HOSTILE in page.text

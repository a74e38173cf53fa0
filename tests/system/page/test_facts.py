"""The page for everybody: with and without scripts, in light and dark, on a phone, and when the connection is lost."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, expect

from tests.harness.processes import command_line, wait_until
from tests.harness.program import Program
from tests.system.page.visitor import Visitor, how_to_start
from tests.system.shifts import start_shift, wait_share

pytestmark = [pytest.mark.system, pytest.mark.paced, pytest.mark.xdist_group("facts")]

Visit = Callable[..., Visitor]

MOMENT = re.compile(r"(\d+ min )?\d+ s ago|[\d-]{10} [\d:]{8} UTC")
"""When something was: counted by a script, told by the server."""

PHONE = {"width": 360, "height": 740}
PAGES = ("/", "/operations/op-1", "/operations/op-3", "/history", "/nowhere")


@pytest.fixture(scope="module")
def program(program: Program) -> Program:
    """With a switch there and back behind it, and a shift that rests at 20 %."""
    program.switch("green", query="?wait=drained")
    program.switch("blue", query="?wait=drained")
    start_shift(program, steps=[{"percent": 20, "pause": None}], reason="a <b>reason</b>")
    wait_share(program, 20)
    return program


def facts(visitor: Visitor) -> list[str]:
    """What the page says of the state, whatever it looks like."""
    visible = visitor.page.locator("#state, #operations, #colors tbody th, #recent")
    texts = [MOMENT.sub("…", text) for text in visible.all_inner_texts()]
    return [line.strip() for text in texts for line in text.splitlines() if line.strip()]


def test_without_scripts_the_page_tells_the_same(visit: Visit) -> None:
    """The same facts, and no button that would do nothing."""
    bare = visit("/", java_script_enabled=False)
    bare.page.route("**/", lambda route: route.fulfill(status=204))  # or it is loaded anew while it is read
    lively = visit("/")
    expect(lively.page.locator("canvas")).to_have_count(3)
    expect(bare.page.locator("#state .share.green b")).to_have_text(re.compile(r"^20\b"))
    for button in bare.page.locator("[data-action]").all():
        expect(button).to_be_hidden()
    labels = set(lively.page.locator("[data-action]").all_inner_texts())
    assert labels
    assert [fact for fact in facts(lively) if fact not in labels] == facts(bare)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_keeps_people_from_using_it(visit: Visit, scheme: str) -> None:
    """axe-core finds nothing serious or critical on any page, nor in the dialog. In the dark, colors alone differ."""
    visitor = visit("/", color_scheme=scheme)
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found = []
    for path in PAGES:
        visitor.page.goto(path)
        found += serious(visitor, path, rules)
    visitor.page.goto("/")
    visitor.press("Promote")
    expect(visitor.page.locator("#confirm-plan li").first).to_be_visible()
    found += serious(visitor, "the dialog", rules)
    visitor.complaints = [each for each in visitor.complaints if "404" not in each]  # asked for on purpose
    assert found == []


def serious(visitor: Visitor, where: str, rules: dict[str, Any]) -> list[str]:
    """What axe-core finds bad on the page that is open."""
    violations: list[dict[str, Any]] = Axe().run(visitor.page, options=rules).response["violations"]
    return [
        f"{where}: {each['id']}: {node['html']}: {node['failureSummary']}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("path", ["/", "/operations/op-1", "/operations/op-3", "/history"])
def test_a_phone_shows_it_without_scrolling_sideways(visit: Visit, path: str) -> None:
    """At a width of 360 pixels."""
    visitor = visit(path, viewport=PHONE)
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    assert visitor.width_needed() == PHONE["width"]


def test_the_keyboard_is_enough(visit: Visit) -> None:
    """The focus goes into the dialog, stays in it, and back to the button, where looks leave it."""
    visitor = visit("/")
    button = visitor.page.get_by_role("button", name="Promote")
    button.focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator("#confirm-word")).to_be_focused()
    for _ in range(8):
        visitor.page.keyboard.press("Tab")
        assert visitor.page.locator("body :focus").count() == 0 or visitor.page.locator("dialog :focus").count() == 1
    visitor.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    with visitor.page.expect_response(lambda response: response.url == f"{visitor.origin}/"):
        pass  # a look
    with visitor.page.expect_response(lambda response: response.url == f"{visitor.origin}/"):
        pass  # and another, so the first was taken over
    expect(button).to_be_focused()


def test_charts_tell_their_newest_values_in_words(visit: Visit) -> None:
    """Who does not see the lines is told the same."""
    visitor = visit("/")
    chart = visitor.page.get_by_role("img", name="Requests per second")
    expect(chart).to_have_accessible_name(re.compile(r"Now: blue [\d.,]+, green [\d.,]+\.$"))


def test_a_lost_connection_is_told_and_found_again(visit: Visit) -> None:
    """Since when, so that nobody trusts old numbers; and gone once it is back."""
    visitor = visit("/")
    notice = visitor.page.locator("#connection")
    expect(notice).to_be_hidden()
    visitor.page.context.set_offline(True)
    expect(notice).to_contain_text(re.compile(r"No connection since \d\d:\d\d:\d\d: "))
    visitor.page.context.set_offline(False)
    expect(notice).to_be_hidden()
    visitor.complaints = [each for each in visitor.complaints if "ERR_" not in each]  # of the connection, rightly


def test_a_killed_browser_is_not_noticed(browser: Browser, program: Program, tmp_path: Path) -> None:
    """All of its processes at once, with a page open: the program goes on, and forgets its stream."""
    host, port = program.admin_address
    page = browser.browser_type.launch_persistent_context(str(tmp_path), **how_to_start()).new_page()
    page.goto(f"http://{host}:{port}/")
    expect(page.locator("canvas")).to_have_count(3)
    for pid in processes_of(tmp_path):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(tmp_path), timeout=10, what="the end of the browser")
    for color in ("green", "blue"):
        program.admin("POST", "/v1/services/default/rollback")
        program.switch(color, query="?wait=drained")
    assert program.admin("GET", "/livez").status == 200


def processes_of(directory: Path) -> list[int]:
    """The processes of a browser that has its profile there."""
    wanted = f"--user-data-dir={directory}"
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if wanted in command_line(pid)]

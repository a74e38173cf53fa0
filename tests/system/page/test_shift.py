"""A whole shift, driven from the page by somebody who has signed in, while users ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.harness.fleet import Fleet
from tests.harness.program import Program
from tests.harness.steady import Steady
from tests.system.page.visitor import Visitor, give_tokens
from tests.system.shifts import green_share

pytestmark = [pytest.mark.system, pytest.mark.paced, pytest.mark.xdist_group("shift")]

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def program(place: Path, fleet: Fleet) -> Iterator[Program]:
    """The front door, where everybody has to show a token."""
    program = Program(place, fleet)
    give_tokens(program, place)
    with program:
        program.wait_healthy()
        yield program


def signed_in(visit: Visit, role: str = "operator") -> Visitor:
    """Somebody with a token of that role."""
    visitor = visit()
    visitor.page.get_by_label("Token").fill(f"only-for-tests-{role}")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("heading", name="default", exact=True)).to_be_visible()
    return visitor


def share(visitor: Visitor, color: str) -> Locator:
    """The share of a color, in words."""
    return visitor.page.locator(f"#state .share.{color} b")


def test_only_a_token_opens_the_page(visit: Visit) -> None:
    """Another one does not; with the right one the page is there, and it is gone after signing out."""
    visitor = visit()
    visitor.page.get_by_label("Token").fill("guessed")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("not known")
    visitor.page.get_by_label("Token").fill("only-for-tests-viewer")
    visitor.page.get_by_role("button", name="Sign in").click()
    expect(visitor.page.get_by_role("heading", name="default", exact=True)).to_be_visible()
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_label("Token")).to_be_visible()


def test_who_may_only_look_has_no_buttons(visit: Visit) -> None:
    """A viewer sees the same page and nothing to press."""
    visitor = signed_in(visit, "viewer")
    expect(visitor.page.locator("canvas")).to_have_count(3)  # so the scripts have run
    expect(visitor.page.locator("[data-action]")).to_have_count(0)


def test_every_window_shows_who_is_signed_in(visit: Visit) -> None:
    """Whoever signed in beside it: else it would send under another name a secret that no longer holds."""
    visitor, other = signed_in(visit), signed_in(visit, "viewer")
    (cookie,) = other.page.context.cookies()
    visitor.page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": visitor.origin}])
    expect(visitor.page.locator(".who")).to_contain_text("ann-viewer")
    expect(visitor.page.locator("[data-action]")).to_have_count(0)


def test_a_shift_is_driven_from_the_page(visit: Visit, program: Program) -> None:
    """Begun with a typed word, watched, paused, resumed, promoted to its end, and taken back: no request fails."""
    visitor = signed_in(visit)
    page = visitor.page
    with Steady(program.door, rate=150) as load:
        dialog = visitor.press("Shift to green…")
        page.get_by_label("or in steps (percent)").fill("10, 40, 100")
        page.get_by_label("with a rest after each of").fill("1h")
        expect(dialog.locator("#confirm-plan")).to_contain_text("gradually")
        page.locator("#confirm-word").fill("defualt")
        expect(page.locator("#confirm-do")).to_be_disabled()
        page.get_by_label("Why").fill("release 7")
        visitor.confirm()
        expect(page.get_by_role("status").first).to_contain_text("op-1")
        expect(share(visitor, "green")).to_have_text(re.compile(r"^10\b"))
        expect(page.locator("#state svg.split .fill-green")).to_have_attribute("width", re.compile(r"^10(\.0)?$"))
        expect(page.locator("[aria-current=step]")).to_contain_text("10")

        visitor.press("Pause")
        visitor.confirm()
        expect(page.locator("#operations")).to_contain_text("paused")
        visitor.press("Resume")
        visitor.confirm()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()

        for goal in ("40", "100"):
            visitor.press("Promote")
            visitor.confirm()
            expect(share(visitor, "green")).to_have_text(re.compile(rf"^{goal}\b"))
        expect(page.locator("#recent")).to_contain_text("succeeded")
        expect(page.locator("#history")).to_contain_text("release 7")

        visitor.press("Roll back to blue")
        visitor.confirm()
        expect(share(visitor, "blue")).to_have_text(re.compile(r"^100\b"))
        expect(page.locator("#last-title")).to_contain_text("rollback op-2 succeeded")
        expect(page.get_by_role("button", name="Roll back to green")).to_be_visible()
        asked = load.stop()
    assert green_share(program) == 0
    assert {each.status for each in asked} == {200}


def test_a_steady_shift_moves_before_the_eyes(visit: Visit, program: Program) -> None:
    """Without a reload the bar grows, and an abort takes it back."""
    visitor = signed_in(visit)
    dialog = visitor.press("Shift to green…")
    visitor.page.get_by_label("Steadily, over").fill("30s")
    expect(dialog.locator("#confirm-plan")).to_contain_text("gradually")
    visitor.confirm()
    bar = visitor.page.locator("#state svg.split .fill-green")
    for _ in range(3):
        before = bar.get_attribute("width")
        expect(bar).not_to_have_attribute("width", before or "")
    visitor.press("Abort")
    visitor.confirm()
    expect(share(visitor, "blue")).to_have_text(re.compile(r"^100\b"))


def test_a_refusal_is_told_in_the_words_of_the_api(visit: Visit, program: Program, fleet: Fleet) -> None:
    """A color without a healthy upstream is refused, and only then may it be forced."""
    visitor = signed_in(visit)
    for upstream in fleet.green:
        upstream.set_health(False)
    sick = visitor.page.locator("#upstreams-green .chip.bad")
    expect(sick).to_have_count(2)
    dialog = visitor.press("Switch to green")
    expect(dialog.locator("#confirm-plan")).to_contain_text("no healthy upstream")
    visitor.page.locator("#confirm-word").fill("default")
    expect(visitor.page.locator("#confirm-do")).to_be_disabled()
    visitor.page.get_by_label("Do it all the same").check()
    expect(visitor.page.locator("#confirm-do")).to_be_enabled()
    visitor.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(visitor.page.get_by_role("button", name="Switch to green")).to_be_focused()
    assert green_share(program) == 0
    for upstream in fleet.green:
        upstream.set_health(True)
    program.wait_healthy()


def test_a_double_click_does_it_once(visit: Visit, program: Program) -> None:
    """However nervous the finger is."""
    visitor = signed_in(visit)
    before = len(program.admin("GET", "/v1/history").body["entries"])
    visitor.press("Switch to green")
    visitor.page.locator("#confirm-word").fill("default")
    visitor.page.locator("#confirm-do").dblclick()
    expect(share(visitor, "green")).to_have_text(re.compile(r"^100\b"))
    assert len(program.admin("GET", "/v1/history").body["entries"]) == before + 1


def test_nothing_is_done_but_what_was_shown(visit: Visit, program: Program) -> None:
    """Somebody else rolled back first, so the same would lead to the color that both leave: it cannot be confirmed."""
    visitor = signed_in(visit)
    program.switch("blue", query="?wait=drained")
    program.switch("green", query="?wait=drained")
    dialog = visitor.press("Roll back to blue")
    plan, word = dialog.locator("#confirm-plan"), visitor.page.locator("#confirm-word")
    expect(plan).to_contain_text("100 % → 0 %")
    program.admin("POST", "/v1/services/default/rollback", {})
    word.fill("default")
    visitor.page.locator("#confirm-do").click()
    expect(plan).to_contain_text("Not done: something else would happen")
    expect(plan).to_contain_text("Somebody was faster")
    word.fill("default")
    expect(visitor.page.locator("#confirm-do")).to_be_disabled()
    assert green_share(program) == 0


def test_a_button_leads_where_it_says_or_nowhere(visit: Visit, program: Program) -> None:
    """Pressed when the way back had been gone already and the page did not show it yet."""
    visitor = signed_in(visit)
    program.switch("blue", query="?wait=drained")
    program.switch("green", query="?wait=drained")
    expect(visitor.page.get_by_role("button", name="Roll back to blue")).to_be_visible()
    visitor.page.evaluate("window.stale = document.getElementById('do-rollback').cloneNode(true)")
    program.admin("POST", "/v1/services/default/rollback", {})
    expect(visitor.page.get_by_role("button", name="Roll back to green")).to_be_visible()
    visitor.page.evaluate("stale.id = ''; document.querySelector('main').append(stale)")
    dialog = visitor.press("Roll back to blue")
    expect(dialog.locator("#confirm-plan")).to_have_text(re.compile("^Somebody was faster"))
    visitor.page.locator("#confirm-word").fill("default")
    expect(visitor.page.locator("#confirm-do")).to_be_disabled()


def test_what_is_under_way_is_told_though_nobody_waits_for_it(visit: Visit, program: Program) -> None:
    """Not to be cancelled, and if the dialog is closed all the same, its end is told and leaves the next one alone."""
    visitor = signed_in(visit)
    program.switch("blue", query="?wait=drained")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/switch", hold)
    visitor.press("Switch to green")
    visitor.page.locator("#confirm-word").fill("default")
    with visitor.page.expect_request("**/switch"):
        visitor.page.locator("#confirm-do").click()
    expect(visitor.page.locator("#confirm-cancel")).to_be_disabled()
    visitor.page.evaluate("document.getElementById('confirm').close()")
    dialog = visitor.press("Hold…")
    expect(dialog.locator("#confirm-plan li").first).to_be_visible()
    held[0].continue_()
    expect(visitor.page.locator("#outcome")).to_have_text(re.compile("(Begun|Done): Switch default to green"))
    expect(dialog).to_be_visible()
    assert green_share(program) == 100

"""A cookie alone changes nothing: any page that a browser shows could send it along."""

from __future__ import annotations

from tests.control.admin.door import Admin
from tests.control.page.visitor import Visitor


async def test_a_change_needs_the_secret_and_our_origin(guarded: Admin) -> None:
    """Both, and the secret of this session and no other."""
    visitor, other = Visitor(guarded.api), Visitor(guarded.api)
    await visitor.sign_in("operator-1")
    await other.sign_in("operator-1")
    own = await visitor.csrf()
    for origin, secret, code in (
        (visitor.origin, "", "csrf_failed"),
        (visitor.origin, "wrong", "csrf_failed"),
        (visitor.origin, await other.csrf(), "csrf_failed"),
        ("", own, "origin_not_allowed"),
        ("http://evil.example", own, "origin_not_allowed"),
        ("null", own, "origin_not_allowed"),
    ):
        fields = {"Origin": origin, "X-CSRF-Token": secret}
        reply = await visitor.change(**{name: value for name, value in fields.items() if value})
        assert (reply.status, reply.code) == (403, code)
        assert guarded.core.controller.state.services["shop"].revision == 1
    assert (await visitor.change(Origin=visitor.origin, X_CSRF_Token=own)).status == 200
    assert (await visitor.get("/v1/services/shop")).status == 200


async def test_who_did_it_is_the_token(guarded: Admin) -> None:
    """Not the session."""
    visitor = Visitor(guarded.api)
    await visitor.sign_in("operator-1")
    reply = await visitor.change(Origin=visitor.origin, X_CSRF_Token=await visitor.csrf())
    assert reply.body["by"] == "the-operator"


async def test_a_viewer_changes_nothing_by_cookie_either(guarded: Admin) -> None:
    """And is shown no buttons, and no dialog."""
    visitor = Visitor(guarded.api)
    await visitor.sign_in("viewer-1")
    page = await visitor.look("/")
    assert page.all("button", type="button") == []
    assert page.all("dialog") == []
    assert (await visitor.change(Origin=visitor.origin, X_CSRF_Token=await visitor.csrf())).code == "forbidden"


async def test_bearers_are_as_they_were(guarded: Admin) -> None:
    """No secret, no origin: a program has no cookie that a page could make use of."""
    visitor = Visitor(guarded.api)
    assert (await visitor.change(Authorization="Bearer operator-1")).status == 200


async def test_without_tokens_pages_of_ours_change_things(admin: Admin, visitor: Visitor) -> None:
    """There is no session then; other origins are refused all the same."""
    assert (await visitor.look("/")).all("meta", name="csrf-token") == []
    assert (await visitor.change(Origin="http://evil.example")).code == "origin_not_allowed"
    assert (await visitor.change(Origin=visitor.origin)).status == 200

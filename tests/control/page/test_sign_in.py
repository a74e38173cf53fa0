from __future__ import annotations

import pytest

from proxy.config.settings import Role
from proxy.control.admin.auth import Token
from proxy.control.admin.sessions import LASTS, MOST, Sessions
from proxy.control.page.sign_in import own_path
from tests.control.admin.door import Admin
from tests.control.page.hands import Hands
from tests.control.page.visitor import Visitor

CI = Token("ci", Role.OPERATOR, b"")


async def test_a_page_without_a_session_is_the_form(guarded: Admin) -> None:
    """With where to go afterwards in it, and nothing of what the page would tell."""
    visitor = Visitor(guarded.api)
    page = await visitor.look("/services/shop?find=a", 401)
    assert page.one("input", name="next")["value"] == "/services/shop?find=a"
    assert page.one("form")["action"] == "/sign-in"
    assert "shop" not in page.text


async def test_a_token_opens_a_session(guarded: Admin) -> None:
    """The cookie is out of reach of scripts and of other sites, and lasts as long as the session."""
    visitor = Visitor(guarded.api)
    reply = await visitor.sign_in("operator-1", next="/history?service=shop")
    assert (reply.status, reply.headers["Location"]) == (303, "/history?service=shop")
    flags = {flag.strip() for flag in reply.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={LASTS:.0f}"}
    assert "the-operator" in (await visitor.look("/history")).text
    assert (await visitor.get("/v1/services")).status == 200
    assert (await visitor.get("/sign-in?next=/history")).headers["Location"] == "/history"


async def test_over_https_the_cookie_stays_there(guarded: Admin) -> None:
    """Behind a proxy that has the certificate, the origin of the form tells."""
    reply = await guarded.api.call(
        "POST",
        "/sign-in",
        data=b"token=viewer-1",
        Content_Type="application/x-www-form-urlencoded",
        Origin="https://door.example",
        Host="door.example",
    )
    assert "Secure" in reply.headers["Set-Cookie"]


async def test_a_wrong_token_opens_nothing(guarded: Admin) -> None:
    """The form again, with a word."""
    for secret in ("", "wrong", "viewer", "the-viewer"):
        reply = await Visitor(guarded.api).sign_in(secret)
        assert reply.status == 401
        assert b"not known" in reply.raw
        assert "Set-Cookie" not in reply.headers


async def test_an_invented_session_is_none(guarded: Admin) -> None:
    """Nor does a cookie do where a bearer token is wrong."""
    visitor = Visitor(guarded.api)
    visitor.cookie = "bluegreen_session=invented"
    await visitor.look("/", 401)
    await visitor.sign_in("viewer-1")
    assert (await visitor.get("/v1/services", Authorization="Bearer wrong")).status == 401


async def test_signing_in_again_ends_the_session_before(guarded: Admin) -> None:
    """A cookie that somebody planted is worth nothing afterwards."""
    visitor = Visitor(guarded.api)
    await visitor.sign_in("viewer-1")
    before = visitor.cookie
    await visitor.sign_in("operator-1")
    assert visitor.cookie != before
    visitor.cookie = before
    await visitor.look("/", 401)


async def test_signing_out_ends_the_session(guarded: Admin) -> None:
    """Here, and not only in the browser; and no other page can do it."""
    visitor = Visitor(guarded.api)
    await visitor.sign_in("viewer-1")
    assert (await visitor.post("/sign-out", csrf="wrong")).code == "csrf_failed"
    assert (await visitor.post("/sign-out")).status == 403
    await visitor.look("/")
    reply = await visitor.post("/sign-out", csrf=await visitor.csrf())
    assert (reply.status, reply.headers["Location"]) == (303, "/sign-in")
    await visitor.look("/", 401)
    assert (await visitor.post("/sign-out")).status == 303


async def test_another_site_cannot_sign_anybody_in(guarded: Admin) -> None:
    """A form of theirs with a token of theirs."""
    visitor = Visitor(guarded.api)
    visitor.origin = "http://evil.example"
    assert (await visitor.sign_in("viewer-1")).code == "origin_not_allowed"


async def test_a_form_that_is_none_is_refused(guarded: Admin) -> None:
    """Another media type, and one that is too large."""
    reply = await guarded.api.call("POST", "/sign-in", {"token": "viewer-1"})
    assert (reply.status, reply.code) == (415, "unsupported_media_type")
    visitor = Visitor(guarded.api)
    assert (await visitor.sign_in("x" * 10_000)).status == 413
    assert (await visitor.post("/sign-in", **{f"field{number}": "x" for number in range(50)})).status == 400


async def test_a_link_from_elsewhere_finds_the_session(guarded: Admin) -> None:
    """A strict cookie does not come along with it, so the page looks again by itself, once."""
    visitor = Visitor(guarded.api)
    reply = await visitor.get("/history", **{"Sec-Fetch-Site": "cross-site"})
    assert b'http-equiv="refresh" content="0"' in reply.raw
    assert b"http-equiv" not in (await visitor.get("/history", **{"Sec-Fetch-Site": "same-origin"})).raw


async def test_without_tokens_there_is_nothing_to_sign_in_to(admin: Admin, visitor: Visitor) -> None:
    """Everybody who can connect is an admin."""
    assert (await visitor.get("/sign-in")).headers["Location"] == "/"
    reply = await visitor.sign_in("anything", next="/history")
    assert (reply.status, reply.headers["Location"]) == (303, "/history")
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "evil", "", "/a b", "/\tx", "/a\r\nX: y",
     "javascript:alert(1)", "/\u00e4", "/a\\b"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(wanted: str) -> None:
    """After signing in only pages of ours come."""
    assert own_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/history?before=7&service=a%20b", "/services/shop#upstreams-blue"])
def test_whoever_wanted_a_page_of_ours_gets_it(wanted: str) -> None:
    """With its parameters."""
    assert own_path(wanted) == wanted


def test_sessions_end_after_a_while() -> None:
    """However busy they are."""
    clock = Hands()
    sessions = Sessions(clock)
    secret = sessions.open(CI)
    clock.now += LASTS - 1
    assert sessions.find(secret) is not None
    clock.now += 1
    assert sessions.find(secret) is None


def test_a_token_has_so_many_sessions_and_no_more() -> None:
    """The oldest makes room; those of others are not touched."""
    sessions = Sessions(Hands())
    other = sessions.open(Token("ada", Role.VIEWER, b""))
    secrets = [sessions.open(CI) for _ in range(MOST + 10)]
    assert [sessions.find(secret) is not None for secret in secrets] == [False] * 10 + [True] * MOST
    assert sessions.find(other) is not None
    assert len(sessions) == MOST + 1


def test_what_is_over_is_forgotten() -> None:
    """Otherwise a year of signing in would stay in memory."""
    clock = Hands()
    sessions = Sessions(clock)
    sessions.open(CI)
    clock.now += LASTS
    sessions.open(Token("ada", Role.VIEWER, b""))
    assert len(sessions) == 1

from __future__ import annotations

from tests.control.admin.door import Admin
from tests.control.page.visitor import Visitor

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


PAGES = ("/", "/history", "/services/shop", "/nowhere", "/history?before=x", "/sign-in")
OTHERS = ("/static/style.css", "/v1/services", "/v1/nowhere", "/livez", "/metrics", "/openapi.json")


async def test_every_answer_says_what_browsers_may_make_of_it(visitor: Visitor) -> None:
    """Pages, files, JSON and errors alike."""
    for path in (*PAGES, *OTHERS):
        headers = (await visitor.get(path)).headers
        assert headers["Content-Security-Policy"] == POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Server"] == "bluegreen"


async def test_pages_are_kept_by_nobody(visitor: Visitor) -> None:
    """What was true a moment ago misleads, and a shared browser would show it to the next one."""
    for path in PAGES:
        assert (await visitor.get(path)).headers["Cache-Control"] == "no-store"


async def test_programs_get_text_at_the_front(admin: Admin) -> None:
    """curl shows where things are."""
    for accept in ("*/*", "application/json", "text/plain, text/html;q=0"):
        reply = await admin.api.get("/", Accept=accept)
        assert reply.headers["Content-Type"].startswith("text/plain")
        assert b"/v1/services" in reply.raw


async def test_errors_are_pages_for_browsers_alone(admin: Admin, visitor: Visitor) -> None:
    """And never below /v1/, where programs rely on problem documents."""
    page = await visitor.look("/nowhere", 404)
    assert "Not Found" in page.text
    assert (await visitor.get("/v1/nowhere")).code == "not_found"
    assert (await admin.api.get("/nowhere")).code == "not_found"
    assert (await admin.api.get("/services/none")).code == "service_not_found"


async def test_a_head_can_be_asked_for(visitor: Visitor) -> None:
    """The same fields, and no body."""
    for path in ("/", "/history", "/services/shop", "/static/style.css"):
        whole = await visitor.get(path)
        head = await visitor.api.call("HEAD", path, Accept="text/html")
        assert (head.status, head.raw) == (200, b"")
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
        assert head.headers["Content-Length"] == str(len(whole.raw))

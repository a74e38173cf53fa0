from __future__ import annotations

from tests.control.admin.door import Admin, Api


async def test_alive(api: Api) -> None:
    """An answer is the message."""
    reply = await api.get("/livez")
    assert (reply.status, reply.body) == (200, {"status": "alive"})


async def test_ready_or_why_not(admin: Admin) -> None:
    """What is in the way is said in words."""
    assert (await admin.api.get("/readyz")).body == {"status": "ready"}
    admin.obstacles.append("1 of 2 workers serves generation 7")
    reply = await admin.api.get("/readyz")
    assert (reply.status, reply.code) == (503, "not_ready")
    assert reply.body["obstacles"] == ["1 of 2 workers serves generation 7"]


async def test_metrics_keep_their_content_type(api: Api) -> None:
    """Prometheus chooses its parser by it."""
    reply = await api.get("/metrics")
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.raw.startswith(b"bluegreen_")


async def test_answers_do_not_tell_versions(api: Api) -> None:
    """Neither good ones nor problems."""
    for path in ("/livez", "/nowhere"):
        assert (await api.get(path)).headers["Server"] == "bluegreen"

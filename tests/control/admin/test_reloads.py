from __future__ import annotations

from tests.control.admin.door import CONFIG, Admin


async def test_nobody_has_reloaded_yet(admin: Admin) -> None:
    """Which is no error."""
    assert (await admin.api.get("/v1/reload")).body == {"last": None}


async def test_a_good_file_is_served(admin: Admin) -> None:
    """And what became of it can be read later on."""
    admin.config.write_text(CONFIG.replace("b:1", "b:2"))
    reply = await admin.api.call("POST", "/v1/reload")
    assert (reply.status, reply.body["ok"], reply.body["by"], reply.body["problems"]) == (200, True, "local", [])
    assert (await admin.api.get("/v1/reload")).body == {"last": reply.body}
    assert [each["address"] for each in (await admin.api.shop())["pools"]["green"]["upstreams"]] == ["b:2"]


async def test_a_bad_file_is_refused_with_every_problem(admin: Admin) -> None:
    """Now, and to whoever asks later: a reload by signal has no other place to complain."""
    admin.config.write_text(CONFIG.replace("pools", "polls").replace("shop", "sh op"))
    before = admin.core.controller.state
    reply = await admin.api.call("POST", "/v1/reload")
    assert (reply.status, reply.code) == (422, "config_refused")
    assert len(reply.body["problems"]) > 1
    assert (await admin.api.get("/v1/reload")).body["last"]["problems"] == reply.body["problems"]
    assert admin.core.controller.state is before

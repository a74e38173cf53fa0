from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.config.settings import Role, TokenSettings
from proxy.control.admin.auth import read_tokens
from tests.control.admin.door import Admin, running_admin
from tests.control.core import Core


def token(folder: Path, name: str, role: Role, secret: str) -> TokenSettings:
    """A token of the config, with its file."""
    file = folder / name
    file.write_text(f"{secret}\n")
    return TokenSettings(name, role, file)


@pytest.fixture
async def admin(core: Core, tmp_path: Path) -> AsyncIterator[Admin]:
    """An admin API with one token of each role; the secret is the role's name and a number."""
    tokens = read_tokens([token(tmp_path, f"the-{role.value}", role, f"{role.value}-1") for role in Role])
    async with running_admin(core, tokens=tokens) as admin:
        yield admin


def bearer(secret: str) -> str:
    """An Authorization field."""
    return f"Bearer {secret}"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic b3BlcmF0b3ItMQ==", "operator-1"])
async def test_without_a_known_token_nothing_is_told(admin: Admin, authorization: str | None) -> None:
    """401, with the challenge that RFC 6750 asks for, and the same code whatever was wrong."""
    before = admin.core.controller.state
    fields = {"Authorization": authorization} if authorization else {}
    for method, path in [("GET", "/v1/services"), ("GET", "/metrics"), ("POST", "/v1/services/shop/switch")]:
        reply = await admin.api.call(method, path, None, data=None, **fields)
        assert (reply.status, reply.code) == (401, "unauthorized")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer ")
    assert admin.core.controller.state is before


async def test_a_viewer_reads_everything(admin: Admin) -> None:
    """A read never needs more."""
    paths = ["/v1/services", "/v1/services/shop", "/v1/operations", "/v1/history", "/v1/reload", "/metrics"]
    for path in paths:
        assert (await admin.api.get(path, Authorization=bearer("viewer-1"))).status == 200


async def test_a_viewer_changes_nothing(admin: Admin) -> None:
    """403, naming the role that is needed."""
    reply = await admin.api.call("POST", "/v1/services/shop/switch", {"to": "green"}, Authorization=bearer("viewer-1"))
    assert (reply.status, reply.code, reply.body["needed"]) == (403, "forbidden", "operator")
    assert admin.core.controller.state.services["shop"].revision == 1


async def test_an_operator_moves_traffic_and_is_remembered(admin: Admin) -> None:
    """Who did it is the name of the token."""
    reply = await admin.api.call(
        "POST", "/v1/services/shop/switch", {"to": "green"}, Authorization="bearer   operator-1"
    )
    assert (reply.status, reply.body["by"]) == (200, "the-operator")
    assert (await admin.core.store.journal(limit=1))[0].by == "the-operator"


async def test_only_an_admin_reloads(admin: Admin) -> None:
    """Reading the config file again is beyond an operator."""
    refused = await admin.api.call("POST", "/v1/reload", Authorization=bearer("operator-1"))
    assert (refused.status, refused.body["needed"]) == (403, "admin")
    assert (await admin.api.call("POST", "/v1/reload", Authorization=bearer("admin-1"))).body["by"] == "the-admin"


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/openapi.json"])
async def test_what_holds_no_secret_needs_no_token(admin: Admin, path: str) -> None:
    """Probes have no tokens."""
    assert (await admin.api.get(path)).status == 200


async def test_the_document_tells_that_tokens_are_needed(admin: Admin) -> None:
    """A generated client then knows to send one."""
    document = (await admin.api.get("/openapi.json")).body
    assert document["paths"]["/v1/services"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/livez"]["get"]


def test_an_empty_token_file_is_refused(tmp_path: Path) -> None:
    """An empty secret would let everybody in."""
    with pytest.raises(ValueError, match="is empty"):
        read_tokens([token(tmp_path, "ci", Role.VIEWER, "")])


def test_one_secret_for_two_is_refused(tmp_path: Path) -> None:
    """The history has to say who it was."""
    with pytest.raises(ValueError, match="the same token"):
        read_tokens([token(tmp_path, name, Role.VIEWER, "secret") for name in ("ada", "bob")])

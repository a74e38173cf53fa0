from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from proxy.config.settings import Role
from proxy.control.admin.auth import Token, digest_of
from tests.control.admin.door import Admin, running_admin
from tests.control.core import Core
from tests.control.page.visitor import Visitor

TOKENS = tuple(Token(f"the-{role.value}", role, digest_of(f"{role.value}-1".encode())) for role in Role)


@pytest.fixture
async def admin(core: Core) -> AsyncIterator[Admin]:
    """The admin API of a front door with one healthy service, of which blue is live. No tokens are needed."""
    async with running_admin(core) as admin:
        yield admin


@pytest.fixture
def visitor(admin: Admin) -> Visitor:
    """Somebody with a browser."""
    return Visitor(admin.api)


@pytest.fixture
async def guarded(core: Core) -> AsyncIterator[Admin]:
    """An admin API with one token of each role; the secret is the role's name and a number."""
    async with running_admin(core, tokens=TOKENS) as admin:
        yield admin

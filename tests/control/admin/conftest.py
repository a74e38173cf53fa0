from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.control.admin.door import Admin, Api, running_admin
from tests.control.core import Core


@pytest.fixture
async def admin(core: Core) -> AsyncIterator[Admin]:
    """The admin API of a front door with one healthy service, of which blue is live. No tokens are needed."""
    async with running_admin(core) as admin:
        yield admin


@pytest.fixture
def api(admin: Admin) -> Api:
    """A client of it."""
    return admin.api

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.control.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "bluegreen.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    """A new store."""
    store = await SqliteStore.open(path, now=1.0)
    yield store
    await store.close()

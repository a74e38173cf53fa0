from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.control.store.base import StoreCorrupt
from proxy.control.store.recall import recall
from proxy.control.store.sqlite import SqliteStore
from proxy.traffic.commands import Context, Switch
from proxy.traffic.configure import initial_state
from proxy.traffic.document import dump_state
from proxy.traffic.reducer import reduce
from proxy.traffic.spec import Color, DoorSpec, ServiceSpec, UpstreamSpec
from tests.control.store.entries import entry

SHOP = ServiceSpec("shop", (UpstreamSpec("a:1"),), (UpstreamSpec("b:1"),))


async def test_an_empty_store_gives_what_the_file_says(store: SqliteStore) -> None:
    """The first start ever."""
    state = await recall(store, DoorSpec(), (SHOP,))
    assert len(state.secret) == 64
    assert replace(state, secret="") == initial_state(DoorSpec(), (SHOP,))


async def test_what_was_switched_stays_switched(store: SqliteStore) -> None:
    """The stored split is served, not the file's initial."""
    switch = Switch("shop", Color.GREEN, force=True)
    state = reduce(initial_state(DoorSpec(), (SHOP,)), switch, Context(1.0, "ada")).state
    await store.commit(dump_state(state), entry=entry())
    assert (await recall(store, DoorSpec(), (SHOP,))).services["shop"].live is Color.GREEN


@pytest.mark.parametrize(
    "document", [{}, {"services": 3}, {"services": {"shop": {}}, "generation": 1}, {"services": []}]
)
async def test_a_will_that_makes_no_sense_is_corrupt(store: SqliteStore, document: dict[str, object]) -> None:
    """It is not guessed at; the error names the remedy."""
    await store.commit(document, entry=entry())
    with pytest.raises(StoreCorrupt, match="backup"):
        await recall(store, DoorSpec(), (SHOP,))

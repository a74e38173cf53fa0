from __future__ import annotations

import asyncio
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.control.store import statements
from proxy.control.store.base import StoreCorrupt, StoreUnavailable
from proxy.control.store.sqlite import SqliteStore
from proxy.traffic.document import INTERRUPTED
from proxy.traffic.model import OperationState, Phase, Receipt
from tests.control.store.disks import small_disk
from tests.control.store.entries import entry, operation


async def test_a_new_store_is_empty(store: SqliteStore) -> None:
    """Nothing committed: no will, no history."""
    assert await store.read() is None
    assert await store.journal() == []
    assert await store.operations() == []
    assert await store.operation("op-1") is None


async def test_a_commit_is_there_after_reopening(store: SqliteStore, path: Path) -> None:
    """Will, entry and operations come back as they were; the entry has got its id."""
    document = {"generation": 4, "services": {"shop": {"split": 10_000, "name": "grün"}}}
    kept = await store.commit(document, entry=entry(1, reason="five o'clock"), operations=[operation(1)])
    assert kept == replace(entry(1, reason="five o'clock"), id=1)
    await store.close()
    again = await SqliteStore.open(path, now=2.0)
    assert await again.read() == document
    assert await again.journal() == [kept]
    assert await again.operation("op-1") == operation(1)
    await again.close()


async def test_the_last_commit_is_the_will(store: SqliteStore) -> None:
    """There is one will; history grows."""
    for number in range(1, 4):
        await store.commit({"generation": number}, entry=entry(number))
    assert await store.read() == {"generation": 3}
    assert [each.id for each in await store.journal()] == [3, 2, 1]


async def test_commits_asked_for_at_once_are_all_done(store: SqliteStore) -> None:
    """Callers need no lock of their own."""
    kept = await asyncio.gather(*(store.commit({"n": n}, entry=entry(n)) for n in range(20)))
    assert sorted(each.id for each in kept if each) == list(range(1, 21))


async def test_a_commit_does_not_wait_for_all_who_read(store: SqliteStore) -> None:
    """Fifty have asked for lists before it; it comes next, after the one that is being read."""
    lists = (store.journal, store.operations, lambda: store.operations_between(0, 1e9))
    reads = [asyncio.ensure_future(lists[number % len(lists)]()) for number in range(50)]
    await asyncio.sleep(0)
    await store.commit({"generation": 1}, entry=entry(1))
    assert not reads[-1].done()
    await asyncio.gather(*reads)


async def test_the_journal_is_read_by_pages_and_by_service(store: SqliteStore) -> None:
    """`before` goes on where a page ended; what concerns all services is told of each."""
    for number, service in enumerate(["shop", "blog", None, "shop"], start=1):
        await store.commit({}, entry=entry(number, service=service))
    assert [each.id for each in await store.journal(limit=2)] == [4, 3]
    assert [each.id for each in await store.journal(limit=2, before=3)] == [2, 1]
    assert [each.id for each in await store.journal(service="shop")] == [4, 3, 1]
    assert [each.id for each in await store.journal(service="shop", before=4, limit=1)] == [3]


async def test_operations_are_read_by_pages_and_by_service(store: SqliteStore) -> None:
    """Newest first, in the order in which they began, however often they were written since."""
    for number, service in enumerate(["shop", "blog", "shop"], start=1):
        await store.record_operation(operation(number, service=service, running=True))
    await store.record_operation(operation(1))
    assert [each.id for each in await store.operations()] == ["op-3", "op-2", "op-1"]
    assert [each.id for each in await store.operations(service="shop")] == ["op-3", "op-1"]
    assert [each.id for each in await store.operations(before="op-3", limit=1)] == ["op-2"]
    assert await store.operation("op-1") == operation(1)


async def test_old_rows_are_pruned(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the program lives, the file stays of a size."""
    monkeypatch.setattr(statements, "JOURNAL_ROWS", 5)
    monkeypatch.setattr(statements, "OPERATION_ROWS", 3)
    for number in range(1, 9):
        await store.commit({}, entry=entry(number), operations=[operation(number)])
    assert [each.id for each in await store.journal()] == [8, 7, 6, 5, 4]
    assert [each.id for each in await store.operations()] == ["op-8", "op-7", "op-6"]


def file_sizes(folder: Path) -> list[int]:
    """The sizes of the files in a folder."""
    return [each.stat().st_size for each in folder.iterdir()]


async def test_the_log_file_stays_small(store: SqliteStore, path: Path) -> None:
    """Hundreds of commits, some of them large, leave no large file behind."""
    for number in range(300):
        await store.commit({"n": "x" * (200_000 if number % 100 == 0 else 5_000)}, entry=entry(number))
    assert sum(file_sizes(path.parent)) < 2 * 1024 * 1024


async def test_the_settings_that_durability_rests_on(store: SqliteStore, path: Path) -> None:
    """A commit is flushed before it is answered; leaving, the log is folded in."""
    await store.commit({}, entry=entry())
    found = await store._run(
        lambda db: [db.execute(f"PRAGMA {n}").fetchone()[0] for n in ("journal_mode", "synchronous")]
    )
    assert found == ["wal", 2]
    await store.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_operations_that_were_running_are_ended_on_opening(store: SqliteStore, path: Path) -> None:
    """Whoever asks for one after a crash is told that it was interrupted; those that had ended stay as they were."""
    await store.commit({}, entry=entry(), operations=[operation(1), operation(2, running=True)])
    await store.close()
    again = await SqliteStore.open(path, now=99.0)
    over = await again.operation("op-2")
    assert over is not None
    assert (over.state, over.phase, over.ended_at) == (OperationState.FAILED, Phase.ENDED, 99.0)
    assert (over.note, over.receipt) == (INTERRUPTED, None)
    assert await again.operation("op-1") == operation(1)
    await again.close()


async def test_operations_that_the_will_names_go_on(store: SqliteStore, path: Path) -> None:
    """They are not ended on opening, for the program goes on with them."""
    await store.commit({"operations": [{"id": "op-1"}]}, entry=entry(), operations=[operation(1, running=True)])
    await store.close()
    again = await SqliteStore.open(path, now=99.0)
    assert await again.operation("op-1") == operation(1, running=True)
    await again.close()


async def test_a_will_can_be_replaced_without_a_word_in_the_journal(store: SqliteStore) -> None:
    """Operations go on by themselves; the journal tells of what somebody decided."""
    await store.commit({"n": 1}, entry=entry(1))
    assert await store.commit({"n": 2}, entry=None, operations=[operation(2)]) is None
    assert await store.read() == {"n": 2}
    assert [each.operation for each in await store.journal()] == ["op-1"]
    assert await store.operation("op-2") == operation(2)


async def test_a_closed_store_refuses(store: SqliteStore) -> None:
    """After closing, which may be done twice, nothing is accepted."""
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.commit({}, entry=entry())


async def test_a_will_that_is_no_json_is_corrupt(store: SqliteStore, path: Path) -> None:
    """The error names the file and the remedy."""
    await store.commit({}, entry=entry())
    await store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE will SET document = '{'")
    db.close()
    again = await SqliteStore.open(path, now=1.0)
    with pytest.raises(StoreCorrupt, match=r"bluegreen\.db.*backup"):
        await again.read()
    await again.close()


async def test_an_operation_that_is_not_readable_is_corrupt(store: SqliteStore, path: Path) -> None:
    """A record from who knows where is an error at the start, not in the middle of a switch."""
    await store.record_operation(operation(1, running=True))
    await store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE operations SET record = '{}'")
    db.close()
    with pytest.raises(StoreCorrupt, match="operation"):
        await SqliteStore.open(path, now=1.0)


async def test_a_full_disk_refuses_and_later_works_again(tmp_path: Path) -> None:
    """No room: StoreUnavailable, and what was committed before stays. Room again: it works again."""
    with small_disk(tmp_path / "disk") as disk:
        store = await SqliteStore.open(disk.path / "bluegreen.db", now=1.0)
        await store.commit({"n": 1}, entry=entry(1))
        disk.fill()
        for _ in range(3):
            with pytest.raises(StoreUnavailable, match="full"):
                await store.commit({"n": 2, "much": "x" * 100_000}, entry=entry(2), operations=[operation(2)])
        assert await store.read() == {"n": 1}
        assert [each.id for each in await store.journal()] == [1]
        assert await store.operations() == []
        disk.free()
        await store.commit({"n": 3, "much": "x" * 100_000}, entry=entry(3))
        assert [each.id for each in await store.journal()] == [2, 1]
        await store.close()


async def test_a_store_on_a_full_disk_can_be_opened(tmp_path: Path) -> None:
    """After a crash on a full disk the program starts with what is stored; operations are ended once there is room."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk.path / "bluegreen.db"
        store = await SqliteStore.open(path, now=1.0)
        await store.commit({"n": 1}, entry=entry(1), operations=[operation(1, running=True)])
        await store.close()
        disk.fill()
        again = await SqliteStore.open(path, now=2.0)
        assert await again.read() == {"n": 1}
        await again.close()
        disk.free()
        last = await SqliteStore.open(path, now=3.0)
        over = await last.operation("op-1")
        assert over is not None
        assert over.ended_at == 3.0
        await last.close()


async def test_operations_are_found_by_when_they_went_on(store: SqliteStore) -> None:
    """Those that had begun by one moment and had not ended before another, the last to begin first."""
    spans: dict[str, tuple[float, float | None]] = {
        "op-1": (10.0, 11.0),
        "op-2": (20.0, 50.0),
        "op-3": (30.0, 31.0),
        "op-4": (40.0, None),
    }
    for number, (began, ended) in enumerate(spans.values(), start=1):
        service = "shop" if number % 2 else "blog"
        whole = replace(operation(number, service=service, running=ended is None), started_at=began, ended_at=ended)
        await store.record_operation(whole)

    async def found(since: float, until: float, service: str | None = None, limit: int = 50) -> list[str]:
        operations = await store.operations_between(since, until, service=service, limit=limit)
        return [each.id for each in operations]

    assert await found(0, 100) == ["op-4", "op-3", "op-2", "op-1"]
    assert await found(11, 30) == ["op-3", "op-2", "op-1"]
    assert await found(12, 29) == ["op-2"]
    assert await found(60, 100) == ["op-4"]
    assert await found(0, 9) == await found(100, 0) == []
    assert await found(0, 100, "shop") == ["op-3", "op-1"]
    assert await found(0, 100, limit=1) == ["op-4"]


async def test_times_are_looked_up_in_an_index(store: SqliteStore, path: Path) -> None:
    """Ten thousand operations need not be read to find ten; a file of an earlier version is given the index."""

    def plan() -> str:
        asked = f"EXPLAIN QUERY PLAN {statements.BETWEEN}"
        with closing(sqlite3.connect(path)) as db:
            return str(db.execute(asked, {"since": 0, "until": 1, "service": None, "limit": 1}).fetchall())

    await store.record_operation(operation())
    await store.close()
    assert "USING INDEX operations_by_time" in plan()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP INDEX operations_by_time")
    assert "operations_by_time" not in plan()
    again = await SqliteStore.open(path, now=2.0)
    assert [each.id for each in await again.operations_between(0, 100)] == ["op-1"]
    await again.close()
    assert "USING INDEX operations_by_time" in plan()


async def test_a_record_that_is_not_json_for_everybody_is_kept(store: SqliteStore) -> None:
    """A number that JSON has no word for stands in no way of writing it; it is only not found by its time."""
    odd = replace(operation(), receipt=replace(Receipt(generation=1), longest_ms=math.inf))
    await store.record_operation(odd)
    assert await store.operation("op-1") == odd
    assert await store.operations_between(0, 100) == []

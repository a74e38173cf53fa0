"""The store in an SQLite file. SQLite waits for the disk, so all of it happens in one thread of its own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from proxy.control.store import statements
from proxy.control.store.base import JournalEntry, StoreUnavailable
from proxy.control.store.opening import corrupt, open_database
from proxy.traffic.document import Document
from proxy.traffic.model import Operation

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """A :class:`proxy.control.store.base.Store` in one file, which no other program may have open meanwhile."""

    def __init__(self, path: Path, db: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        """Use :meth:`open`."""
        self._path = path
        self._db = db
        self._thread = thread
        self._closed = False
        self._turn = asyncio.Lock()
        """Of whoever reads a list. A change waits for one of them and not for all: however many look, it comes next."""

    @classmethod
    async def open(cls, path: Path, *, now: float) -> SqliteStore:
        """Open or make the file, and end the operations that ran when the program died, as of ``now`` (Unix seconds).

        Those that the stored will names go on, and are left alone.

        Raises:
            StoreInUse: another program has it open.
            StoreCorrupt: it is damaged, or no store of ours.
            StoreUnavailable: it cannot be opened, or cannot be made. A full disk is no reason, if the file is there.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        try:
            db = await asyncio.get_running_loop().run_in_executor(thread, open_database, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        store = cls(path, db, thread)
        try:
            await store._run(statements.end_interrupted, now)
        except StoreUnavailable as error:  # serving what is stored matters more than how old operations are told
            logger.warning("operations that were interrupted cannot be ended: %s", error)
        except (AttributeError, KeyError, ValueError, TypeError) as error:
            await store.close()
            raise corrupt(path, f"a stored operation is not readable ({error})") from error
        return store

    async def read(self) -> Document | None:
        """The stored will; see :class:`Store` for this and all that follows."""
        try:
            return await self._run(statements.read_will)
        except ValueError as error:
            raise corrupt(self._path, f"the stored state is not readable ({error})") from error

    async def commit(
        self, document: Document, *, entry: JournalEntry | None, operations: Sequence[Operation] = ()
    ) -> JournalEntry | None:
        """Replace the will, write the entry and the operations, all or nothing."""
        return await self._run(statements.commit, document, entry, operations)

    async def record_operation(self, operation: Operation) -> None:
        """Write an operation as it is now."""
        await self._run(_record, operation)

    async def journal(
        self, *, service: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[JournalEntry]:
        """The newest entries first. Those that concern all services are among each service's."""
        return await self._list(statements.read_journal, service, before, limit)

    async def operation(self, operation_id: str) -> Operation | None:
        """One operation as it was last written."""
        return await self._run(statements.read_operation, operation_id)

    async def operations(
        self, *, service: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """The newest operations first."""
        return await self._list(statements.read_operations, service, before, limit)

    async def operations_between(
        self, since: float, until: float, *, service: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """Those that went on at some moment between two, the newest first."""
        return await self._list(statements.read_operations_between, since, until, service, limit)

    async def close(self) -> None:
        """Let go of the file, once what was asked before is done."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown()

    async def _list(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._turn:
            return await self._run(work, *args, **kwargs)

    async def _run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed:
            raise StoreUnavailable(f"{self._path}: the store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: work(self._db, *args, **kwargs)
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error


def _record(db: sqlite3.Connection, operation: Operation) -> None:
    with statements.transaction(db):
        statements.write_operation(db, operation)

"""The controller's way to the store: what must be written before it is served, and what may be written later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from proxy.control.events import EventName, Events
from proxy.control.store.base import JournalEntry, Store, StoreUnavailable
from proxy.traffic.document import Document
from proxy.traffic.model import Operation


class Ledger:
    """Writes commands now or not at all; keeps the end of an operation in memory until the store takes it."""

    def __init__(self, store: Store, events: Events, *, retry_after: float) -> None:
        """Write to ``store``; after a failure try again every ``retry_after`` seconds."""
        self._store = store
        self._events = events
        self._retry_after = retry_after
        self._owed: dict[str, Operation] = {}
        self._retrying: asyncio.Task[None] | None = None
        self.up = True
        """Whether the last write went well."""

    async def commit(
        self, document: Document, entry: JournalEntry | None, operations: Sequence[Operation] = ()
    ) -> JournalEntry | None:
        """Write a command's result, with its entry if somebody decided it. Raises :class:`StoreUnavailable`; nothing
        is written then.
        """
        owed = tuple(self._owed.values())
        try:
            kept = await self._store.commit(document, entry=entry, operations=(*owed, *operations))
        except StoreUnavailable as error:
            self._failed(error)
            raise
        self._wrote(owed)
        return kept

    async def settle(self, document: Document, operations: Sequence[Operation]) -> None:
        """Write the will and how operations ended; what cannot be written now is written with the next command."""
        try:
            await self.commit(document, None, operations)
        except StoreUnavailable:
            for operation in operations:
                await self.record(operation)

    async def record(self, operation: Operation) -> None:
        """Write how an operation ended, now or as soon as the store can."""
        self._owed[operation.id] = operation
        if not await self._settle() and self._retrying is None:
            self._retrying = asyncio.create_task(self._retry(), name="store retry")

    async def operation(self, operation_id: str) -> Operation | None:
        """One operation as it was last told."""
        return self._owed.get(operation_id) or await self._store.operation(operation_id)

    async def operations(self, *, service: str | None, before: str | None, limit: int) -> list[Operation]:
        """The newest operations first, as they were last told."""
        stored = await self._store.operations(service=service, before=before, limit=limit)
        return [self._owed.get(operation.id, operation) for operation in stored]

    async def operations_between(
        self, since: float, until: float, *, service: str | None, limit: int
    ) -> list[Operation]:
        """Those that went on at some moment between two, the newest first, as they were last told."""
        stored = await self._store.operations_between(since, until, service=service, limit=limit)
        told = (self._owed.get(operation.id, operation) for operation in stored)
        return [each for each in told if each.ended_at is None or each.ended_at >= since]

    async def close(self) -> None:
        """One last try to write what is owed."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
        await self._settle()

    async def _settle(self) -> bool:
        for operation in tuple(self._owed.values()):
            try:
                await self._store.record_operation(operation)
            except StoreUnavailable as error:
                self._failed(error)
                return False
            self._wrote((operation,))
        return True

    async def _retry(self) -> None:
        while self._owed:
            await asyncio.sleep(self._retry_after)
            await self._settle()
        self._retrying = None

    def _wrote(self, operations: Sequence[Operation]) -> None:
        for operation in operations:
            if self._owed.get(operation.id) is operation:
                del self._owed[operation.id]
        if not self.up:
            self.up = True
            self._events.emit(EventName.STORE_UP)

    def _failed(self, error: StoreUnavailable) -> None:
        if self.up:
            self.up = False
            self._events.emit(EventName.STORE_DOWN, error=str(error))

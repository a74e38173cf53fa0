"""What a store promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.traffic.document import Document
from proxy.traffic.model import Operation
from proxy.traffic.reduction import Change


class StoreError(Exception):
    """Something is wrong with the store. The message is for the operator and names the file."""


class StoreUnavailable(StoreError):
    """The disk is full, read-only or broken: the command is refused, traffic is not affected. It may work later."""


class StoreInUse(StoreError):
    """Another program holds the store."""


class StoreCorrupt(StoreError):
    """What is there cannot be read. The message names the remedy."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Who changed what, when and why."""

    id: int
    """Grows with every entry; 0 before the store has given it one."""
    at: float
    by: str
    reason: str | None
    service: str | None
    """``None``: it concerns all of them."""
    action: str
    operation: str | None
    changes: tuple[Change, ...]
    generation: int
    revision: int | None
    """The service's, afterwards."""


class Store(Protocol):
    """Durable memory. What a method has returned from is on disk. Everything may raise :class:`StoreUnavailable`."""

    async def read(self) -> Document | None:
        """The stored will, or ``None`` if nothing was ever committed. Raises :class:`StoreCorrupt`."""
        ...

    async def commit(
        self, document: Document, *, entry: JournalEntry | None, operations: Sequence[Operation] = ()
    ) -> JournalEntry | None:
        """Replace the will, write the entry, if there is one, and the operations, all or nothing.

        Gives the entry with its id.
        """
        ...

    async def record_operation(self, operation: Operation) -> None:
        """Write an operation as it is now; the will stays as it is."""
        ...

    async def journal(
        self, *, service: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[JournalEntry]:
        """The newest entries first, of one service or all, older than the entry with the id ``before``."""
        ...

    async def operation(self, operation_id: str) -> Operation | None:
        """One operation as it was last written."""
        ...

    async def operations(
        self, *, service: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """The newest operations first, of one service or all, older than the one with the id ``before``."""
        ...

    async def operations_between(
        self, since: float, until: float, *, service: str | None = None, limit: int = 50
    ) -> list[Operation]:
        """Those that went on at some moment between two (Unix seconds), of one service or all, the newest first."""
        ...

    async def close(self) -> None:
        """Let go of the file. Again does nothing."""
        ...

"""The SQL, as plain functions on a connection. They run in the store's thread."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from proxy.control.store.base import JournalEntry
from proxy.control.store.opening import ENDED, STARTED
from proxy.traffic.document import Document, interrupted
from proxy.traffic.model import Operation, Phase
from proxy.traffic.records import dump_changes, dump_operation, load_changes, load_operation

JOURNAL_ROWS = 10_000
"""So many of the newest journal entries are kept."""

OPERATION_ROWS = 10_000
"""So many of the newest operations are kept."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; what the body raises comes out again."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite has ended it itself after some errors of the disk
            db.execute("ROLLBACK")
        raise


def read_will(db: sqlite3.Connection) -> Document | None:
    """The stored document. Raises ``ValueError`` if it is no JSON."""
    row = db.execute("SELECT document FROM will").fetchone()
    if row is None:
        return None
    document: Document = json.loads(row[0])
    return document


def commit(
    db: sqlite3.Connection, document: Document, entry: JournalEntry | None, operations: Sequence[Operation]
) -> JournalEntry | None:
    """Write all of it in one transaction."""
    text = json.dumps(document, separators=(",", ":"))
    with transaction(db):
        db.execute("INSERT OR REPLACE INTO will (id, document) VALUES (1, ?)", (text,))
        for operation in operations:
            write_operation(db, operation)
        return replace(entry, id=_write_entry(db, entry)) if entry else None


def _write_entry(db: sqlite3.Connection, entry: JournalEntry) -> int:
    changes = json.dumps(dump_changes(entry.changes))
    cursor = db.execute(
        "INSERT INTO journal (at, by, reason, service, action, operation, changes, generation, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.at,
            entry.by,
            entry.reason,
            entry.service,
            entry.action,
            entry.operation,
            changes,
            entry.generation,
            entry.revision,
        ),
    )
    assert cursor.lastrowid is not None
    db.execute("DELETE FROM journal WHERE id <= ?", (cursor.lastrowid - JOURNAL_ROWS,))
    return cursor.lastrowid


def write_operation(db: sqlite3.Connection, operation: Operation) -> None:
    """Write an operation, over what was known of it before. To be called in a transaction."""
    db.execute(
        "INSERT INTO operations (id, service, running, record) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET running = excluded.running, record = excluded.record",
        (
            operation.id,
            operation.service,
            operation.phase is not Phase.ENDED,
            json.dumps(dump_operation(operation)),
        ),
    )
    db.execute("DELETE FROM operations WHERE sequence <= (SELECT max(sequence) FROM operations) - ?", (OPERATION_ROWS,))


def end_interrupted(db: sqlite3.Connection, now: float) -> int:
    """End the operations that ran when the program died, but for those that go on; how many there were."""
    rows = db.execute("SELECT record FROM operations WHERE running").fetchall()
    going_on = _going_on(db) if rows else set()
    records = [raw for (record,) in rows if (raw := json.loads(record))["id"] not in going_on]
    if records:
        with transaction(db):
            for raw in records:
                write_operation(db, interrupted(load_operation(raw), now))
    return len(records)


def _going_on(db: sqlite3.Connection) -> set[str]:
    will = read_will(db) or {}
    return {each["id"] for each in will.get("operations", ())}


def read_journal(db: sqlite3.Connection, service: str | None, before: int | None, limit: int) -> list[JournalEntry]:
    """Entries, newest first. Entries that concern all services are told of each."""
    rows = db.execute(
        "SELECT id, at, by, reason, service, action, operation, changes, generation, revision FROM journal"
        " WHERE (:service IS NULL OR service = :service OR service IS NULL) AND (:before IS NULL OR id < :before)"
        " ORDER BY id DESC LIMIT :limit",
        {"service": service, "before": before, "limit": limit},
    )
    return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> JournalEntry:
    number, at, by, reason, service, action, operation, changes, generation, revision = row
    return JournalEntry(number, at, by, reason, service, action, operation, load_changes(changes), generation, revision)


def read_operation(db: sqlite3.Connection, operation_id: str) -> Operation | None:
    """One operation."""
    row = db.execute("SELECT record FROM operations WHERE id = ?", (operation_id,)).fetchone()
    return load_operation(json.loads(row[0])) if row else None


def read_operations(db: sqlite3.Connection, service: str | None, before: str | None, limit: int) -> list[Operation]:
    """Operations, newest first."""
    rows = db.execute(
        "SELECT record FROM operations WHERE (:service IS NULL OR service = :service)"
        " AND (:before IS NULL OR sequence < (SELECT sequence FROM operations WHERE id = :before))"
        " ORDER BY sequence DESC LIMIT :limit",
        {"service": service, "before": before, "limit": limit},
    )
    return [load_operation(json.loads(row[0])) for row in rows]


BETWEEN = (
    f"SELECT record FROM operations WHERE {STARTED} <= :until"  # noqa: S608 - made of constants
    f" AND ({ENDED} IS NULL OR {ENDED} >= :since) AND (:service IS NULL OR service = :service)"
    f" ORDER BY {STARTED} DESC LIMIT :limit"
)
"""What goes on at some moment between two."""


def read_operations_between(
    db: sqlite3.Connection, since: float, until: float, service: str | None, limit: int
) -> list[Operation]:
    """Operations that went on at some moment between two, those that began last first."""
    rows = db.execute(BETWEEN, {"since": since, "until": until, "service": service, "limit": limit})
    return [load_operation(json.loads(row[0])) for row in rows]

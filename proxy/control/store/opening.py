"""Opening the SQLite file: the settings that durability rests on, the lock, the check, the schema.

WAL with ``synchronous=FULL``: a commit appends to the log and flushes it; a torn end of the log is found by its
checksums and left out. The lock is SQLite's own (``locking_mode=EXCLUSIVE``), so it dies with the program and leaves
nothing to clean up; it also makes the ``-shm`` file unnecessary.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from proxy.control.store.base import StoreCorrupt, StoreError, StoreInUse, StoreUnavailable

SCHEMA_VERSION = 1
_APPLICATION_ID = int.from_bytes(b"bgpx")

_LOCK_WAIT = 1.0
"""Seconds to wait for a program that is just ending."""

_SETTINGS = (
    "PRAGMA locking_mode=EXCLUSIVE",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=128",  # pages of 4 KiB: the log is folded into the file every half MiB,
    "PRAGMA journal_size_limit=1048576",  # and cut back if one large commit has made it longer
)

STARTED, ENDED = (
    f"CASE WHEN json_valid(record) THEN json_extract(record, '$.{key}') END" for key in ("started_at", "ended_at")
)
"""When an operation began and ended, Unix seconds; nothing for a record that SQLite takes for no JSON (NaN is none)."""

_TIMES = f"CREATE INDEX IF NOT EXISTS operations_by_time ON operations ({STARTED}, {ENDED}, service)"
"""Files without it are read as well, and an earlier version of this program reads a file with it."""

_SCHEMA = (
    "CREATE TABLE will (id INTEGER PRIMARY KEY CHECK (id = 1), document TEXT NOT NULL)",
    """CREATE TABLE journal (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, by TEXT NOT NULL, reason TEXT, service TEXT, action TEXT NOT NULL,
        operation TEXT, changes TEXT NOT NULL, generation INTEGER NOT NULL, revision INTEGER)""",
    "CREATE INDEX journal_by_service ON journal (service, id)",
    """CREATE TABLE operations (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, service TEXT NOT NULL, running INTEGER NOT NULL,
        record TEXT NOT NULL)""",
    "CREATE INDEX operations_by_service ON operations (service, sequence)",
    f"PRAGMA application_id={_APPLICATION_ID}",
    f"PRAGMA user_version={SCHEMA_VERSION}",
)


def open_database(path: Path) -> sqlite3.Connection:
    """The database in that file, made if there is none, locked against every other program.

    Raises:
        StoreInUse: another program has it.
        StoreCorrupt: it is damaged, or no store of ours.
        StoreUnavailable: it cannot be opened or written.
    """
    _make_private(path)
    try:
        db = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}; does the folder exist, and may this user write there?") from error
    try:
        _prepare(db, path)
    except sqlite3.DatabaseError as error:
        db.close()
        raise _explained(error, path) from error
    except StoreError:
        db.close()
        raise
    return db


def _make_private(path: Path) -> None:
    """Begin a new file as one that only its owner reads, and so its log: URLs of gates and variables of hooks are in
    it, and these may be secret. The rights of a file that is there already are its owner's business.
    """
    with suppress(OSError):  # what stands in the way is told by who opens it
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))


def corrupt(path: Path, finding: str) -> StoreCorrupt:
    """The error for what cannot be read, with the remedy."""
    return StoreCorrupt(
        f"{path}: {finding}. Put a backup in its place, or move the file away: "
        "each service then starts from `initial` in the config file"
    )


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    for setting in _SETTINGS:
        db.execute(setting)
    db.execute("BEGIN EXCLUSIVE")  # the lock is taken here, and kept
    db.execute("COMMIT")
    findings = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
    if findings != ["ok"]:
        raise corrupt(path, f"the file is damaged ({'; '.join(findings)})")
    _check_schema(db, path)
    with suppress(sqlite3.OperationalError):  # a full or read-only disk: looking is slower without it, and works
        db.execute(_TIMES)


def _check_schema(db: sqlite3.Connection, path: Path) -> None:
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    empty = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if empty and application == 0:
        _create_schema(db)
    elif application != _APPLICATION_ID:
        raise corrupt(path, "this is a database of another program")
    elif version != SCHEMA_VERSION:
        raise corrupt(path, f"another version of this program wrote it (schema {version}, not {SCHEMA_VERSION})")


def _create_schema(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        db.execute(statement)
    db.execute("COMMIT")


def _explained(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    match error.sqlite_errorcode & 0xFF:  # the rest of an extended code tells details
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreInUse(f"{path}: another program has it open; is the front door running already?")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return corrupt(path, f"the file is damaged ({error})")
        case _:
            return StoreUnavailable(f"{path}: {error}")

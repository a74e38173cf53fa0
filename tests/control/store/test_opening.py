from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.control.store.base import StoreCorrupt, StoreInUse, StoreUnavailable
from proxy.control.store.opening import open_database
from proxy.control.store.sqlite import SqliteStore
from tests.control.store.entries import entry

HOLDER = """
import sys
from pathlib import Path
from proxy.control.store.opening import open_database
db = open_database(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_refused(path: Path) -> None:
    """While one program has the file, another one is told so; once that one is killed, nothing is left to clean up."""
    program = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(StoreInUse, match=r"bluegreen\.db.*another program"):
            open_database(path)
        holder.kill()
        holder.wait()
        open_database(path).close()


def test_nobody_else_reads_a_new_file(path: Path) -> None:
    """Nor its log: what webhooks are asked with, and what hooks get, is in there."""
    before = os.umask(0o022)
    try:
        db = open_database(path)
    finally:
        os.umask(before)
    files = [path, path.with_name(f"{path.name}-wal")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    db.close()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """The error asks the right question."""
    with pytest.raises(StoreUnavailable, match="does the folder exist"):
        open_database(tmp_path / "nowhere" / "bluegreen.db")


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_corrupt(path: Path, content: bytes) -> None:
    """It is not overwritten, and the error names the remedy."""
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="move the file away"):
        open_database(path)
    assert path.read_bytes() == content


def spoil_pages(path: Path) -> None:
    """Overwrite three pages behind the first."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (4096 * 3))


async def test_a_damaged_page_is_found_at_the_start(path: Path) -> None:
    """Garbage in the middle of the file is found before anything is served from it."""
    store = await SqliteStore.open(path, now=1.0)
    await store.commit({"much": "x" * 100_000}, entry=entry())
    await store.close()
    spoil_pages(path)
    with pytest.raises(StoreCorrupt, match="damaged"):
        await SqliteStore.open(path, now=1.0)


async def test_a_torn_end_of_the_log_is_left_out(path: Path) -> None:
    """A commit that was only half written when the power went is as if it had never been."""
    store = await SqliteStore.open(path, now=1.0)
    await store.commit({"n": 1}, entry=entry(1))
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    await store.commit({"n": 2, "much": "x" * 20_000}, entry=entry(2))
    files = {each: each.read_bytes() for each in (path, log)}
    await store.close()
    for each, content in files.items():
        each.write_bytes(content)
    with log.open("r+b") as torn:
        torn.truncate(size + (log.stat().st_size - size) // 2)
    again = await SqliteStore.open(path, now=1.0)
    assert await again.read() == {"n": 1}
    assert [each.id for each in await again.journal()] == [1]
    await again.close()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    """A mistyped path does not put our tables into somebody's data."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE customers (name TEXT)")
    db.close()
    with pytest.raises(StoreCorrupt, match="another program"):
        open_database(path)


def test_another_version_is_told(path: Path) -> None:
    """A file that a newer program has written is not guessed at."""
    db = open_database(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreCorrupt, match="schema 99"):
        open_database(path)


def test_a_folder_that_cannot_be_written_is_told(path: Path) -> None:
    """A path that is a folder is an error with its name in it."""
    path.mkdir()
    with pytest.raises(StoreUnavailable, match=r"bluegreen\.db"):
        open_database(path)

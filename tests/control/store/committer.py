"""Kills a committing program again and again, and looks each time at what it left. Run as a program of its own.

Forks a child that commits documents 1, 2, 3... as fast as it can and tells of each when it is done. At a random moment
the child is killed; then the file is opened again. Prints how many rounds were good, or what was wrong.
"""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import struct
import sys
import time
from pathlib import Path

from proxy.control.store.sqlite import SqliteStore
from tests.control.store.entries import entry, operation

FIELDS = 64


async def commit_forever(path: Path, told: int) -> None:
    """Commit the next number, in many places at once, and tell of it."""
    store = await SqliteStore.open(path, now=1.0)
    document = await store.read() or {"numbers": [0]}
    number = document["numbers"][0]
    while True:
        number += 1
        numbers = {"numbers": [number] * FIELDS, "ballast": "x" * random.randrange(20_000)}
        await store.commit(numbers, entry=entry(number), operations=[operation(number)])
        os.write(told, struct.pack("=Q", number))


async def check(path: Path, told: int) -> str | None:
    """What is wrong with the file, if ``told`` was the last number that was told."""
    store = await SqliteStore.open(path, now=2.0)
    document = await store.read() or {"numbers": [0]}
    journal, operations = await store.journal(limit=1), await store.operations(limit=1)
    await store.close()
    found = set(document["numbers"])
    found |= {int((each.operation or "op-0")[3:]) for each in journal} | {int(each.id[3:]) for each in operations}
    if len(found) != 1:
        return f"a mix of {found}"
    (number,) = found
    return None if told <= number <= told + 1 else f"{told} was told, {number} is there"


def round_of(path: Path) -> int:
    """Start, kill, and give the last number that was told; 0 for none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        asyncio.run(commit_forever(path, writing))
    os.close(writing)
    select.select([reading], [], [], 10)
    time.sleep(random.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while block := os.read(reading, 65536):
        told += block
    os.close(reading)
    return int(struct.unpack("=Q", told[-8:])[0]) if told else 0


def main() -> None:
    """Arguments: the store's path, how many rounds."""
    path, rounds = Path(sys.argv[1]), int(sys.argv[2])
    for each in range(rounds):
        wrong = asyncio.run(check(path, round_of(path)))
        if wrong:
            sys.exit(f"round {each}: {wrong}")
    print(rounds, "good")


if __name__ == "__main__":
    main()

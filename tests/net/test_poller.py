"""The poller tells each descriptor its news, and nobody's fault or end is another one's."""

from __future__ import annotations

from tests.net.conftest import Bench, Notes, fail, until


async def test_a_fault_ends_only_the_connection_that_it_happened_on(bench: Bench) -> None:
    """Who comes later in the same batch is told its news all the same: the kernel tells them once."""
    everybody = [Notes() for _ in range(8)]
    for notes in everybody[::2]:
        notes.on["data"] = fail
    ends = [bench.stream(notes)[1] for notes in everybody]
    for end in ends:
        end.send(b"news")
    await until(lambda: sum("lost" in notes.told for notes in everybody) == 4)
    assert [notes.told for notes in everybody] == [["made", "data", "lost"], ["made", "data"]] * 4
    assert [type(notes.error) for notes in everybody[::2]] == [ZeroDivisionError] * 4
    assert [type(fault) for fault in bench.faults] == [ZeroDivisionError] * 4

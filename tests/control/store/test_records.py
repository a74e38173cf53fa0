from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.model import Operation, Receipt
from proxy.traffic.records import dump_changes, dump_operation, load_changes, load_operation
from proxy.traffic.reduction import Change
from tests.control.store.entries import operation

TIMES = st.floats(0, 1e12)
RECEIPTS = st.builds(Receipt, applied_at=st.none() | TIMES, spread_ms=TIMES, longest_ms=TIMES, drained_at=TIMES)
OPERATIONS = st.builds(
    Operation, started_at=TIMES, ended_at=st.none() | TIMES, receipt=st.none() | RECEIPTS, note=st.none() | st.text()
)


@given(operation=OPERATIONS)
def test_an_operation_survives_json(operation: Operation) -> None:
    """Every operation that there can be comes back as it was."""
    assert load_operation(json.loads(json.dumps(dump_operation(operation)))) == operation


def test_an_operation_reads_well() -> None:
    """Enums are told by their names, times and counts as they are."""
    raw = dump_operation(operation(3))
    assert (raw["id"], raw["kind"], raw["state"], raw["phase"]) == ("op-3", "switch", "succeeded", "ended")
    assert raw["leaving"] == [["blue", None], ["blue", "a:1"]]
    assert raw["receipt"]["longest_ms"] == 3.5


@given(value=st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False))
def test_changes_survive_json(value: str | float | bool | None) -> None:
    """What was before and after comes back as it was, `None` and all."""
    changes = (Change("split.green", value, None), Change("x", None, value))
    assert load_changes(json.dumps(dump_changes(changes))) == changes

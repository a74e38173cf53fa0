from __future__ import annotations

from dataclasses import replace

from proxy.control.hooks.call import Server, calls
from proxy.traffic.rollout.plan import ManualHook
from proxy.traffic.rollout.rollout import Turn
from proxy.traffic.rollout.stages import Stage
from tests.control.hooks.conftest import rolling

OPERATION = rolling(ManualHook())


def test_only_those_that_are_to_be_updated() -> None:
    """The batch, but not those of it that are ready already."""
    (call,) = calls(OPERATION)
    assert (call.addresses, call.others) == (("a:2", "a:3"), frozenset({"a:1", "a:4"}))
    assert calls(rolling(ManualHook(), Turn("a:1"), Turn("a:2", Stage.PROBING))) == ()
    assert calls(replace(OPERATION, rollout=None)) == ()


def test_the_version_before_is_told_where_all_run_the_same() -> None:
    """Where it was not detected it is what the plan says."""
    turns = (Turn("a:1", Stage.UPDATING, before="1"), Turn("a:2", Stage.UPDATING))
    operation = rolling(ManualHook(), *turns)
    assert operation.rollout is not None
    (call,) = calls(operation)
    assert (call.before, call.servers) == (None, (Server("a:1", "1"), Server("a:2", None)))
    plan = replace(operation.rollout.plan, previous_version="1")
    (call,) = calls(replace(operation, rollout=replace(operation.rollout, plan=plan)))
    assert call.before == "1"


def test_ids_differ_between_what_is_to_be_done() -> None:
    """By direction, batch and version; and stay the same for the same."""
    turns = (Turn("a:1", Stage.UPDATING, before="1"), Turn("a:2", Stage.UPDATING, before="2"))
    back = calls(rolling(ManualHook(), *turns, undoing=True))
    assert [call.identity for call in (*calls(OPERATION), *back)] == [
        "op-7@1700000000/update/2",
        "op-7@1700000000/restore/2",
        "op-7@1700000000/restore/2/1",
    ]

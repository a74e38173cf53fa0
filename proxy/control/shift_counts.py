"""What shifts did to requests as long as they went on: counted of the color that gained traffic, for their receipts."""

from __future__ import annotations

from dataclasses import replace

from proxy.control.fleet import Fleet
from proxy.control.tallies import less, read_tally
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Operation


class ShiftCounts:
    """Takes stock when a shift begins, and again when it ends.

    Of a shift that was begun by an earlier start of the program, only what came since is counted.
    """

    def __init__(self, fleet: Fleet) -> None:
        """No shift yet."""
        self._fleet = fleet
        self._begun: dict[str, Tally] = {}

    def begin(self, operation: Operation) -> None:
        """Count a shift from now on."""
        if operation.shift is not None:
            self._begun[operation.id] = self._now(operation)

    def told(self, operation: Operation) -> Operation:
        """A shift that is over, with its receipt counted to this moment; other operations as they are."""
        begun = self._begun.pop(operation.id, None)
        if begun is None or operation.receipt is None:
            return operation
        done = less(self._now(operation), begun)
        return replace(
            operation, receipt=replace(operation.receipt, served_by_new=done.requests, errors_on_new=done.errors)
        )

    def _now(self, operation: Operation) -> Tally:
        return read_tally(self._fleet.totals, operation.service, operation.gaining)

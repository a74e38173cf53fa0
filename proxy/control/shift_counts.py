"""What shifts did to requests as long as they went on: counted of the color that gained traffic, for their receipts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from proxy.control.fleet import Fleet
from proxy.control.tallies import less, read_tally
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Operation, OperationKind
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class _Told:
    """How many errors of a color there had been when a shift's receipt was closed."""

    color: Color
    errors: int


class ShiftCounts:
    """Takes stock when a shift begins, and again when it ends.

    Of a shift that was begun by an earlier start of the program, only what came since is counted.
    """

    def __init__(self, fleet: Fleet) -> None:
        """No shift yet."""
        self._fleet = fleet
        self._begun: dict[str, Tally] = {}
        self._told: dict[str, _Told] = {}

    def begin(self, operation: Operation) -> None:
        """Count a shift from now on."""
        if operation.shift is not None:
            self._begun[operation.id] = self._now(operation)

    def told(self, operation: Operation) -> Operation:
        """A shift that is about to end, with its receipt counted to this moment; other operations as they are."""
        begun = self._begun.get(operation.id)
        if begun is None or operation.receipt is None:
            return operation
        done = less(self._now(operation), begun)
        return replace(
            operation, receipt=replace(operation.receipt, served_by_new=done.requests, errors_on_new=done.errors)
        )

    def end(self, operation: Operation) -> None:
        """A shift has ended as it was told: what undoes it counts on from there."""
        begun = self._begun.pop(operation.id, None)
        if begun is not None and operation.receipt is not None:
            errors = begun.errors + (operation.receipt.errors_on_new or 0)
            self._told[operation.service] = _Told(operation.gaining, errors)

    def errors_told(self, operation: Operation) -> int | None:
        """The errors of the color that a rollback leaves which the receipt of the shift that it undoes has told of."""
        told = self._told.get(operation.service)
        if told is None or operation.kind is not OperationKind.ROLLBACK or (told.color, None) not in operation.leaving:
            return None
        return told.errors

    def keep(self, services: Collection[str]) -> None:
        """Only in these is a shift still watched: what undoes one elsewhere is another story."""
        self._told = {service: told for service, told in self._told.items() if service in services}

    def _now(self, operation: Operation) -> Tally:
        return read_tally(self._fleet.totals, operation.service, operation.gaining)

"""What shifts and rollouts did to requests as long as they went on, for their receipts.

Of a shift it is counted what the color that gained traffic did, of a rollout what updated servers and the others did.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from proxy.control.fleet import Fleet
from proxy.control.tallies import less, read_cohort, read_tally
from proxy.traffic.judgement import Tally
from proxy.traffic.model import Cohort, Operation, OperationKind
from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class _Told:
    """How many errors of a color there had been when a shift's receipt was closed."""

    color: Color
    errors: int


class OperationCounts:
    """Takes stock when a shift or a rollout begins, and again when it ends.

    Of one that was begun by an earlier start of the program, only what came since is counted.
    """

    def __init__(self, fleet: Fleet) -> None:
        """None yet."""
        self._fleet = fleet
        self._begun: dict[str, tuple[Tally, Tally]] = {}
        self._told: dict[str, _Told] = {}

    def begin(self, operation: Operation) -> None:
        """Count a shift or a rollout from now on."""
        if operation.shift is not None or operation.rollout is not None:
            self._begun[operation.id] = self._now(operation)

    def told(self, operation: Operation) -> Operation:
        """One that is about to end, with its receipt counted to this moment; other operations as they are."""
        begun = self._begun.get(operation.id)
        if begun is None or operation.receipt is None:
            return operation
        new, old = (less(now, then) for now, then in zip(self._now(operation), begun, strict=True))
        receipt = replace(operation.receipt, served_by_new=new.requests, errors_on_new=new.errors)
        if operation.rollout is not None:
            receipt = replace(receipt, errors_on_old=old.errors)
        return replace(operation, receipt=receipt)

    def end(self, operation: Operation) -> None:
        """One has ended as it was told: what undoes a shift counts on from there."""
        begun = self._begun.pop(operation.id, None)
        if begun is not None and operation.shift is not None and operation.receipt is not None:
            errors = begun[0].errors + (operation.receipt.errors_on_new or 0)
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

    def _now(self, operation: Operation) -> tuple[Tally, Tally]:
        """The new side and the old one. How a shift leaves the old color, the watch of its drain tells."""
        totals, service, rollout = self._fleet.totals, operation.service, operation.rollout
        if rollout is None:
            return read_tally(totals, service, operation.gaining), Tally()
        new, old = (read_cohort(totals, service, rollout.color, each) for each in (Cohort.UPDATED, Cohort.OLD))
        return new, old

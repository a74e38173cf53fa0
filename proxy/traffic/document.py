"""What of the state has to survive the program, as plain data for a store, and how it is read back.

Only will is kept. What was observed (health, ejections) is observed anew; operations that ran when the program died are
ended on the way back, because what they counted died with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from proxy.traffic.audience import HoldRule, Settled
from proxy.traffic.configure import initial_service, reconfigured
from proxy.traffic.model import (
    Cohort,
    Operation,
    OperationKind,
    OperationState,
    Phase,
    Pool,
    Receipt,
    Service,
    State,
    Upstream,
    Warmth,
)
from proxy.traffic.records import dump_operation, load_operation, load_tally
from proxy.traffic.reduction import forget_gone
from proxy.traffic.spec import AdminState, Color, DoorSpec, ServiceSpec, UpstreamSpec

Document = dict[str, Any]

INTERRUPTED: Final = "the program was stopped while this ran: the split it set is served, what it counted is lost"
"""The note of an operation that did not live to see its end."""


RESTARTED: Final = "the program was started again before this had drained: what it had counted until then is lost"
"""The note of an operation that had moved all its traffic before the program died."""


class StateDumper:
    """Dumps states that follow each other: services and pools that are the same objects as before are not gone through
    again, for a shift does this many times a second.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, tuple[Service, Document]] = {}

    def dump(self, state: State) -> Document:
        """The will of the operators, as JSON-ready data. It is only to be read: later documents share parts of it."""
        self._known = {name: self._dumped(name, service) for name, service in state.services.items()}
        return {
            "generation": state.generation,
            "next_operation": state.next_operation,
            "secret": state.secret,
            "operations": [dump_operation(each) for each in state.operations.values() if outlives(each)],
            "warm": {name: asdict(warmth) for name, warmth in state.warm.items()},
            "services": {name: document for name, (_, document) in self._known.items()},
        }

    def _dumped(self, name: str, service: Service) -> tuple[Service, Document]:
        known = self._known.get(name)
        if known is not None and known[0] is service:
            return known
        return service, _dump_service(service, *(known or (None, {})))


def _dump_service(service: Service, before: Service | None, dumped: Document) -> Document:
    """A service; ``dumped`` is what was made of it ``before``."""
    return {
        "revision": service.revision,
        "split": service.split,
        "previous_split": service.previous_split,
        "hold": asdict(service.hold) if service.hold else None,
        "maintenance": service.maintenance,
        "settled": asdict(service.settled) if service.settled else None,
        "pools": {
            color.value: dumped["pools"][color.value]
            if before is not None and before.pool(color) is service.pool(color)
            else _dump_pool(service.pool(color))
            for color in Color
        },
        "configured": {
            color.value: dumped["configured"][color.value]
            if before is not None and before.spec.pool(color) is service.spec.pool(color)
            else _dump_specs(service.spec.pool(color))
            for color in Color
        },
    }


def dump_state(state: State) -> Document:
    """The will of the operators, as JSON-ready data."""
    return StateDumper().dump(state)


def _dump_pool(pool: Pool) -> list[Document]:
    return [{"address": u.address, "weight": u.weight, "admin": u.admin.value, **_rolled(u)} for u in pool]


def _rolled(upstream: Upstream) -> Document:
    """What a rollout has made of an upstream; most have none of it."""
    if not upstream.cordoned and upstream.ramp >= 1.0 and upstream.cohort is Cohort.NONE:
        return {}
    return {"cordoned": upstream.cordoned, "ramp": upstream.ramp, "cohort": upstream.cohort.value}


def _dump_specs(pool: tuple[UpstreamSpec, ...]) -> list[Document]:
    return [{"address": u.address, "weight": u.weight} for u in pool]


def restore_state(document: Document, door: DoorSpec, services: Sequence[ServiceSpec]) -> State:
    """The state that a stored document and the present config file make together.

    Operations of services that the file does not have any more are still in it: that they are over has to be told.

    Raises:
        KeyError, ValueError, TypeError: the document was not written by :func:`dump_state`.
    """
    stored: Mapping[str, Document] = document["services"]
    restored = {
        spec.name: _restore_service(stored[spec.name], spec) if spec.name in stored else initial_service(spec)
        for spec in services
    }
    generation = document["generation"] + 1
    operations = (_resumed(load_operation(raw), generation) for raw in document.get("operations", ()))
    state = State(
        door=door,
        services=restored,
        operations={each.id: each for each in operations},
        warm={name: _warmth(raw) for name, raw in document.get("warm", {}).items() if name in restored},
        generation=generation,
        next_operation=document["next_operation"],
        secret=document.get("secret", ""),
    )
    return forget_gone(state)


def _resumed(operation: Operation, generation: int) -> Operation:
    """An operation as it goes on. One that had arrived is applied once more, by the table that is served now."""
    if operation.rollout is not None and operation.receipt is not None:
        return replace(operation, receipt=replace(operation.receipt, generation=generation))
    if operation.phase not in (Phase.APPLYING, Phase.DRAINING):
        return operation
    return replace(operation, phase=Phase.APPLYING, receipt=Receipt(generation=generation), note=RESTARTED)


def outlives(operation: Operation) -> bool:
    """Whether an operation goes on when the program is started again; the others are ended then."""
    lasting = (OperationKind.SHIFT, OperationKind.HOLD, OperationKind.ROLL)
    return operation.kind in lasting or operation.phase is Phase.HOLDING


def _restore_service(raw: Document, spec: ServiceSpec) -> Service:
    configured = {
        color: tuple(UpstreamSpec(u["address"], u["weight"]) for u in raw["configured"][color.value]) for color in Color
    }
    before = Service(
        spec=replace(spec, blue=configured[Color.BLUE], green=configured[Color.GREEN]),
        blue=_restore_pool(raw, Color.BLUE),
        green=_restore_pool(raw, Color.GREEN),
        split=raw["split"],
        revision=raw["revision"],
        previous_split=raw["previous_split"],
        hold=HoldRule(**raw["hold"]) if raw.get("hold") else None,
        maintenance=raw.get("maintenance"),
        settled=Settled(**raw["settled"]) if raw.get("settled") else None,
    )
    after = reconfigured(before, spec)
    changed = any(before.pool(color) != after.pool(color) for color in Color)
    return replace(after, revision=before.revision + 1) if changed else after


def _warmth(raw: Document) -> Warmth:
    return Warmth(**{**raw, "baseline": load_tally(raw["baseline"]) if raw["baseline"] else None})


def _restore_pool(raw: Document, color: Color) -> Pool:
    return tuple(_restore_upstream(each) for each in raw["pools"][color.value])


def _restore_upstream(raw: Document) -> Upstream:
    return Upstream(
        raw["address"],
        raw["weight"],
        AdminState(raw["admin"]),
        cordoned=raw.get("cordoned", False),
        ramp=raw.get("ramp", 1.0),
        cohort=Cohort(raw.get("cohort", "")),
    )


def interrupted(operation: Operation, now: float) -> Operation:
    """A stored operation that was running when the program died, as it has to be told now."""
    return replace(
        operation, state=OperationState.FAILED, phase=Phase.ENDED, ended_at=now, receipt=None, note=INTERRUPTED
    )

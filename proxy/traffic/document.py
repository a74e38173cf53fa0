"""What of the state has to survive the program, as plain data for a store, and how it is read back.

Only will is kept. What was observed (health, ejections) is observed anew; operations that ran when the program died are
ended on the way back, because what they counted died with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.traffic.configure import initial_service, reconfigured
from proxy.traffic.model import Operation, OperationState, Phase, Pool, Service, State, Upstream
from proxy.traffic.spec import AdminState, Color, DoorSpec, ServiceSpec, UpstreamSpec

Document = dict[str, Any]

INTERRUPTED = "the program was stopped while this ran: the split it set is served, what it counted is lost"
"""The note of an operation that did not live to see its end."""


def dump_state(state: State) -> Document:
    """The will of the operators, as JSON-ready data."""
    return {
        "generation": state.generation,
        "next_operation": state.next_operation,
        "services": {name: _dump_service(service) for name, service in state.services.items()},
    }


def _dump_service(service: Service) -> Document:
    return {
        "revision": service.revision,
        "split": service.split,
        "previous_split": service.previous_split,
        "pools": {
            color.value: [
                {"address": u.address, "weight": u.weight, "admin": u.admin.value} for u in service.pool(color)
            ]
            for color in Color
        },
        "configured": {
            color.value: [{"address": u.address, "weight": u.weight} for u in service.spec.pool(color)]
            for color in Color
        },
    }


def restore_state(document: Document, door: DoorSpec, services: Sequence[ServiceSpec]) -> State:
    """The state that a stored document and the present config file make together.

    Raises:
        KeyError, ValueError, TypeError: the document was not written by :func:`dump_state`.
    """
    stored: Mapping[str, Document] = document["services"]
    return State(
        door=door,
        services={
            spec.name: _restore_service(stored[spec.name], spec) if spec.name in stored else initial_service(spec)
            for spec in services
        },
        generation=document["generation"] + 1,
        next_operation=document["next_operation"],
    )


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
    )
    after = reconfigured(before, spec)
    changed = any(before.pool(color) != after.pool(color) for color in Color)
    return replace(after, revision=before.revision + 1) if changed else after


def _restore_pool(raw: Document, color: Color) -> Pool:
    return tuple(Upstream(u["address"], u["weight"], AdminState(u["admin"])) for u in raw["pools"][color.value])


def interrupted(operation: Operation, now: float) -> Operation:
    """A stored operation that was running when the program died, as it has to be told now."""
    return replace(
        operation, state=OperationState.FAILED, phase=Phase.ENDED, ended_at=now, receipt=None, note=INTERRUPTED
    )

"""A rolling deployment on the page: its servers, and how far each is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.control.page.cards.gates import Json, gate_words
from proxy.wording import rollouts
from proxy.wording.numbers import counted, span_words


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a rolling deployment."""

    address: str
    stage: str
    words: str
    batch: int | None
    version: str | None
    in_flight: int
    left: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling deployment: its batches and servers."""

    color: str
    place: str
    left: str
    eta_at: float | None
    waits: bool
    done: int
    total: int
    details: tuple[str, ...]
    judge: str | None
    finding: str
    gates: tuple[str, ...]
    failures: tuple[str, ...]
    servers: tuple[Server, ...]
    """In the order in which they come."""


def rolling(operation: Json) -> Rolling | None:
    """The rolling deployment that an operation is; ``None``: it is none."""
    rollout = operation["rollout"]
    if rollout is None:
        return None
    under_way = rollouts.is_rolling(operation)
    judge = rollout["judge"] or {}
    return Rolling(
        color=rollout["color"],
        place=rollouts.place_words(rollout) if under_way else rollouts.done_words(rollout),
        left=rollouts.left_words(rollout) if under_way else "",
        eta_at=rollout["eta_at"] if under_way else None,
        waits=bool(rollout["hindrance"]),
        done=sum(server["stage"] == "done" for server in rollout["servers"]),
        total=len(rollout["servers"]),
        details=tuple(_details(rollout, operation["service"]) if under_way else ()),
        judge=judge.get("words"),
        finding=judge.get("finding", ""),
        gates=tuple(gate_words(gate) for gate in rollout["plan"]["gates"]),
        failures=tuple(rollouts.failure_lines(rollout)),
        servers=tuple(_server(server) for server in rollout["servers"]),
    )


def _details(rollout: Json, service: str) -> Iterator[str]:
    waiting = [server["address"] for server in rollouts.by_hand(rollout)]
    if waiting:  # there is no button for it: who updates a server is on a terminal
        more = f", and so with {len(waiting) - 1} more" if waiting[1:] else ""
        yield f"Update {waiting[0]}, then say so: bluegreen ready {waiting[0]} --service {service}{more}"
    need = f", {rollout['min_available']} have to be" if rollout["min_available"] else ""
    yield f"{counted(rollout['available'], 'server')} of {rollout['color']} in rotation{need}"
    if rollout["why"] and not rollout["hindrance"]:
        yield rollout["why"]


def _server(server: Json) -> Server:
    return Server(
        address=server["address"],
        stage=server["stage"],
        words=rollouts.stage_words(server),
        batch=server["batch"] or None,
        version=server["version"] or server["version_before"],
        in_flight=server["in_flight"],
        left=span_words(server["eta"]) if server["eta"] else "",
        why=server["why"],
    )


_RANKS = {"failed": 1, "done": 2, "serving": 3}


def most_telling(servers: Sequence[Server], room: int) -> tuple[Server, ...]:
    """Those for whom there is room, in their order: those that are worked on first, then failed ones."""
    ranked = sorted(range(len(servers)), key=lambda place: _RANKS.get(servers[place].stage, 0))[:room]
    return tuple(servers[place] for place in sorted(ranked))

"""An operation as the page shows it: what it does, how far it is, what it waits for, how it ended.

Everything is made from the answer that the admin API gives, so the page and the API never say different things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.control.page.buttons import Button
from proxy.wording import rollouts, shifts
from proxy.wording.numbers import counted, span_words, took_words
from proxy.wording.receipts import receipt_lines, state_words, what_words

Json = dict[str, Any]

_GOOD, _BAD = ("succeeded",), ("failed", "aborted", "rolled_back")


@dataclass(frozen=True, slots=True)
class Head:
    """What is told of every operation."""

    id: str
    service: str
    kind: str
    state_words: str
    look: str
    """good, bad, waiting or busy."""
    what: str
    """``green 0 % -> 100 %``."""
    by: str
    reason: str | None
    started_at: float
    ended_at: float | None
    took: str | None
    note: str | None


def head(operation: Json) -> Head:
    """The head of an operation."""
    started, ended = operation["started_at"], operation["ended_at"]
    return Head(
        id=operation["id"],
        service=operation["service"],
        kind=operation["kind"],
        state_words=state_words(operation),
        look=_look(operation["state"]),
        what=what_words(operation),
        by=operation["by"],
        reason=operation["reason"],
        started_at=started,
        ended_at=ended,
        took=None if ended is None else took_words(max(0.0, ended - started)),
        note=operation["note"],
    )


def _look(state: str) -> str:
    if state in _GOOD:
        return "good"
    return "bad" if state in _BAD else "waiting" if state == "paused" else "busy"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a shift."""

    goal: str
    rest: str
    standing: str
    """done, now or ahead."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A shift: where it stands and what is to come."""

    to: str
    place: str
    left: str
    eta_at: float | None
    waits: bool
    percent: float
    target: float
    steps: tuple[Step, ...]
    gates: tuple[str, ...]
    judge: str | None
    """The judge's sentence."""
    finding: str
    judged: bool
    details: tuple[str, ...]


def moving(operation: Json) -> Moving | None:
    """The shift that an operation is; ``None``: it is none."""
    shift = operation["shift"]
    if shift is None:
        return None
    under_way = shifts.is_moving(operation)
    judge = shift["judge"] or {}
    settled = shift["settled_left"]
    return Moving(
        to=shift["to"],
        place=shifts.place_words(shift),
        left=shifts.left_words(shift) if under_way else "",
        eta_at=shift["eta_at"] if under_way else None,
        waits=bool(shift["hindrance"]),
        percent=shift["percent"],
        target=shift["target"],
        steps=tuple(_steps(operation, shift)),
        gates=tuple(_gate(gate) for gate in shift["gates"]),
        judge=judge.get("words"),
        finding=judge.get("finding", ""),
        judged=shift["judged"],
        details=() if settled is None else (f"{settled} users stay until their session is over",),
    )


def _steps(operation: Json, shift: Json) -> Iterator[Step]:
    moves, done = shifts.is_moving(operation), operation["state"] == "succeeded"
    arrived = not moves and operation["ended_at"] is None
    for number, step in enumerate(shift["steps"], start=1):
        ahead = "done" if done or arrived or number < shift["step"] else "ahead"
        goal = f"{step['percent']:g} %" + (f" over {span_words(step['over'])}" if step["over"] else "")
        pause = step["pause"]
        rest = "until somebody promotes it" if pause is None else f"then {span_words(pause)}" if pause else ""
        yield Step(goal, rest, "now" if moves and number == shift["step"] else ahead)


def _gate(gate: Json) -> str:
    asked = gate["query"] or gate["url"] or "somebody"
    return f"{gate['kind']} {asked} ({', '.join(gate['at'])})"


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
        details=tuple(_details(rollout) if under_way else ()),
        judge=judge.get("words"),
        finding=judge.get("finding", ""),
        gates=tuple(_gate(gate) for gate in rollout["plan"]["gates"]),
        failures=tuple(rollouts.failure_lines(rollout)),
        servers=tuple(_server(server) for server in rollout["servers"]),
    )


def _details(rollout: Json) -> Iterator[str]:
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


@dataclass(frozen=True, slots=True)
class Holder:
    """An upstream on which something is still under way."""

    address: str
    color: str
    requests: int
    tunnels: int


@dataclass(frozen=True, slots=True)
class Drain:
    """What an operation left behind and what is still under way there."""

    requests: int
    tunnels: int
    began: int
    """So many were in flight when the traffic moved."""
    requests_until: float | None
    tunnels_until: float | None
    holders: tuple[Holder, ...]
    """Where it is, most long-lived connections first."""
    more: int
    """Upstreams beyond these."""

    @property
    def left(self) -> int:
        """All that is under way."""
        return self.requests + self.tunnels


_MOST_HOLDERS = 10


def drain(operation: Json, holders: Callable[[Json], Iterator[Holder]]) -> Drain | None:
    """The drain of an operation; ``None``: it drains nothing now. ``holders`` looks at what one leaves."""
    progress = operation["progress"]
    if progress["phase"] != "draining":
        return None
    found = sorted((h for left in operation["leaving"] for h in holders(left)), key=lambda h: (-h.tunnels, -h.requests))
    in_flight, tunnels = progress["in_flight"], progress["tunnels"]
    began = (operation["receipt"] or {}).get("in_flight_at_flip") or 0
    return Drain(
        requests=in_flight,
        tunnels=tunnels,
        began=max(began, in_flight + tunnels),
        requests_until=progress["deadline_at"] if in_flight else None,
        tunnels_until=progress["tunnels_deadline_at"] if tunnels else None,
        holders=tuple(found[:_MOST_HOLDERS]),
        more=max(0, len(found) - _MOST_HOLDERS),
    )


@dataclass(frozen=True, slots=True)
class Card:
    """All that is shown of one operation."""

    head: Head
    moving: Moving | None
    rolling: Rolling | None
    drain: Drain | None
    seen: str | None
    """How many workers serve from its table, while some do not."""
    receipt: tuple[tuple[str, str], ...]
    """Numbers, each with what it counts."""
    proof: str | None
    """What the receipt comes to, in a sentence."""
    buttons: tuple[Button, ...]

    @property
    def waits(self) -> bool:
        """Whether it is told already why it does not go on."""
        return any(each is not None and each.waits for each in (self.moving, self.rolling))


def card(operation: Json, holders: Callable[[Json], Iterator[Holder]], buttons: tuple[Button, ...] = ()) -> Card:
    """An operation, made from the API's answer about it."""
    progress = operation["progress"]
    applying = progress["phase"] == "applying"
    return Card(
        head=head(operation),
        moving=moving(operation),
        rolling=rolling(operation),
        drain=drain(operation, holders),
        seen=f"seen by {progress['seen_by']} of {counted(progress['workers'], 'worker')}" if applying else None,
        receipt=tuple((_number(value), words) for value, words in receipt_lines(operation)),
        proof=_proof(operation),
        buttons=buttons,
    )


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _proof(operation: Json) -> str | None:
    """None lost, or how many."""
    receipt = operation["receipt"]
    if not receipt or not operation["ended_at"]:
        return None
    lost = receipt["dropped"]
    if lost:
        return f"{counted(lost, 'request')} lost."
    return (
        "No request was lost."
        if receipt["in_flight_at_flip"] == 0
        else (f"None of the {counted(receipt['in_flight_at_flip'], 'request')} in flight was lost.")
    )

"""Operations in plain sentences, for people who look at a chat or at a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proxy.config.settings import NotificationEvent
from proxy.traffic.listing import listed
from proxy.traffic.model import FULL_SPLIT, Operation, OperationKind, OperationState, Receipt
from proxy.traffic.spec import Color
from proxy.wording.numbers import took_words

_ENDINGS = {OperationState.ROLLED_BACK: "was rolled back", OperationState.ABORTED: "was aborted"}

_KINDS = {
    OperationKind.SWITCH: "switch",
    OperationKind.SPLIT: "new split",
    OperationKind.SHIFT: "shift",
    OperationKind.ROLLBACK: "rollback",
    OperationKind.DRAIN: "drain",
    OperationKind.HOLD: "hold",
    OperationKind.ROLL: "rolling deployment",
}


def color_of(operation: Operation) -> Color:
    """The color that it is about: the one that gains traffic, or whose servers are drained or updated."""
    if operation.rollout is not None:
        return operation.rollout.color
    if operation.kind is OperationKind.DRAIN and operation.leaving:
        return operation.leaving[0][0]
    if operation.before == operation.after:
        return Color.GREEN if operation.after * 2 > FULL_SPLIT else Color.BLUE
    return operation.gaining


def title(operation: Operation) -> str:
    """What it is in a few words: ``shift to green``."""
    kind = _KINDS[operation.kind]
    if operation.kind is OperationKind.HOLD:
        return f"{kind} of new requests"
    if operation.rollout is not None:
        version = operation.rollout.plan.version
        return f"{kind} of {operation.rollout.color}" + (f" to {version}" if version else "")
    if operation.kind is OperationKind.DRAIN:
        servers = [address for _, address in operation.leaving if address is not None]
        return f"{kind} of {color_of(operation)}" + (f" {listed(servers)}" if servers else "")
    if operation.kind is OperationKind.SPLIT:
        return kind
    return f"{kind} to {color_of(operation)}"


def split(operation: Operation) -> str:
    """How the shares change: ``green 0 % to 100 %``; nothing where they do not."""
    if not operation.moves_traffic or operation.before == operation.after:
        return ""
    return f"green {operation.before / 100:g} % to {operation.after / 100:g} %"


def ending(operation: Operation) -> str:
    """How it ended: ``succeeded``, ``was rolled back``; how far it is, while it goes on."""
    if operation.ended_at is None:
        return f"is {operation.state}"
    return _ENDINGS.get(operation.state, operation.state.value)


def told(event: NotificationEvent, operation: Operation) -> str:
    """What has happened, in a sentence without a full stop: ``shop: shift to green by ada succeeded after 12 min``."""
    name = f"{operation.service}: {title(operation)} by {operation.by}"
    if event is NotificationEvent.END:
        return f"{name} {ending(operation)}{_after(operation)}"
    if event is NotificationEvent.ROLLBACK and operation.rollout is not None:
        return f"{name} goes back"
    shares = split(operation)
    return f"{name} began" + (f", {shares}" if shares else "")


def standing(operation: Operation) -> str:
    """Who did it, and how it ended or how far it is: ``by ada, succeeded after 12 min, green 0 % to 100 %``."""
    over = operation.ended_at is not None
    parts = (f"by {operation.by}", f"{ending(operation)}{_after(operation) if over else ''}", split(operation))
    return ", ".join(part for part in parts if part)


def sentences(parts: Iterable[str | None]) -> str:
    """Sentences one after the other, each with its full stop; what is missing is passed over."""
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _after(operation: Operation) -> str:
    seconds = (operation.ended_at or operation.started_at) - operation.started_at
    return f" after {took_words(max(0.0, seconds))}"


def why(operation: Operation, judge: str | None = None) -> str | None:
    """What explains how it stands: its note, and what the judge says. What is its reason already is not said again."""
    said = [operation.note] if operation.note and operation.note != operation.reason else []
    if judge and judge not in (operation.note, operation.reason):
        said.append(f"the judge: {judge}")
    return "; ".join(said) or None


def counted(operation: Operation) -> str | None:
    """The headline of its receipt: ``0 of 1,234 requests in flight were dropped``; ``None``: nothing was counted."""
    receipt = operation.receipt
    return "; ".join(_counts(operation, receipt)) or None if receipt is not None else None


def _counts(operation: Operation, receipt: Receipt) -> Iterator[str]:
    if operation.leaving or operation.shift is not None or operation.rollout is not None:
        yield f"{receipt.dropped:,} of {receipt.in_flight_at_flip:,} requests in flight were dropped"
    if receipt.served_by_new is not None:
        by = "updated servers" if operation.rollout is not None else color_of(operation)
        yield f"{receipt.served_by_new:,} answered by {by}, {receipt.errors_on_new or 0:,} of them with 5xx"
    if receipt.held is not None:
        yield f"{receipt.held:,} were held, {receipt.held_too_long or 0:,} of them turned away"

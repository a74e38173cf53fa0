"""What an operator can do from the page: a button is a call of the admin API with a title and a consequence in words.

Which of them make sense now is decided here; whether one is carried out, by the reducer alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from proxy.traffic.model import FULL_SPLIT, Operation, Phase, Service
from proxy.traffic.spec import Color

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Button:
    """One call. ``fields`` names what else the operator may fill in: shift, split, hold or message."""

    id: str
    action: str
    label: str
    title: str
    words: str
    """What will happen."""
    path: str
    confirm: str
    """What has to be typed."""
    method: str = "POST"
    body: str = "{}"
    fields: str = ""
    revision: int | None = None
    """Of the service, where the call is only meant for what the page shows."""
    green: float | None = None
    """Green's share in percent where the call has to lead to it, or not be made."""
    look: str = "plain"
    """plain, main (moves traffic) or alarm (the way back)."""


def service_buttons(service: Service, running: Operation | None) -> tuple[Button, ...]:
    """What can be done with a service while ``running`` moves its traffic."""
    moving = running is not None and running.phase in (Phase.SHIFTING, Phase.HOLDING)
    moves = () if moving else tuple(_moves(service))
    return (*moves, *_way_back(service, running), *_doors(service, holding=moving))


def _moves(service: Service) -> Iterator[Button]:
    for color in (Color.GREEN, Color.BLUE):
        if service.share(color) == FULL_SPLIT:
            continue
        yield _of_service(
            service,
            f"switch-{color}",
            "switch",
            f"Switch to {color}",
            f"Switch {service.name} to {color}",
            f"Every new request goes to {color}, at one instant. What is under way finishes where it is.",
            body={"to": color.value},
            look="main",
        )
    target = service.live.other
    yield _of_service(
        service,
        "shift",
        "shift",
        f"Shift to {target}…",
        f"Shift {service.name} to {target}",
        f"Traffic goes to {target} step by step. The judge compares both colors and goes back if {target} is worse.",
        body={"to": target.value},
        fields="shift",
        look="main",
    )
    yield _of_service(
        service,
        "split",
        "split",
        "Set the split…",
        f"Set the split of {service.name}",
        "Green gets this share of the requests at once, blue the rest.",
        method="PUT",
        fields="split",
    )


def _way_back(service: Service, running: Operation | None) -> Iterator[Button]:
    stepwise = running is not None and (running.shift is not None or running.phase is Phase.HOLDING)
    before = running.before if running is not None and stepwise else service.previous_split
    if before is None or (before == service.split and not stepwise):
        return
    words = f"Green goes back to {before / 100:g} % of the requests at once. What is under way finishes where it is."
    where = _place(before)  # after a rollback the way back is the way forth again, which nobody may press by mistake
    label, title = f"Roll back to {where}", f"Roll {service.name} back to {where}"
    yield _of_service(service, "rollback", "rollback", label, title, words, look="alarm", late=True, green=before / 100)


def _place(split: int) -> str:
    """Where traffic goes by a split: a color, or green's share."""
    if split in (0, FULL_SPLIT):
        return (Color.GREEN if split else Color.BLUE).value
    return f"{split / 100:g} % green"


def _doors(service: Service, *, holding: bool) -> Iterator[Button]:
    """Letting new requests wait, and turning users away."""
    name = service.name
    if service.hold is not None:
        words = "Requests that wait are let go, in order."
        yield _of_service(service, "release", "release", "Release", f"Release {name}", words, late=True)
    elif not holding:
        words = "New requests wait until somebody releases them; each no longer than the time given, then it is a 503."
        yield _of_service(service, "hold", "hold", "Hold…", f"Hold new requests of {name}", words, fields="hold")
    on = service.maintenance is None
    words = "Users get a page with 503 instead of the application." if on else "Users are served again."
    yield _of_service(
        service,
        "maintenance",
        "maintenance",
        "Maintenance…" if on else "End maintenance",
        f"{'Begin' if on else 'End'} maintenance of {name}",
        words,
        method="PUT",
        body={"on": on},
        fields="message" if on else "",
    )


def _of_service(
    service: Service,
    id: str,  # noqa: A002 - it becomes the id of an element
    action: str,
    label: str,
    title: str,
    words: str,
    *,
    method: str = "POST",
    body: Mapping[str, Any] = _NOTHING,
    fields: str = "",
    look: str = "plain",
    late: bool = False,
    green: float | None = None,
) -> Button:
    """``late``: it is meant whatever has happened since the page was made, as is the way back in an emergency."""
    path = f"/v1/services/{quote(service.name, safe='')}/{action}"
    revision = None if late else service.revision
    return Button(
        id=f"do-{id}",
        action=action,
        label=label,
        title=title,
        words=words,
        path=path,
        confirm=service.name,
        method=method,
        body=json.dumps(body),
        fields=fields,
        revision=revision,
        green=green,
        look=look,
    )


def operation_buttons(operation: Operation) -> tuple[Button, ...]:
    """What can be done with an operation that runs by itself."""
    if operation.phase not in (Phase.SHIFTING, Phase.ROLLING):
        return ()
    return tuple(_steering(operation, "roll" if operation.rollout else "shift"))


def _steering(operation: Operation, kind: str) -> Iterator[Button]:
    hindered = (operation.shift or operation.rollout).hindrance is not None  # type: ignore[union-attr]
    if hindered:
        yield _of_operation(operation, "resume", "Resume", f"The {kind} goes on, whatever it waits for.", look="main")
    else:
        stays = "begins no other batch" if operation.rollout else "stays where it is"
        yield _of_operation(operation, "pause", "Pause", f"The {kind} {stays} until somebody resumes it.")
    watching = "The batch is watched no longer." if operation.rollout else "The next step begins now."
    yield _of_operation(operation, "promote", "Promote", watching)
    end = "It ends once the batch under way is back." if operation.rollout else "All traffic goes back to where it was."
    yield _of_operation(operation, "abort", "Abort", end, look="alarm")


def _of_operation(operation: Operation, action: str, label: str, words: str, *, look: str = "plain") -> Button:
    title = f"{label} {operation.kind} {operation.id}"
    path = f"/v1/operations/{quote(operation.id, safe='')}/{action}"
    return Button(f"do-{action}-{operation.id}", action, label, title, words, path, operation.service, look=look)

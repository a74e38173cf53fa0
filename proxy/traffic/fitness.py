"""Whether a color can take traffic."""

from __future__ import annotations

from proxy.traffic.model import Service, Upstream
from proxy.traffic.refusal import RefusalCode, Refused
from proxy.traffic.spec import Color


def can_serve(service: Service, color: Color) -> bool:
    """Whether something of that color is known to answer, and wanted to."""
    pool = service.pool(color)
    if service.spec.health is None:
        return any(upstream.wanted for upstream in pool)
    return any(upstream.wanted and upstream.fit for upstream in pool)


def serves(service: Service, upstream: Upstream) -> bool:
    """Whether an upstream gets requests and, as far as anybody knows, answers them."""
    return upstream.wanted and (upstream.fit if service.spec.health is not None else not upstream.ejected)


def gains(service: Service, target: int) -> Color | None:
    """The color that has more of the traffic with green's share at ``target`` than it has now; ``None``: neither."""
    if target == service.split:
        return None
    return Color.GREEN if target > service.split else Color.BLUE


def refuse_unhealthy(service: Service, target: int) -> None:
    """A color may only gain traffic if something there is known to answer. Raises :class:`Refused`."""
    color = gains(service, target)
    if color is not None and not can_serve(service, color):
        raise Refused(
            RefusalCode.COLOR_NOT_HEALTHY,
            f"{color} has no healthy upstream; bring one up, or pass force to move the traffic all the same",
            color=color.value,
        )

"""What a plan says about the traffic, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.cli.wording import flow_words


def forecast_lines(forecast: dict[str, Any]) -> Iterator[str]:
    """Who would move, what would carry it, what would have to end, and what to look at first."""
    if forecast.get("moves"):
        yield _moves(forecast)
    if forecast.get("capacity"):
        yield from _capacity(forecast["capacity"])
    for drain in forecast.get("drains", ()):
        yield _drain(drain)
    if forecast.get("held_per_second"):
        yield f"would be parked: about {forecast['held_per_second']:.0f} requests a second"
    for warning in forecast.get("warnings", ()):
        yield f"warning: {warning}"


def _moves(forecast: dict[str, Any]) -> str:
    who = "users" if forecast["users"] else "requests"
    rate = "" if forecast["per_second"] is None else f", about {forecast['per_second']:.0f} requests a second now"
    return f"would move: {forecast['moves']:g} % of the {who}{rate}"


def _capacity(capacity: dict[str, Any]) -> Iterator[str]:
    text = f"{capacity['color']} has {capacity['healthy']} of {capacity['total']} upstreams healthy"
    weights = capacity["healthy_weight"], capacity["total_weight"]
    if weights != (capacity["healthy"], capacity["total"]):
        text += f" (weight {weights[0]} of {weights[1]})"
    if capacity["per_upstream_then"] is not None:
        now, then = capacity["per_upstream_now"] or 0.0, capacity["per_upstream_then"]
        text += f"; each has {now:.1f} requests a second now and would have {then:.1f}"
    yield text
    for upstream in capacity["unhealthy"]:
        yield f"  {upstream['address']} would take none: {_why(upstream)}"


def _why(upstream: dict[str, Any]) -> str:
    if upstream["admin"] != "ready":
        return str(upstream["admin"])
    if upstream["ejected"]:
        return "ejected"
    return "weight 0" if upstream["health"] == "healthy" else str(upstream["health"])


def _drain(drain: dict[str, Any]) -> str:
    within = "" if drain["expected"] is None else f", nearly all requests within {drain['expected']:g} s"
    return f"{drain['color']} would drain: {flow_words(drain)} now{within}"

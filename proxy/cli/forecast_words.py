"""What a plan says about the traffic, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.traffic.listing import listed
from proxy.wording.numbers import counted, flow_words, rate_words, span_words

MOST_BATCHES = 10
"""So many batches of a rolling deployment are told one by one."""


def forecast_lines(forecast: dict[str, Any]) -> Iterator[str]:
    """Who would move, what would carry it, what would have to end, and what to look at first."""
    if forecast.get("moves"):
        yield _moves(forecast)
    if forecast.get("capacity"):
        yield from _capacity(forecast["capacity"])
    for drain in forecast.get("drains", ()):
        yield _drain(drain)
    if forecast.get("held_per_second"):
        yield f"would be parked: about {rate_words(forecast['held_per_second'])} requests a second"
    if forecast.get("rollout"):
        yield from _rollout(forecast["rollout"])
    for warning in forecast.get("warnings", ()):
        yield f"warning: {warning}"


def _moves(forecast: dict[str, Any]) -> str:
    who = "users" if forecast["users"] else "requests"
    words = f"would move: {forecast['moves']:g} % of the {who}"
    rate = forecast["per_second"]
    return words if rate is None else f"{words}, about {rate_words(rate)} requests a second now"


def _capacity(capacity: dict[str, Any]) -> Iterator[str]:
    text = f"{capacity['color']} has {capacity['healthy']} of {capacity['total']} upstreams healthy"
    weights = capacity["healthy_weight"], capacity["total_weight"]
    if weights != (capacity["healthy"], capacity["total"]):
        text += f" (weight {weights[0]} of {weights[1]})"
    if capacity["per_upstream_then"] is not None:
        now, then = capacity["per_upstream_now"] or 0.0, capacity["per_upstream_then"]
        text += f"; each has {rate_words(now)} requests a second now and would have {rate_words(then)}"
    yield text
    for upstream in capacity["unhealthy"]:
        yield f"  {upstream['address']} would take none: {_why(upstream)}"


def _why(upstream: dict[str, Any]) -> str:
    if upstream["admin"] != "ready":
        return str(upstream["admin"])
    if upstream["ejected"]:
        return "ejected"
    return "weight 0" if upstream["health"] == "healthy" else str(upstream["health"])


def _rollout(rollout: dict[str, Any]) -> Iterator[str]:
    batches = rollout["batches"]
    for batch in batches[:MOST_BATCHES]:
        yield f"batch {batch['number']}: {listed(batch['servers'])}; {_meanwhile(rollout, batch)}"
    if len(batches) > MOST_BATCHES:
        yield f"and {counted(len(batches) - MOST_BATCHES, 'batch', 'batches')} more; --output json has all"
    if rollout["left_over"]:
        yield f"would wait: {listed(rollout['left_over'])}"
    expected, timeout = rollout["drain_expected"], f"cut after {rollout['drain_timeout']:g} s"
    yield f"each would drain: {timeout if expected is None else f'nearly all within {expected:g} s, {timeout}'}"
    yield f"warming and watching would take {span_words(rollout['at_least'])}, besides draining and updating"


def _meanwhile(rollout: dict[str, Any], batch: dict[str, Any]) -> str:
    serving = f"{counted(batch['serving'], 'server')} of {rollout['color']} in rotation meanwhile"
    if batch["per_server"] is None:
        return serving
    now = rollout["per_server_now"] or 0.0
    return f"{serving}, each with {rate_words(batch['per_server'])} requests a second (now {rate_words(now)})"


def _drain(drain: dict[str, Any]) -> str:
    within = "" if drain["expected"] is None else f", nearly all requests within {drain['expected']:g} s"
    return f"{drain['color']} would drain: {flow_words(drain)} now{within}"

"""All routes, and the paths that are promised for later."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.control.admin import events, history, holds, operations, pools, probes, reloads, services, shifts
from proxy.control.admin.route import AnyRoute
from proxy.control.admin.services import SERVICE

ROUTES: tuple[AnyRoute, ...] = (
    *services.ROUTES,
    *pools.ROUTES,
    *operations.ROUTES,
    *shifts.ROUTES,
    *holds.ROUTES,
    *history.ROUTES,
    *events.ROUTES,
    *reloads.ROUTES,
    *probes.ROUTES,
)

NOT_YET: Mapping[tuple[str, str], str] = {
    ("POST", SERVICE + "/pools/{color}/rollouts"): "rolling out",
}
"""Calls that answer 501 until what they name is there. They are not in the OpenAPI document."""

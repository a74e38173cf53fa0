"""All routes."""

from __future__ import annotations

from proxy.control.admin import (
    events,
    history,
    holds,
    loads,
    marks,
    operations,
    pools,
    probes,
    reloads,
    rollouts,
    services,
    shifts,
)
from proxy.control.admin.route import AnyRoute

ROUTES: tuple[AnyRoute, ...] = (
    *services.ROUTES,
    *loads.ROUTES,
    *pools.ROUTES,
    *operations.ROUTES,
    *shifts.ROUTES,
    *rollouts.ROUTES,
    *holds.ROUTES,
    *history.ROUTES,
    *marks.ROUTES,
    *events.ROUTES,
    *reloads.ROUTES,
    *probes.ROUTES,
)

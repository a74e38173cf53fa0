"""How plans are shown: what a change would do, held against what goes on now."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.control.admin.answers import PlanAnswer, Wanted, WantedPools, WantedUpstream
from proxy.control.admin.context import AdminContext
from proxy.control.admin.forecast_answers import (
    CapacityAnswer,
    ConflictAnswer,
    DrainAnswer,
    ForecastAnswer,
    RolloutForecastAnswer,
)
from proxy.control.admin.views import change, flow, on_upstream, shares
from proxy.control.forecast import Now, forecast
from proxy.control.outcome import Outcome
from proxy.control.rollout_forecast import RolloutForecast, rollout_forecast
from proxy.traffic.model import Service, State
from proxy.traffic.spec import Color


def plan(context: AdminContext, outcome: Outcome, name: str) -> PlanAnswer:
    """What a change of a service would do."""
    conflict = outcome.conflict
    return PlanAnswer(
        dry_run=True,
        service=name,
        changes=[change(each) for each in outcome.changes],
        before=_wanted(outcome.before, name),
        after=_wanted(outcome.after, name),
        conflict=ConflictAnswer.model_validate(conflict) if conflict else None,
        forecast=_forecast(context, outcome, name),
    )


def _forecast(context: AdminContext, outcome: Outcome, name: str) -> ForecastAnswer:
    now = {color: Now(context.load(name, color), *flow(context, name, color)) for color in Color}
    before, after = outcome.before.services[name], outcome.after.services[name]
    whole = forecast(before, after, _target(outcome, after), now, outcome.conflict)
    rolled = _rollout_forecast(context, outcome, before, now)
    return ForecastAnswer(
        moves=whole.moves,
        users=whole.users,
        per_second=whole.per_second,
        capacity=CapacityAnswer.model_validate(whole.capacity) if whole.capacity else None,
        drains=[DrainAnswer.model_validate(drain) for drain in whole.drains],
        held_per_second=whole.held_per_second,
        rollout=RolloutForecastAnswer.model_validate(rolled) if rolled else None,
        warnings=[*whole.warnings, *(rolled.warnings if rolled else ())],
    )


def _rollout_forecast(
    context: AdminContext, outcome: Outcome, service: Service, now: Mapping[Color, Now]
) -> RolloutForecast | None:
    """Of a rollout that would begin; what goes on already goes on as planned anyway."""
    operation = outcome.operation
    if operation is None or operation.rollout is None or operation.id in outcome.before.operations:
        return None
    color = operation.rollout.color
    in_flight = {u.address: on_upstream(context, service.name, color, u.address) for u in service.pool(color)}
    return rollout_forecast(outcome.before, service, operation.rollout, now[color], in_flight)


def _target(outcome: Outcome, after: Service) -> int:
    """Green's share once what the command begins is through; what goes on already goes on as planned anyway."""
    operation = outcome.operation
    if operation is None or not operation.moves_traffic or operation.id in outcome.before.operations:
        return after.split
    return operation.after


def _wanted(state: State, name: str) -> Wanted:
    service = state.services[name]
    blue, green = (
        [WantedUpstream(address=u.address, weight=u.weight, admin=u.admin) for u in service.pool(color)]
        for color in Color
    )
    return Wanted(
        revision=service.revision,
        live=service.live,
        split=shares(service.split),
        pools=WantedPools(blue=blue, green=green),
    )

"""What calls about shifts may carry, and what it means. Shares are percent of the color that the traffic goes to."""

from __future__ import annotations

import math
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from proxy.config.reach import why_forbidden_host
from proxy.control.admin import kinds
from proxy.control.admin.requests import Body, ForceBody, ReasonBody
from proxy.traffic.gates import LONGEST_URL, Gates, Moment, PromQuery, Webhook, gate_url_complaint
from proxy.traffic.model import FULL_SPLIT
from proxy.traffic.shift import Step
from proxy.traffic.spec import Color

MOST_STEPS: Final = 200
MOST_GATES: Final = 20
_LONGEST_QUERY = 4_000

_HOOKED = (Moment.BEFORE_START, Moment.BEFORE_INCREASE, Moment.BEFORE_PROMOTION)
_QUERIED = (Moment.BEFORE_INCREASE, Moment.BEFORE_PROMOTION)
"""When gates are asked whose body does not say: a new color that has no traffic yet has no values to query."""


def _address(value: str) -> str:
    if complaint := gate_url_complaint(value) or why_forbidden_host(urlsplit(value).hostname or ""):
        raise ValueError(complaint)
    return value


def _deciding(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    idle = [moment.value for moment in moments if not moment.decides]
    if idle:
        raise ValueError(f"nothing is decided at {' and '.join(idle)}: only webhooks are told of that")
    return moments


_Moment = Annotated[Moment, Field(strict=False)]
_Moments = Annotated[tuple[_Moment, ...], Field(strict=False, min_length=1, max_length=len(Moment))]
_DecidingMoments = Annotated[_Moments, AfterValidator(_deciding)]
WebAddress = Annotated[
    str, Field(max_length=LONGEST_URL, json_schema_extra={"format": "uri"}), AfterValidator(_address)
]
_Bound = Annotated[float, Field(allow_inf_nan=False)]


class WebhookBody(Body):
    """A POST that has to be answered with 2xx."""

    url: WebAddress
    """Where to: http or https."""
    at: _Moments = _HOOKED
    """When: before_start, before_increase, before_promotion, after, on_rollback. The last two are only told."""
    timeout: kinds.Duration = Field(default="10s", validate_default=True)
    """For one try."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """So many more tries after one without an answer, or with 5xx or 429."""


class PrometheusBody(Body):
    """A query whose values all have to lie within bounds; no value at all is no."""

    url: WebAddress
    """Of the server, such as http://prometheus:9090."""
    query: Annotated[str, Field(min_length=1, max_length=_LONGEST_QUERY)]
    """In PromQL."""
    min: _Bound | None = None
    """No value may be below it."""
    max: _Bound | None = None
    """No value may be above it."""
    at: _DecidingMoments = _QUERIED
    """When: before_start, before_increase, before_promotion."""
    timeout: kinds.Duration = Field(default="10s", validate_default=True)
    """For one try."""
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """So many more tries after one without an answer."""

    @model_validator(mode="after")
    def _bounds(self) -> PrometheusBody:
        low, high = -math.inf if self.min is None else self.min, math.inf if self.max is None else self.max
        if low > high:
            raise ValueError("min is above max, so that no value could ever do")
        return self


class GatesBody(Body):
    """What has to agree before a shift or a rolling deployment goes on."""

    webhooks: Annotated[list[WebhookBody], Field(max_length=MOST_GATES)] = Field(default_factory=list)
    """Asked over HTTP."""
    prometheus: Annotated[list[PrometheusBody], Field(max_length=MOST_GATES)] = Field(default_factory=list)
    """Asked of a Prometheus."""
    approval: Annotated[
        tuple[_Moment, ...], Field(strict=False, max_length=len(Moment)), AfterValidator(_deciding)
    ] = ()
    """Moments at which it waits until somebody promotes or resumes it."""

    def gates(self) -> Gates:
        """The same for the state machine."""
        hooks = (Webhook(hook.url, hook.at, hook.timeout, hook.retries) for hook in self.webhooks)
        queries = (
            PromQuery(each.url, each.query, each.at, each.min, each.max, each.timeout, each.retries)
            for each in self.prometheus
        )
        return Gates(tuple(hooks), tuple(queries), self.approval)


class StepBody(Body):
    """One step of a shift: at once to a share, and then a rest."""

    percent: kinds.Percent
    """The share of the color that the traffic goes to."""
    pause: kinds.Pause | None = Field(default="0s", validate_default=True)
    """How long to rest there: 0s, 30s, 2m; null: until it is promoted. Needed of every step that is not the last."""


class NewUsersBody(Body):
    """Users with a session stay on the old color until it ends, or until a deadline."""

    deadline: kinds.Duration
    """After so long everybody moves."""


class ShiftBody(ForceBody):
    """Move traffic to a color gradually: steadily over a time, or by steps."""

    to: kinds.AnyColor
    """Where to."""
    percent: kinds.Percent = Field(default=100, validate_default=True)
    """The share of that color at the end; 100 if nothing is said."""
    over: kinds.Duration | None = None
    """A steady move in this time."""
    steps: Annotated[list[StepBody], Field(min_length=1, max_length=MOST_STEPS)] | None = None
    """Step by step; where the last one is not at percent yet, a step to there follows."""
    gates: GatesBody = Field(default_factory=GatesBody)
    """What has to agree before it goes on."""
    judge: bool = True
    """Whether it goes back by itself when the new color is worse than the old one."""
    new_users_only: NewUsersBody | None = None
    """Whether those with a session stay where they are. Needs a sticky cookie."""

    @model_validator(mode="after")
    def _one_plan(self) -> ShiftBody:
        if (self.over is None) == (self.steps is None):
            raise ValueError("needs either over (a time) or steps")
        for number, step in enumerate(self.steps or ()):
            rests = "pause" in step.model_fields_set
            if not rests and step.percent != self.percent:
                raise ValueError(f"steps[{number}].pause is required: a time, or null to wait until it is promoted")
        return self

    @property
    def target(self) -> int:
        """Green's share at the end, in hundredths of a percent."""
        return _green(self.to, self.percent)

    @property
    def plan(self) -> tuple[Step, ...]:
        """The steps to the end; none, if it goes steadily."""
        if self.steps is None:
            return ()
        steps = [Step(_green(self.to, step.percent), pause=step.pause) for step in self.steps]
        return tuple(steps) if steps[-1].split == self.target else (*steps, Step(self.target))


class PromoteBody(ReasonBody):
    """Let a shift, or a rolling deployment, go on now."""

    full: bool = False
    """A shift to its end, and not only to its next step; a rolling deployment without watching any batch further."""


def _green(to: Color, share: int) -> int:
    return share if to is Color.GREEN else FULL_SPLIT - share

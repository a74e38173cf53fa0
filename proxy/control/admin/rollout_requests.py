"""What calls about rolling deployments may carry, and what it means."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from proxy.config.wording import described
from proxy.control.admin import kinds
from proxy.control.admin.requests import Body, ForceBody, ReasonBody
from proxy.control.admin.shift_requests import GatesBody, WebAddress
from proxy.traffic.rollout.plan import (
    CommandHook,
    Hook,
    ManualHook,
    OnFailure,
    Order,
    Readiness,
    RolloutPlan,
    SlowStart,
    VersionProbe,
    WebhookHook,
)

MOST_WORDS: Final = 200
MOST_VARIABLES: Final = 200
LONGEST_WORD: Final = 8_000
LONGEST_VERSION: Final = 200

FIRST_WATCH: Final = 4.0
"""Unless somebody says otherwise the first batch is watched for so many times as long as the others."""

_MANUAL: Final = "manual"


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must have no NUL in it")
    return value


def _variables(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not name or "=" in name or "\0" in name:
            raise ValueError(f"{described(name)} cannot be the name of a variable")
    return value


def _whole_update(value: object) -> object:
    """``"manual"`` is what there is where nobody is told."""
    if isinstance(value, str) and value != _MANUAL:
        raise ValueError(f'must be "{_MANUAL}", or an object with command or webhook, not {described(value)}')
    return {} if value == _MANUAL else value


def _whole_slow_start(value: object) -> object:
    """A duration is short for a steady rise in this time."""
    return {"over": value} if isinstance(value, str) else value


_Word = Annotated[str, Field(max_length=LONGEST_WORD), AfterValidator(_without_nul)]
_Version = Annotated[kinds.Reason, Field(min_length=1, max_length=LONGEST_VERSION)]


class CommandBody(Body):
    """A program that is run where the front door runs."""

    argv: Annotated[list[_Word], Field(min_length=1, max_length=MOST_WORDS)]
    """The program, by its absolute path, and its arguments. No shell reads them."""
    env: Annotated[dict[str, _Word], Field(max_length=MOST_VARIABLES), AfterValidator(_variables)] = Field(
        default_factory=dict
    )
    """Variables that it finds in its environment."""
    timeout: kinds.Duration = Field(default="10m", validate_default=True)
    """After this it is killed, with all that it started."""


class WebhookUpdateBody(Body):
    """A POST for each batch."""

    url: WebAddress
    """Where to: http or https."""
    timeout: kinds.Duration = Field(default="10m", validate_default=True)
    """In all, with asking again whether it is done."""


class UpdateBody(Body):
    """How servers are updated; with neither, somebody says of each when it is ready."""

    command: CommandBody | None = None
    """A program that is run for each batch."""
    webhook: WebhookUpdateBody | None = None
    """A POST for each batch, that is answered with 2xx when it is done, or with where to ask for that."""

    @model_validator(mode="after")
    def _one(self) -> UpdateBody:
        if self.command is not None and self.webhook is not None:
            raise ValueError("needs either a command or a webhook")
        return self

    def hook(self) -> Hook:
        """The same for the state machine."""
        if self.command is not None:
            return CommandHook(tuple(self.command.argv), tuple(self.command.env.items()), self.command.timeout)
        if self.webhook is not None:
            return WebhookHook(self.webhook.url, self.webhook.timeout)
        return ManualHook()


class DetectBody(Body):
    """Where a server says what version it runs."""

    header: kinds.HeaderName | None = None
    """A field of its answer; otherwise the answer's body is the version."""
    path: kinds.ProbePath | None = None
    """What to ask for; otherwise what the health checks ask for."""

    @model_validator(mode="after")
    def _something(self) -> DetectBody:
        if self.header is None and self.path is None:
            raise ValueError("names neither header nor path, so there is nothing to look at")
        return self


class ReadinessBody(Body):
    """When an updated server may serve again."""

    consecutive: Annotated[int, Field(ge=1, le=100)] = 3
    """So many good checks in a row."""
    timeout: kinds.Duration = Field(default="2m", validate_default=True)
    """It has so long to get there."""


class SlowStartBody(Body):
    """How the weight of a returning server grows: max(floor, (t / over) ^ exponent) of its own."""

    over: kinds.Pause
    """So long until it has all of it; 0s: at once."""
    floor: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1
    """The share that it begins with."""
    exponent: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 1.0
    """1 is a steady rise; more is slower at first."""


class FirstBatchBody(Body):
    """The first batch, which shows whether the new version is any good."""

    size: kinds.SomeServers = Field(default=1, validate_default=True)
    """So many servers, or a share of the pool's."""
    watch: kinds.Pause | None = None
    """So long it is watched; otherwise four times as long as the others."""


class RolloutBody(ForceBody):
    """Have the servers of a pool updated, a few at a time."""

    batch: kinds.SomeServers = Field(default=1, validate_default=True)
    """So many at a time, or a share of the pool's, rounded down."""
    min_available: kinds.AnyServers = Field(default="50%", validate_default=True)
    """So many have to be in rotation and healthy at any time; a share is rounded up."""
    first_batch: FirstBatchBody = Field(default_factory=FirstBatchBody)
    """The first batch: one server, watched for longer, unless said otherwise."""
    order: Annotated[Order, Field(strict=False)] = Order.AS_LISTED
    """Whose turn comes first."""
    drain_timeout: kinds.Duration | None = None
    """After this, what a server still has is cut; otherwise the drain rule of the service says so."""
    update: Annotated[
        UpdateBody, BeforeValidator(_whole_update, json_schema_input_type=Literal["manual"] | UpdateBody)
    ] = Field(default_factory=UpdateBody)
    """How they are updated: {"command": …}, {"webhook": …} or "manual"."""
    version: _Version | None = None
    """What they are updated to, for the hook."""
    previous_version: _Version | None = None
    """What they run now, for a hook that restores it."""
    detect: DetectBody | None = None
    """Where a server says what version it runs, so that a hook that did nothing is noticed."""
    health: ReadinessBody = Field(default_factory=ReadinessBody)
    """When an updated server may serve again."""
    slow_start: Annotated[
        SlowStartBody, BeforeValidator(_whole_slow_start, json_schema_input_type=str | SlowStartBody)
    ] = Field(default="30s", validate_default=True)
    """How the weight of a returning server grows: a time, or {"over", "floor", "exponent"}."""
    watch: kinds.Pause = Field(default="30s", validate_default=True)
    """So long each batch is watched before the next one."""
    judge: bool = True
    """Whether updated servers are compared with the others."""
    gates: GatesBody = Field(default_factory=GatesBody)
    """What has to agree before it goes on."""
    on_failure: Annotated[OnFailure, Field(strict=False)] = OnFailure.STOP
    """What is done when a batch turns out bad."""

    @model_validator(mode="after")
    def _two_versions(self) -> RolloutBody:
        if self.version is not None and self.version == self.previous_version:
            raise ValueError("version and previous_version are the same, so there is nothing to update")
        return self

    def plan(self) -> RolloutPlan:
        """The same for the state machine."""
        first, rise, detect = self.first_batch, self.slow_start, self.detect
        return RolloutPlan(
            hook=self.update.hook(),
            batch=self.batch,
            min_available=self.min_available,
            first_batch=first.size,
            first_watch=FIRST_WATCH * self.watch if first.watch is None else first.watch,
            order=self.order,
            drain_timeout=self.drain_timeout,
            readiness=Readiness(self.health.consecutive, self.health.timeout),
            slow_start=SlowStart(rise.over, rise.floor, rise.exponent),
            watch=self.watch,
            judged=self.judge,
            gates=self.gates.gates(),
            on_failure=self.on_failure,
            version=self.version,
            previous_version=self.previous_version,
            detect=None if detect is None else VersionProbe(detect.path, detect.header),
        )


class ReadyBody(ReasonBody):
    """A server that is updated by hand is ready."""

    upstream: kinds.Address
    """Which one: where it was when it was taken out."""
    address: kinds.Address | None = None
    """Where it is now, if that is elsewhere."""

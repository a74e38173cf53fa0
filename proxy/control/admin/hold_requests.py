"""What calls about held requests and maintenance may carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from proxy.control.admin import kinds
from proxy.control.admin.requests import ForceBody, Mode, ReasonBody
from proxy.traffic.audience import HoldRule

_RULE = HoldRule()

DEFAULT_MESSAGE = "This service is being worked on. Please try again soon."


class Bounds(ReasonBody):
    """How requests are held."""

    max_wait: kinds.Duration = Field(default="10s", validate_default=True)
    """How long each request waits at most; then it is answered with 503."""
    max_requests: int = Field(default=_RULE.max_requests, ge=1, le=1_000_000)
    """How many may wait at the same time, shared out over the workers; more are answered with 503."""
    max_bytes: kinds.Size = Field(default=_RULE.max_bytes, validate_default=True)
    """How many bytes of heads and begun bodies may wait, shared out over the workers: 512, 64KiB, 16MiB."""


class HoldBody(Bounds):
    """Let new requests wait."""

    unsafe_only: bool = False
    """Serve what only looks (GET, HEAD, OPTIONS, TRACE) as ever, and let all else wait."""

    @property
    def rule(self) -> HoldRule:
        """The rule that it asks for."""
        return HoldRule(self.max_wait, self.max_requests, self.max_bytes, self.unsafe_only)


class SwitchBody(ForceBody, Bounds):
    """Move all traffic of a service to one color."""

    to: kinds.AnyColor
    """Where to."""
    mode: Annotated[Mode, Field(strict=False)] = Mode.INSTANT
    """instant; or exclusive: let new requests wait until nothing is in flight, so that never two versions serve."""

    @model_validator(mode="after")
    def _bounds_of_a_hold(self) -> SwitchBody:
        given = self.model_fields_set & {"max_wait", "max_requests", "max_bytes"}
        if given and self.mode is not Mode.EXCLUSIVE:
            raise ValueError(f"only with mode exclusive: {', '.join(sorted(given))}")
        return self

    @property
    def exclusive(self) -> HoldRule | None:
        """How requests are held meanwhile; ``None`` for an instant switch."""
        if self.mode is not Mode.EXCLUSIVE:
            return None
        return HoldRule(self.max_wait, self.max_requests, self.max_bytes)


class MaintenanceBody(ReasonBody):
    """Answer users with a page, or end that."""

    on: bool
    """Whether users get the page."""
    message: kinds.Reason | None = None
    """What it says."""

    @property
    def told(self) -> str | None:
        """What users are told; ``None``: they are served."""
        return (self.message or DEFAULT_MESSAGE) if self.on else None

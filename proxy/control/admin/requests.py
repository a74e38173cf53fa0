"""What calls may carry: bodies, and parameters of the query. The descriptions end up in the OpenAPI document."""

from __future__ import annotations

import enum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from proxy.config.wording import described
from proxy.control.admin import kinds
from proxy.control.load_series import MOST_POINTS


class Body(BaseModel):
    """A JSON object with these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class _Query(BaseModel):
    """Parameters that nobody knows are ignored: a cache buster or a tracker may have added them."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class NoBody(Body):
    """A call that carries nothing."""


class NoQuery(_Query):
    """A call without parameters."""


class Mode(enum.StrEnum):
    """How a switch happens."""

    INSTANT = "instant"
    EXCLUSIVE = "exclusive"


class Until(enum.StrEnum):
    """What the answer to a change waits for."""

    APPLIED = "applied"
    DRAINED = "drained"


class ReasonBody(Body):
    """Why something is done."""

    reason: kinds.Reason | None = None
    """Why, for the history."""


class ForceBody(ReasonBody):
    """A change that is refused where it would do harm."""

    force: bool = False
    """Do it although no healthy upstream is there to take the traffic."""


class SplitBody(ForceBody):
    """Set green's share at once; blue has the rest."""

    green: kinds.Percent
    """Green's share in percent, 0 to 100, with at most two decimals."""


class NewUpstream(Body):
    """One upstream as it is wanted."""

    address: kinds.Address
    """host:port or [v6]:port."""
    weight: kinds.Weight = 1
    """Its share relative to the others of its pool, 0 to 256; 0 gets no requests at all."""
    admin: kinds.Will = Field(default="ready", validate_default=True)
    """ready, drain (nothing new) or maint (nothing at all, not even health checks)."""


def _whole_upstream(value: object) -> object:
    """``host:port`` is short for an upstream with every default."""
    if isinstance(value, str):
        return {"address": value}
    if not isinstance(value, dict):
        raise ValueError(f"must be host:port, or an object with address, weight and admin, not {described(value)}")
    return value


Listed = Annotated[NewUpstream, BeforeValidator(_whole_upstream, json_schema_input_type=str | NewUpstream)]


class PoolBody(ForceBody):
    """Another list of upstreams for a color."""

    upstreams: list[Listed]
    """host:port, or an object with address, weight and admin."""


class AddBody(NewUpstream, ReasonBody):
    """One more upstream."""


class UpstreamChangeBody(ReasonBody):
    """What is to be different about an upstream; what is not named stays."""

    weight: kinds.Weight | None = None
    """Its new weight, 0 to 256."""
    admin: kinds.Will | None = None
    """ready, drain or maint."""

    @model_validator(mode="after")
    def _something(self) -> UpstreamChangeBody:
        if self.weight is None and self.admin is None:
            raise ValueError("names neither weight nor admin, so there is nothing to change")
        return self


class ChangeQuery(_Query):
    """The parameters of every change."""

    dry_run: kinds.Flag = False
    """Answer what would change, and change nothing."""
    wait: Until = Until.APPLIED
    """Answer once every worker serves the change (applied), or once what it left behind is over, too (drained)."""


class RemovalQuery(ChangeQuery):
    """The parameters of a removal."""

    force: kinds.Flag = False
    """The same as in the body, for clients that send none with DELETE."""


class OperationQuery(_Query):
    """The parameters of reading an operation."""

    wait: kinds.Wait | None = None
    """Answer once it has ended, or after so long: 500ms, 30s, 10m at most."""


class OperationsQuery(_Query):
    """Which operations to list."""

    service: str | None = None
    """Those of one service."""
    limit: kinds.Limit = 50
    """So many, 1 to 500."""
    before: str | None = None
    """Those older than the operation with this id."""


class LoadQuery(_Query):
    """How much of the load to tell."""

    points: kinds.Points = MOST_POINTS
    """So many looks at most, 1 to 300."""


class HistoryQuery(_Query):
    """Which part of the history to list."""

    service: str | None = None
    """What concerns one service."""
    limit: kinds.Limit = 50
    """So many entries, 1 to 500."""
    before: kinds.EntryId | None = None
    """Those older than the entry with this id."""


class AnnotationsQuery(_Query):
    """Which operations to mark in a graph. The names are Grafana's."""

    from_: kinds.Moment = Field(default=0, alias="from")
    """Those that went on at this moment or later, in milliseconds since 1970."""
    to: kinds.Moment = kinds.LAST_MOMENT
    """Those that had begun by then."""
    service: str | None = None
    """Those of one service; empty for all."""
    limit: kinds.Many = 100
    """So many, 1 to 1000: those that began last."""

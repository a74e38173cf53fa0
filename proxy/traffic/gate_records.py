"""Gates, read back from what ``asdict`` made of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy.traffic.gates import Gates, Moment, PromQuery, Webhook


def load_gates(raw: dict[str, Any]) -> Gates:
    """All gates of an operation."""
    return Gates(
        webhooks=tuple(Webhook(**{**each, "at": _moments(each["at"])}) for each in raw["webhooks"]),
        queries=tuple(PromQuery(**{**each, "at": _moments(each["at"])}) for each in raw["queries"]),
        approvals=_moments(raw["approvals"]),
    )


def _moments(raw: Iterable[str]) -> tuple[Moment, ...]:
    return tuple(Moment(each) for each in raw)

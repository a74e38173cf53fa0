"""What became of a hook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HookOutcome:
    """What became of having a batch updated."""

    ok: bool
    detail: str
    """In a sentence, fit for logs and terminals."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """New addresses by old ones, of those servers that came back elsewhere."""
    output: str = ""
    """What was printed meanwhile, or its end; fit for terminals."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run of a hook has come to."""

    ok: bool
    detail: str
    moved: Mapping[str, str] = field(default_factory=dict)
    output: str = ""

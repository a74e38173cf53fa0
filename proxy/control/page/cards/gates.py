"""Gates on the page."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A part of what the admin API answers."""


def gate_words(gate: Json) -> str:
    """Who is asked, and when."""
    asked = gate["query"] or gate["url"] or "somebody"
    return f"{gate['kind']} {asked} ({', '.join(gate['at'])})"

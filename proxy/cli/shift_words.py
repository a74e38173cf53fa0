"""Which command lets a shift go on."""

from __future__ import annotations

from typing import Any

from proxy.cli.context import Common

WAY_ON = {"operator": "resume", "step": "promote", "approval": "promote", "judge": "resume", "health": "resume"}
"""The verb that lets a shift go on, by what it waits for."""


def way_on(common: Common, shift: dict[str, Any]) -> str | None:
    """The command that lets it go on; ``None`` where it goes on by itself anyway."""
    if not shift["hindrance"]:
        return None
    command = f"`{common.command(WAY_ON[shift['hindrance']])}`"
    if shift["hindrance"] == "health":
        return f"it goes on by itself when that has changed; at once: {command}"
    if shift["hindrance"] == "judge":
        return f"it goes on by itself when enough was seen; at once: {command}"
    return f"let it go on: {command}"

"""What a rolling deployment is doing, in words: the same on a terminal and on the page."""

from __future__ import annotations

from typing import Any

from proxy.traffic.listing import listed
from proxy.wording.numbers import counted, span_words

UNDER_WAY = ("cordoned", "draining", "updating", "probing", "warming", "watched")
"""The stages of a batch that is being worked on."""

COURSES = {"restoring": "going back, ", "aborting": "ending, "}
"""What is said of one that is no longer on its way to the next batch."""


def is_rolling(operation: dict[str, Any]) -> bool:
    """Whether it is a rolling deployment that is not over."""
    return bool(operation.get("rollout")) and operation["progress"]["phase"] == "rolling"


def under_way(rollout: dict[str, Any]) -> list[dict[str, Any]]:
    """The servers of the batch that is being worked on."""
    return [server for server in rollout["servers"] if server["stage"] in UNDER_WAY]


def place_words(rollout: dict[str, Any]) -> str:
    """``blue batch 2 of 3: updating 10.0.0.2:8080``."""
    course, servers = COURSES.get(rollout["course"], ""), under_way(rollout)
    if not servers:
        after = f"after batch {rollout['batch']} of {rollout['batches']}"
        where = after if rollout["batch"] else "before the first batch"
        return f"{rollout['color']} {course}{where}"
    what = f"{rollout['stage']} {listed([server['address'] for server in servers])}"
    return f"{rollout['color']} {course}batch {rollout['batch']} of {rollout['batches']}: {what}"


def left_words(rollout: dict[str, Any]) -> str:
    """Why it waits, or how long it will still take."""
    if rollout["hindrance"]:
        return f"waits: {rollout['why']}"
    if by_hand(rollout):
        return "waits for somebody to update them"
    return "how long it takes is not known yet" if rollout["eta"] is None else f"{span_words(rollout['eta'])} left"


def detail_words(rollout: dict[str, Any]) -> list[str]:
    """What else there is to know: who serves, what the judge says, what went wrong."""
    servers, details = counted(rollout["available"], "server"), []
    need = f", {rollout['min_available']} have to be" if rollout["min_available"] else ""
    details.append(f"{servers} of {rollout['color']} in rotation{need}")
    if rollout["judge"]:
        details.append(f"judge: {rollout['judge']['words']}")
    if rollout["why"] and not rollout["hindrance"]:
        details.append(str(rollout["why"]))
    return details


def by_hand(rollout: dict[str, Any]) -> list[dict[str, Any]]:
    """The servers that somebody has to update now."""
    if rollout["plan"]["update"]["kind"] != "manual":
        return []
    return [server for server in rollout["servers"] if server["stage"] == "updating"]


def done_words(rollout: dict[str, Any]) -> str:
    """How many servers it has updated, or brought back."""
    back, version = rollout["course"] in ("restoring", "rolled_back"), rollout["plan"]["version"]
    servers = [server for server in rollout["servers"] if server["batch"] or not back]
    done = sum(server["stage"] == "done" for server in servers)
    verb = "restored" if back else f"updated to {version}" if version else "updated"
    return f"{done} of {counted(len(servers), 'server')} of {rollout['color']} {verb}"


def failure_lines(rollout: dict[str, Any]) -> list[str]:
    """Which servers failed, and why: those of a batch mostly for the same reason."""
    found: dict[str, list[str]] = {}
    for server in rollout["servers"]:
        if server["stage"] == "failed":
            found.setdefault(server["why"], []).append(server["address"])
    return [f"{listed(addresses)} failed: {why}" for why, addresses in found.items()]


def stage_words(upstream: dict[str, Any]) -> str:
    """How far a rolling deployment is with an upstream, and with how much of its weight it serves."""
    stage = str(upstream.get("stage") or "")
    ramp = upstream.get("ramp", 1.0)
    return f"{stage} {ramp:.0%}".strip() if 0 < ramp < 1 and not upstream.get("cordoned") else stage

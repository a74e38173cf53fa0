"""Changes in words."""

from __future__ import annotations

from typing import Any

NEWLINE = "\n"


def _hook_words(what: str, before: object, after: object) -> str:
    """What became of a hook; of its output the last line, as the rest is for machines and logs."""
    if what == "moved":
        return f"{before} is at {after} now"
    if what == "output":
        return f"output: {str(after).strip().rpartition(NEWLINE)[2]}"
    return "the hook is through" if after else "the hook has failed"


def change_words(change: dict[str, Any]) -> str:
    """One thing that became another."""
    path, before, after = change["path"], change["before"], change["after"]
    if path == "split.green":
        return f"green {before:g} % -> {after:g} %"
    if path == "shift.green":
        return f"green {before:g} % -> {after:g} %, gradually"
    if path == "exclusive.green":
        return f"green {before:g} % -> {after:g} % once nothing is in flight"
    if path == "hold":
        return f"new requests wait: {after}" if after else "requests are let go"
    if path == "maintenance":
        return f"users are told: {after}" if after else "users are served"
    kind, _, rest = path.partition(".")
    if kind == "roll":
        color, _, server = rest.partition(".")
        return f"{server} of {color} is {after}" if server else f"{after} of {color} updated, some at a time"
    if path == "course":
        return f"roll {before} -> {after}"
    if kind == "hook":
        return _hook_words(rest, before, after)
    if kind == "services" and isinstance(after, bool):
        return f"service {rest} {'added' if after else 'removed'}"
    if kind != "pools":
        return f"{path}: {before} -> {after}"
    color, _, upstream = rest.partition(".")
    if before is None:
        return f"{color} {upstream} added ({after})"
    if after is None:
        return f"{color} {upstream} removed"
    address, _, field = upstream.rpartition(".")
    return f"{color} {address} {field} {before} -> {after}"


def entry_lines(entry: dict[str, Any]) -> list[str]:
    """What an entry of the history changed, thing by thing."""
    lines = [change_words(change) for change in entry["changes"]]
    noted = entry["by"] == entry["action"]  # a hook's or a gate's, which changes nothing and has nothing but its reason
    return lines or (["it was so already"] if entry["operation"] and not noted else [])


def entry_words(entry: dict[str, Any]) -> str:
    """The same in one line."""
    return "; ".join(entry_lines(entry))

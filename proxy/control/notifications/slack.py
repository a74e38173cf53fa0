"""Messages for Slack, and for what takes the same: Mattermost, Rocket.Chat, Discord at ``/slack``.

Only ``text`` and one attachment are used: all of them show these, and none shows blocks but Slack. What people and
servers have written is made harmless for the markup of all of them: nobody is called by it, and nothing hides behind a
link.
"""

from __future__ import annotations

import re
from typing import Any, Final

from proxy.config.settings import NotificationEvent
from proxy.control.notifications import wording
from proxy.control.notifications.happening import Happening
from proxy.traffic.model import OperationState

_GOOD, _BAD, _BACK, _NEWS = "#2e7d32", "#c62828", "#ef6c00", "#1565c0"

_NOTHING: Final = "\N{ZERO WIDTH SPACE}"
"""Takes apart what would mean something together."""

_LETTERS: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "@": f"@{_NOTHING}",
        "]": f"]{_NOTHING}",
        "*": "\N{ASTERISK OPERATOR}",
        "~": "\N{TILDE OPERATOR}",
        "`": "'",
    }
)
_EDGE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""An underscore that would begin or end italics; those within a name do not."""

_LONGEST = 600
"""Characters of somebody else's words."""


def harmless(text: str) -> str:
    """Somebody else's words, to be shown as they are: without calls, links, entities and styles."""
    whole = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    cut = whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 1]}…"
    return _EDGE.sub("\N{MODIFIER LETTER LOW MACRON}", cut).translate(_LETTERS)


def message(happening: Happening, link: str | None) -> dict[str, Any]:
    """The message that tells of something."""
    operation = happening.operation
    words = {
        "Reason": operation.reason,
        "Why": wording.why(operation, happening.judge),
        "Receipt": wording.counted(operation) if happening.event is NotificationEvent.END else None,
    }
    fields = [{"title": name, "value": harmless(value)} for name, value in words.items() if value]
    text = harmless(wording.told(happening.event, operation))
    told: dict[str, Any] = {"text": f"{text} <{link}|{operation.id}>" if link else f"{text} ({operation.id})"}
    if fields:
        told["attachments"] = [{"color": _color(happening), "fallback": harmless(happening.text), "fields": fields}]
    return told


def _color(happening: Happening) -> str:
    match happening.event:
        case NotificationEvent.START:
            return _NEWS
        case NotificationEvent.ROLLBACK:
            return _BACK
    return _GOOD if happening.operation.state is OperationState.SUCCEEDED else _BAD

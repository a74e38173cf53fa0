"""Messages for chats: whatever people write stays what they wrote."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from proxy.config.settings import NotificationEvent
from proxy.control.notifications.happening import Happening
from proxy.control.notifications.slack import harmless, message
from proxy.traffic.model import OperationState
from tests.control.store.entries import operation

STAR, WAVE = "\N{ASTERISK OPERATOR}", "\N{TILDE OPERATOR}"
NOTHING = "\N{ZERO WIDTH SPACE}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("<!channel> <@U123> <!subteam^S1>", f"&lt;!channel&gt; &lt;@{NOTHING}U123&gt; &lt;!subteam^S1&gt;"),
        ("@channel @here @everyone", f"@{NOTHING}channel @{NOTHING}here @{NOTHING}everyone"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("*bold* ~gone~ `code`", f"{STAR}bold{STAR} {WAVE}gone{WAVE} 'code'"),
        ("_so_ __init__ a_name", "ˍsoˍ ˍˍinitˍˍ a_name"),
        ("[click](http://evil.example) ![x](y)", f"[click]{NOTHING}(http://evil.example) ![x]{NOTHING}(y)"),
        ("one\r\n# two\x1b[31m\u2028> three\u202e", "one # two [31m &gt; three"),
        ("x" * 700, "x" * 599 + "…"),
    ],
)  # fmt: skip
def test_words_of_others_mean_nothing_to_a_chat(written: str, shown: str) -> None:
    """No calls, no links behind words, no styles, no lines, no end."""
    assert harmless(written) == shown


@pytest.mark.parametrize(
    ("event", "state", "color"),
    [
        (NotificationEvent.START, OperationState.RUNNING, "#1565c0"),
        (NotificationEvent.ROLLBACK, OperationState.RUNNING, "#ef6c00"),
        (NotificationEvent.END, OperationState.SUCCEEDED, "#2e7d32"),
        (NotificationEvent.END, OperationState.FAILED, "#c62828"),
        (NotificationEvent.END, OperationState.ROLLED_BACK, "#c62828"),
    ],
)
def test_the_color_tells_good_from_bad(event: NotificationEvent, state: OperationState, color: str) -> None:
    """At a glance; the words say it too."""
    told = message(Happening(event, replace(operation(), state=state), 11.0), None)
    assert told["attachments"][0]["color"] == color


def test_every_field_is_made_harmless() -> None:
    """Service and color cannot hold anything; who, why, note and judge can."""
    evil = "<!channel>@here"
    odd = replace(operation(), by=evil, reason=evil, note=f"{evil} 2")
    told = json.dumps(message(Happening(NotificationEvent.END, odd, 11.0, judge=f"{evil} 3"), "https://a/b"))
    assert "<!" not in told
    assert "@here" not in told
    assert told.count("&lt;!channel&gt;") == 8


def test_without_a_page_the_id_is_all_there_is() -> None:
    """And where there is nothing to add, nothing is attached."""
    plain = replace(operation(running=True), reason=None)
    told = message(Happening(NotificationEvent.START, plain, 11.0), None)
    assert told == {"text": "shop: switch to green by ada began, green 0 % to 100 % (op-1)"}

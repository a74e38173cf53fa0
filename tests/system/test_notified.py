"""Notifications of the real program."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fleet import Fleet
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.system.hooked import webhook

SECRET = b"of all webhooks"
HUSH = "T0000-B1111-hush"


@pytest.mark.system
@pytest.mark.paced
def test_a_switch_is_told_and_a_silent_receiver_holds_nothing_up(tmp_path: Path) -> None:
    """Signed documents and a chat message; a reload changes who hears of it, nothing shows a URL, and the program stops
    in time though one receiver never answers."""
    told: list[tuple[Any, str]] = []
    stay, released = threading.Event(), threading.Event()

    def take(body: bytes, signature: str) -> tuple[int, bytes]:
        moment, _, digest = signature.partition(",v1=")
        if signature:
            signed = hmac.new(SECRET, moment.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
            assert digest == signed
        told.append((json.loads(body), signature))
        return 204, b""

    def keep(_: bytes, __: str) -> tuple[int, bytes]:
        stay.set()
        released.wait(30)
        return 204, b""

    fleet = Fleet(tmp_path, blue=1, green=1)
    program = Program(tmp_path, fleet)
    (tmp_path / "secret").write_bytes(SECRET)
    try:
        with webhook(take) as url, webhook(keep) as silent:
            targets = [{"url": f"{url}{HUSH}"}, {"url": f"{url}{HUSH}", "format": "slack", "on": ["end"]}]
            program.config |= {"gates": {"secret_file": "secret"}, "notifications": targets}
            program.write_config()
            program.start()
            program.wait_healthy()
            program.switch("green", query="?wait=drained")
            wait_until(lambda: len(told) == 3, timeout=10, what=lambda: str(told))
            start, end = (document for document, signature in told if signature)
            (chat,) = (document for document, signature in told if not signature)
            assert (start["event"], end["event"]) == ("start", "end")
            assert "switch to green by local succeeded after " in chat["text"]
            assert end["operation"]["reason"] == chat["attachments"][0]["fields"][0]["value"] == "system test"
            wait_until(lambda: program.metric("bluegreen_notifications_total") == 3, timeout=5, what="three counted")

            program.config["notifications"] = [{"url": f"{silent}{HUSH}"}]
            program.write_config()
            assert program.admin("POST", "/v1/reload").status == 200
            program.switch("blue", query="?wait=drained")
            assert stay.wait(10)
            assert len(told) == 3
            history = json.dumps(program.admin("GET", "/v1/history").body)
            program.send_signal(signal.SIGTERM)
            assert program.process.wait(10) == 0, program.log()
            released.set()
            assert "notification_lost" in program.log(1_000_000)
            assert HUSH not in history + program.log(1_000_000)
    finally:
        released.set()
        program.kill_tree()
        fleet.stop()

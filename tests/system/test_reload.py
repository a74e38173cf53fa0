"""Config reloads under load."""

from __future__ import annotations

import dataclasses
import signal
import time

import pytest

from tests.harness.fleet import Fleet
from tests.harness.load import Load
from tests.harness.processes import wait_until
from tests.harness.program import Program

RELOADS = 50
EVERY = 0.2


@pytest.mark.system
def test_reloads_under_load_lose_nothing_and_keep_the_split(program: Program, fleet: Fleet) -> None:
    """A SIGHUP every 200 ms, each with another good config: 0 failed, and what an operator switched stays switched."""
    reply = program.switch("green")
    with Load(program.door) as load:
        load.switched("green", begun=reply.begun, answered=reply.answered)
        load.wait_for(100)
        for number in range(RELOADS):
            program.config["timeouts"] = {"idle": f"{60 + number}s"}
            program.service_config["health"]["fall"] = 2 + number % 2
            program.service_config["balance"] = ("round_robin", "least_requests")[number % 2]
            program.write_config()
            program.send_signal(signal.SIGHUP)
            time.sleep(EVERY)
        report = dataclasses.replace(load.stop(), duplicates=fleet.duplicates())
    print(report)
    assert not report.breaches(), str(report)
    assert report.judged > RELOADS * 10, str(report)
    assert report.reopened == 0, f"a reload touches no connection\n{report}"
    assert program.service()["live"] == "green"
    assert program.metric("bluegreen_config_reloads_total") > 0
    wait_until(lambda: program.in_flight() == 0, timeout=5, what="in flight back to 0")


@pytest.mark.system
def test_a_bad_config_changes_nothing(program: Program) -> None:
    """Broken files among good ones are refused whole, and the old config goes on serving."""
    before = program.service()
    with Load(program.door, color="blue") as load:
        load.wait_for(100)
        for text in ("listen: [", "no_such_key: 1\n", "", "services: {}\n"):
            _reload(program, text)
            load.wait_for(50)
        report = load.stop()
    print(report)
    assert not report.breaches(), str(report)
    after = program.service()
    assert after["revision"] == before["revision"]
    assert after["split"] == before["split"]
    assert [u["address"] for u in after["pools"]["blue"]["upstreams"]] == [
        u["address"] for u in before["pools"]["blue"]["upstreams"]
    ]


def _reload(program: Program, text: str) -> None:
    seen = program.metric("bluegreen_config_reloads_total")
    program.write_config(text)
    program.send_signal(signal.SIGHUP)
    wait_until(
        lambda: program.metric("bluegreen_config_reloads_total") > seen, timeout=5, what=f"a verdict on {text!r}"
    )

"""Gates over the real program: a webhook is asked, and obeyed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fleet import Fleet
from tests.harness.program import Program
from tests.harness.steady import Steady
from tests.system.hooked import webhook
from tests.system.shifts import command, green_share, operation

SECRET = b"of the gate"


@dataclass
class Gate:
    """A webhook that agrees so many times to an increase, and what it was told."""

    url: str = ""
    increases: int = 2
    told: list[dict[str, Any]] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)

    def answer(self, body: bytes, signed: str) -> int:
        """The status of its answer."""
        stamp, _, digest = signed.removeprefix("t=").partition(",v1=")
        if digest != hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest():
            self.forged.append(signed)
        self.told.append(json.loads(body))
        moments = [each["moment"] for each in self.told]
        return 403 if moments[-1] == "before_increase" and moments.count("before_increase") > self.increases else 200


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A running webhook."""
    gate = Gate()

    def answer(body: bytes, signature: str) -> tuple[int, bytes]:
        return gate.answer(body, signature), b"the error budget is spent\n"

    with webhook(answer) as gate.url:
        yield gate


@pytest.fixture
def gated(tmp_path: Path, fleet: Fleet) -> Iterator[Program]:
    """A front door that signs what it asks."""
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    program = Program(tmp_path, fleet)
    program.config["gates"] = {"secret_file": str(secret)}
    program.write_config()
    with program:
        program.wait_healthy()
        yield program


@pytest.mark.system
@pytest.mark.paced
def test_a_webhook_that_says_no_takes_the_shift_back(gated: Program, gate: Gate, tmp_path: Path) -> None:
    """It agrees to 10 and to 25 %, but not to 50: all is back on blue, the command ends with 5, and the journal has
    every answer."""
    output = tmp_path / "command.out"
    with Steady(gated.door, rate=100) as load:
        arguments = ["--steps", "10,25,50,100", "--every", "200ms", "--no-judge", "--gate", gate.url]
        assert command(gated, output, "shift", "green", *arguments).wait(20) == 5, output.read_text()
        assert green_share(gated) == 0
    over = operation(gated, "op-1")
    assert over["state"] == "rolled_back"
    assert "the error budget is spent" in over["note"]
    assert over["note"] in output.read_text().replace("\n", " ")
    assert load.statuses().keys() == {200}
    entries = gated.admin("GET", "/v1/history").body["entries"]
    said = [change for entry in reversed(entries) if entry["action"] == "gate" for change in entry["changes"]]
    assert [(change["path"], change["after"]) for change in said] == [
        ("gates.before_start", "go"),
        ("gates.before_increase", "go"),
        ("gates.before_increase", "go"),
        ("gates.before_increase", "no"),
    ]
    assert not gate.forged
    assert {each["operation"]["id"] for each in gate.told} == {"op-1"}

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
from pathlib import Path

import pytest

from proxy.control.clock import SystemClock
from proxy.control.gates.gatekeeper import Gatekeeper
from proxy.traffic.gates import Moment, Webhook
from tests.control.gates.conftest import FACTS, SECRET, Ask, rolling, shifting
from tests.control.gates.desk import Desk, answer, open_desk
from tests.tools import require_tool

PAGE = (Path(__file__).parents[3] / "docs" / "gates.md").read_text(encoding="utf-8")
AT = (Moment.BEFORE_INCREASE,)
AT_ONCE = "Retry-After: 0"


def hook(url: str, *, timeout: float = 10.0, retries: int = 2) -> Webhook:
    """A webhook that is asked before an increase."""
    return Webhook(url, AT, timeout, retries)


def example(language: str) -> str:
    """The first block of the page in a language."""
    return PAGE.split(f"```{language}\n")[1].split("```")[0]


def checked_by_shell(signature: str) -> int:
    """The exit code of the example for a shell, with the files where they are now."""
    require_tool("openssl", package="openssl")
    environment = {"PATH": os.environ["PATH"], "SIGNATURE": signature}
    return subprocess.run(["sh", "-eu", "-c", example("sh")], env=environment, timeout=30).returncode


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for 127.0.0.1 that nobody else knows, with its key beside it in ``key.pem``."""
    openssl = require_tool("openssl", package="openssl")
    made = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=gate"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run([*made.split(), *names], check=True, capture_output=True, cwd=tmp_path, timeout=30)
    return tmp_path / "certificate.pem"


async def test_two_hundred_and_something_is_go(desk: Desk, ask: Ask) -> None:
    """204 lets it go on; the outcome has all that the journal tells."""
    (outcome,) = await ask(hook(desk.url("/gate?key=hidden")))
    assert outcome.ok
    assert (outcome.gate, outcome.moment) == (f"webhook {desk.url()}", Moment.BEFORE_INCREASE)
    assert (outcome.detail, outcome.tries) == ("answered 204", 1)
    assert outcome.seconds >= 0
    assert desk.asked[0].line == "POST /gate?key=hidden HTTP/1.1"


async def test_the_body_tells_the_operation(desk: Desk, ask: Ask) -> None:
    """With the moment, an id and the time; text that UTF-8 cannot hold does not keep it from being sent."""
    (outcome,) = await ask(hook(desk.url()))
    assert outcome.ok
    (asked,) = desk.asked
    body = json.loads(asked.body)
    assert body.pop("sent_at") > 1_700_000_000
    assert body == {
        "id": "op-7@1700000000/before_increase/2",
        "moment": "before_increase",
        "operation": FACTS,
    }
    assert asked.fields["content-type"] == "application/json"


async def test_the_signature_is_the_one_of_the_page(
    desk: Desk, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two ways in the docs to check it, run as they stand, agree with what is sent."""
    await ask(hook(desk.url()))
    (asked,) = desk.asked
    signed = asked.fields["bluegreen-signature"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "webhook-secret").write_bytes(SECRET + b"\n")
    (tmp_path / "body.json").write_bytes(asked.body)

    program: dict[str, object] = {}
    exec(example("python"), program)
    genuine = program["genuine"]
    assert callable(genuine)
    assert genuine(signed, asked.body)
    assert not genuine(signed, asked.body + b" ")
    assert not genuine(signed.replace("t=1", "t=2"), asked.body)
    assert not genuine("nonsense", asked.body)

    assert checked_by_shell(signed) == 0
    assert checked_by_shell(signed[:-1] + ("0" if signed[-1] != "0" else "1")) == 1


async def test_without_a_secret_nothing_is_signed(desk: Desk) -> None:
    """A signature with an empty secret would only look like one."""
    keeper = Gatekeeper(secret=None, clock=SystemClock())
    await keeper.start()
    (outcome,) = await keeper.ask(shifting(hook(desk.url())), AT[0], FACTS)
    await keeper.close()
    assert outcome.ok
    assert "bluegreen-signature" not in desk.asked[0].fields


async def test_user_and_password_are_sent_and_not_shown(desk: Desk, ask: Ask) -> None:
    """As basic authentication; what the journal gets does not have them, whether it worked or not."""
    desk.says(answer(204))
    with_secret = desk.url().replace("//", "//b%C3%B6b:s%40fe@")
    (outcome,) = await ask(hook(with_secret))
    sent = desk.asked[0].fields["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == "böb:s@fe"
    (lost,) = await ask(hook("http://bob:sesame@127.0.0.1:1/gate?key=sesame", retries=0))
    assert outcome.ok
    assert not lost.ok
    for told in (outcome, lost):
        assert "s%40fe" not in repr(told)
        assert "sesame" not in repr(told)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (answer(403, b"not on Fridays\nsays the calendar\n"), "answered 403: not on Fridays"),
        (answer(403, "nein \x1b[31m\u202ey".encode()), "answered 403: nein \ufffd[31m\ufffdy"),
        (answer(403, b"x" * 4000), f"answered 403: {'x' * 199}…"),
        (answer(403, "ä".encode() * 4000), f"answered 403: {'ä' * 199}…"),
        (answer(403, b"<!doctype html><title>no</title>"), "answered 403"),
        (answer(403, b"\xff\xfe"), "answered 403"),
        (answer(404), "answered 404"),
        (answer(302, b"", "Location: http://127.0.0.1:1/"), "answered 302; redirects are not followed"),
        (answer(307, b"here", "Location: /gate"), "answered 307; redirects are not followed"),
    ],
)
async def test_what_is_no_is_not_asked_again(desk: Desk, ask: Ask, said: bytes, detail: str) -> None:
    """4xx and redirects are an answer; its first line is quoted where it is text, printable and not too long."""
    desk.says(said)
    (outcome,) = await ask(hook(desk.url()))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, detail, 1)
    assert len(desk.asked) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
async def test_what_may_change_is_asked_again(desk: Desk, ask: Ask, status: int) -> None:
    """The same thing, known by the same id, is told once more, and the second answer counts."""
    desk.says(answer(status, b"", AT_ONCE), answer(200, b"go on"))
    (outcome,) = await ask(hook(desk.url()))
    assert (outcome.ok, outcome.detail, outcome.tries) == (True, "answered 200: go on, 2 tries", 2)
    assert len({json.loads(asked.body)["id"] for asked in desk.asked}) == 1


async def test_retries_come_to_an_end(desk: Desk, ask: Ask) -> None:
    """After so many more tries the last answer is the verdict; it did not agree."""
    desk.says(answer(500, b"one", AT_ONCE), answer(503, b"two", AT_ONCE))
    (outcome,) = await ask(hook(desk.url(), retries=3))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, "answered 503: two, 4 tries", 4)
    assert len(desk.asked) == 4


async def test_the_id_outlives_the_program(desk: Desk) -> None:
    """A gate that was asked just before a restart is asked with the same id after it; at another step with another."""
    for step in (2, 2, 3):
        keeper = Gatekeeper(secret=SECRET, clock=SystemClock())
        await keeper.start()
        await keeper.ask(shifting(hook(desk.url()), step=step), AT[0], FACTS)
        await keeper.close()
    first, again, later = (json.loads(asked.body)["id"] for asked in desk.asked)
    assert first == again != later


async def test_each_batch_of_a_rollout_has_an_id_of_its_own(desk: Desk, keeper: Gatekeeper) -> None:
    """The gates of a rollout are asked as those of a shift are."""
    for batch in (0, 0, 1):
        (outcome,) = await keeper.ask(rolling(hook(desk.url()), batch=batch), AT[0], FACTS)
        assert outcome.ok
    first, again, later = (json.loads(asked.body)["id"] for asked in desk.asked)
    assert first == again != later


async def test_a_huge_answer_is_not_read_to_its_end(desk: Desk, ask: Ask) -> None:
    """Its status counts, and the connection is closed on it."""
    desk.says((b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"yes\n" + b"x" * 100_000, None))
    (outcome,) = await ask(hook(desk.url()))
    assert (outcome.ok, outcome.detail) == (True, "answered 200: yes")


async def test_tls_is_verified(ask: Ask, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody trusts is no answer; the same one is good where it is trusted."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    async with open_desk(context) as desk:
        (doubted,) = await ask(hook(desk.url(), retries=0))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        keeper = Gatekeeper(secret=SECRET, clock=SystemClock())
        await keeper.start()
        (trusted,) = await keeper.ask(shifting(hook(desk.url())), AT[0], FACTS)
        await keeper.close()
    assert not doubted.ok
    assert doubted.detail.startswith("its certificate is not trusted: self")
    assert trusted.ok, trusted.detail


async def test_proxies_of_the_environment_are_not_used(desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the URL says is asked, and nobody else gets to see it."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    (outcome,) = await ask(hook(desk.url()))
    assert outcome.ok, outcome.detail

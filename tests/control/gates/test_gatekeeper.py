from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from proxy.control.gates.gatekeeper import Gatekeeper
from proxy.traffic.gates import Moment, PromQuery, Webhook
from tests.control.core import tasks, until
from tests.control.gates.conftest import FACTS, Ask, shifting
from tests.control.gates.desk import Desk, answer

AT = (Moment.BEFORE_INCREASE,)
SOON = 0.05


def hook(url: str, *, timeout: float = 10.0, retries: int = 0) -> Webhook:
    """A webhook that is asked once."""
    return Webhook(url, AT, timeout, retries)


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue of connections is full, so that the kernel leaves the next one without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


@pytest.mark.parametrize(
    "said",
    [
        (None,),
        (b"HTTP/1.1 200 OK\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngo", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ngo\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None),
    ],
    ids=["no head", "half a head", "half a body", "half of the chunks", "interim"],
)
async def test_half_an_answer_in_time_is_none(desk: Desk, ask: Ask, said: tuple[bytes | None, ...]) -> None:
    """One try is bounded in all: a 200 whose body does not come to its end has not agreed."""
    desk.says(said)
    (outcome,) = await ask(hook(desk.url(), timeout=SOON))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, "no answer within 0.05 s", 1)
    await until(lambda: desk.left == 1)


async def test_connecting_takes_its_time_from_the_same_budget(ask: Ask, full: int) -> None:
    """A host that swallows packets does not hold us up for longer."""
    (outcome,) = await ask(hook(f"http://127.0.0.1:{full}/", timeout=SOON, retries=1))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, "no answer within 0.05 s, 2 tries", 2)


async def test_so_does_tls(desk: Desk, ask: Ask) -> None:
    """A server that takes the connection and says nothing of a handshake."""
    (outcome,) = await ask(hook(desk.url().replace("http:", "https:"), timeout=SOON))
    assert outcome.detail == "no answer within 0.05 s"


async def test_so_does_looking_up_the_name(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that never answers."""

    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    (outcome,) = await ask(hook("http://gate.test/", timeout=SOON))
    assert outcome.detail == "no answer within 0.05 s"


async def test_a_name_that_stands_for_nothing(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detail says that it is the name."""

    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    (outcome,) = await ask(hook("http://gate.test/"))
    assert (outcome.ok, outcome.detail) == (False, "its name cannot be resolved")


async def test_a_name_leads_to_no_secrets_of_the_machine(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that a name stands for at that moment is looked at, not the name."""

    async def metadata(*_: object, **__: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", metadata)
    outcomes = await ask(
        *[hook(f"http://{host}/") for host in ("gate.test", "169.254.169.254", "[fe80::1]", "[::ffff:169.254.0.1]")],
        hook("http://224.0.0.1/"),
    )
    assert [outcome.detail.partition(" ")[2] for outcome in outcomes] == [
        *["is link-local, where clouds keep the secrets of machines"] * 4,
        "stands for a group, not for a server",
    ]


async def test_nobody_there(ask: Ask) -> None:
    """A refused connection is tried again; what is told is how it ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (outcome,) = await ask(hook(f"http://127.0.0.1:{port}/", retries=1))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, "the connection was refused, 2 tries", 2)


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "what it answered is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "what it answered is not HTTP"),
        (b"", "the connection broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ngo", "the connection broke off"),
    ],
)
async def test_garbage_is_no_answer(desk: Desk, ask: Ask, said: bytes, detail: str) -> None:
    """Whatever comes back, there is an outcome, it is no, and says what happened."""
    desk.says(said)
    (outcome,) = await ask(hook(desk.url()))
    assert not outcome.ok
    assert outcome.detail.removesuffix(" before the whole answer was there") == detail


async def test_gates_are_asked_at_the_same_time(desk: Desk, ask: Ask) -> None:
    """Each answer is given only when all have been asked; outcomes come in the order of the gates."""
    meeting = asyncio.Barrier(3)

    async def answer_together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await meeting.wait()
        writer.write(answer(200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}'))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_together, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    outcomes = await ask(PromQuery(base, "up", AT), hook(f"{base}/a"), hook(f"{base}/b"))
    server.close()
    assert [outcome.gate for outcome in outcomes] == [f"webhook {base}/a", f"webhook {base}/b", "query up"]
    assert all(outcome.ok for outcome in outcomes)


async def test_only_the_gates_of_the_moment_are_asked(desk: Desk, ask: Ask) -> None:
    """Elsewhere they have nothing to say; what is no shift has none."""
    late = replace(hook(desk.url("/late")), at=(Moment.AFTER, Moment.ON_ROLLBACK))
    desk.says(answer(404))
    assert await ask(late) == ()
    (outcome,) = await ask(hook(desk.url()), late, at=Moment.ON_ROLLBACK)
    assert not outcome.ok, "what is only told is reported truthfully as well"
    assert [asked.line for asked in desk.asked] == ["POST /late HTTP/1.1"]


async def test_without_a_shift_there_are_no_gates(keeper: Gatekeeper) -> None:
    """A switch asks nobody."""
    assert await keeper.ask(replace(shifting(), shift=None), Moment.AFTER, FACTS) == ()


@pytest.mark.parametrize("said", [None, answer(503, b"", "Retry-After: 3600")], ids=["waiting", "resting"])
async def test_cancelling_ends_it_at_once(desk: Desk, keeper: Gatekeeper, said: bytes | None) -> None:
    """In the middle of a try or between two, with nothing left behind: an abort does not wait for a gate."""
    desk.says(said)
    asking = asyncio.create_task(keeper.ask(shifting(hook(desk.url(), retries=2)), AT[0], FACTS), name="asking")
    await until(lambda: len(desk.asked) == 1 and (said is None or desk.left == 1))
    before = len(asyncio.all_tasks())
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: desk.left == 1)
    assert tasks("asking") == []
    assert len(asyncio.all_tasks()) < before

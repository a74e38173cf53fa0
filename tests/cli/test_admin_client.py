from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from proxy.cli.admin_client import AdminClient, Problem, Unreachable
from tests.cli.scripted import Answer, Script, problem


def client(admin: Script, token: str | None = None) -> AdminClient:
    """A client of the scripted API."""
    return AdminClient(admin.address, token)


@pytest.mark.parametrize(
    "address", ["", "https://localhost:1", "http://", "localhost:port", "localhost:99999", ":9000"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """A misspelled address is not asked for an answer."""
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        AdminClient(address, None)


@pytest.mark.parametrize("prefix", ["", "http://"])
def test_both_ways_to_write_an_address(admin: Script, prefix: str) -> None:
    """As in a config file, and as in a browser."""
    assert "services" in AdminClient(prefix + admin.address, None).get("/v1/services")


def test_over_a_unix_socket(tmp_path: Path) -> None:
    """The admin API may listen where only those get who may read the folder."""
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        thread = threading.Thread(target=_answer_once, args=(listener, answer))
        thread.start()
        assert AdminClient(f"unix:{path}", None).get("/v1/services") == {}
        thread.join()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def test_a_token_may_have_come_from_a_file(admin: Script) -> None:
    """With the line break at its end."""
    client(admin, "secret\n").get("/v1/services")
    assert admin.asked[-1].authorization == "Bearer secret"


@pytest.mark.parametrize("token", ["two\nlines", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match="printable ASCII"):
        AdminClient("localhost:1", token)


def test_a_refusal_has_its_code_and_facts(admin: Script) -> None:
    """All that the problem document says can be used."""
    admin.on("POST", "/x", problem(409, "operation_running", operation="op-7"))
    with pytest.raises(Problem) as caught:
        client(admin).call("POST", "/x", {})
    assert (caught.value.status, caught.value.code, caught.value.detail) == (
        409,
        "operation_running",
        "it is operation_running",
    )
    assert caught.value.document["operation"] == "op-7"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b"hello", content_type="text/plain"),
        Answer({"to": "green"}, content_type="text/plain"),
        Answer(raw=b"{"),
        Answer([1]),
        Answer(raw=b"<h1>502</h1>", status=502, content_type="text/html"),
    ],
    ids=["text", "an echo", "half a document", "a list", "a gateway's page"],
)
def test_what_is_no_admin_api_is_taken_for_none(admin: Script, answer: Answer) -> None:
    """The front door, for instance, with somebody's application behind it."""
    admin.on("POST", "/x", answer)
    with pytest.raises(Unreachable, match="is no admin API"):
        client(admin).call("POST", "/x", {})


def test_nobody_there() -> None:
    """Whoever is not there has certainly done nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=f"no admin API answers at 127.0.0.1:{port}: Connection refused") as caught:
        AdminClient(f"127.0.0.1:{port}", None).call("POST", "/x", {})
    assert not caught.value.sent


@pytest.mark.parametrize(("method", "sent"), [("POST", True), ("GET", False)])
def test_no_answer_to_a_change_leaves_open_whether_it_was_made(method: str, *, sent: bool) -> None:
    """Reading changes nothing, so there is no such question."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = AdminClient(f"127.0.0.1:{listener.getsockname()[1]}", None)
        with pytest.raises(Unreachable, match="takes too long") as caught:
            silent.call(method, "/x", timeout=0.05)
    assert caught.value.sent is sent

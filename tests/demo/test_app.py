from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from proxy.demo.app import App
from proxy.demo.ports import free_ports

Start = Callable[[str], App]


@pytest.fixture
def app(start: Start) -> App:
    """A blue one."""
    return start("blue")


@pytest.fixture
def client(app: App) -> Iterator[http.client.HTTPConnection]:
    """A connection to it."""
    connection = http.client.HTTPConnection("127.0.0.1", app.server_port, timeout=20)
    yield connection
    connection.close()


def raw(app: App, data: bytes) -> bytes:
    """What is answered to these bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", app.server_port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_it_says_who_it_is(app: App, client: http.client.HTTPConnection) -> None:
    """In the answer, and in fields of it."""
    client.request("GET", "/")
    response = client.getresponse()
    assert response.read() == f"hello from blue v1 on port {app.server_port}\n".encode()
    assert (response.headers["X-Color"], response.headers["X-Version"]) == ("blue", "v1")


def test_a_connection_is_kept(client: http.client.HTTPConnection) -> None:
    """Whatever comes over it, the next request begins where the last one ended."""
    client.connect()
    sock = client.sock
    for method, body in [("GET", None), ("HEAD", None), ("POST", b"abc"), ("GET", b"a body"), ("DELETE", None)]:
        client.request(method, "/healthz", body)
        response = client.getresponse()
        answer = response.read()
        assert response.status == 200
        assert body is None or answer == body
    assert client.sock is sock


def test_chunked_bodies_come_back(client: http.client.HTTPConnection) -> None:
    """As a front door sends them that does not know their length either."""
    for _ in range(2):
        client.request("POST", "/", iter([b"a", b"b" * 100_000]), encode_chunked=True)
        assert client.getresponse().read() == b"a" + b"b" * 100_000


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: -1", b"Content-Length: x", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked"],
)
def test_a_body_that_cannot_be_read_is_refused(app: App, head: bytes) -> None:
    """And ends the connection, for nobody knows where it ends."""
    answer = raw(app, b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\nzzz\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer


def test_a_client_that_goes_away_is_nothing_to_tell_about(app: App, capfd: pytest.CaptureFixture[str]) -> None:
    """In the middle of a body."""
    assert raw(app, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc") == b""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("seconds", ["0", "0.01", "-5", "0.0001"])
def test_slow_answers(client: http.client.HTTPConnection, seconds: str) -> None:
    """After a while, the same."""
    client.request("GET", f"/slow?seconds={seconds}")
    assert client.getresponse().read().startswith(b"hello from blue")


def test_32_clients_at_once(app: App) -> None:
    """Each is answered, and none with what was meant for another."""

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", app.server_port, timeout=20)
        for each in range(20):
            body = b"%d/%d" % (number, each)
            connection.request("POST", "/", body)
            assert connection.getresponse().read() == body
        connection.close()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(ask, range(32)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once(number: signal.Signals) -> None:
    """Though a client is connected and waits: a container that is stopped shall not have to be killed."""
    [port] = free_ports(1)
    arguments = ["--color", "green", "--version", "v2", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen([sys.executable, "-m", "proxy.demo.app", *arguments], stderr=subprocess.PIPE) as process:
        with connected(port) as connection:
            connection.sendall(b"GET /slow?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n")
            process.send_signal(number)
            assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def connected(port: int) -> socket.socket:
    """A connection to something that has just been started."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            continue


def test_a_port_that_is_taken(app: App) -> None:
    """One line."""
    arguments = ["--listen", f"127.0.0.1:{app.server_port}"]
    result = subprocess.run([sys.executable, "-m", "proxy.demo.app", *arguments], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == f"cannot listen on 127.0.0.1:{app.server_port}: [Errno 98] Address already in use\n"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_it_listens_on_ipv6() -> None:
    """As in a container network that has nothing else."""
    try:
        App("::1", 0, color="blue", version="v1").server_close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from proxy.demo.app import App
from proxy.demo.load import Load, Tally

Start = Callable[[str], App]


@contextmanager
def loaded(port: int, *, clients: int = 4) -> Iterator[Load]:
    """A load on a port, which ends in time."""
    load = Load("127.0.0.1", port, clients=clients)
    load.start()
    try:
        yield load
    finally:
        load.stop()


def until(load: Load, enough: Callable[[Tally], bool]) -> None:
    """Let it run until it has counted enough."""
    over = threading.Event()
    for _ in range(20_000):
        if enough(load.tally):
            return
        over.wait(0.001)
    raise AssertionError(f"not so far: {load.tally}")


def test_all_is_well(start: Start) -> None:
    """Every request counts once, over many connections, with bodies and without."""
    with loaded(start("blue").server_port) as load:
        load.switched("blue")
        until(load, lambda tally: tally.sent > 500)
    assert load.tally == Tally(sent=load.tally.sent, by_color={"blue": load.tally.sent})


def test_the_wrong_color_after_a_switch_is_stale(start: Start) -> None:
    """What is sent after the switch had answered has to be answered by the color that it named."""
    with loaded(start("blue").server_port) as load:
        load.switched("green")
        until(load, lambda tally: tally.stale > 10)
    assert load.tally.failed == 0
    assert load.tally.stale <= load.tally.sent


def test_while_a_switch_is_under_way_either_color_is_right(start: Start) -> None:
    """Nobody can know which."""
    with loaded(start("blue").server_port) as load:
        load.switching()
        until(load, lambda tally: tally.sent > 100)
    assert load.tally.stale == 0


def test_an_answer_that_spans_a_switch_is_not_stale(start: Start) -> None:
    """It was sent before the switch had answered."""
    load = Load("127.0.0.1", start("blue").server_port, clients=1)
    load.switched("blue")
    load.start()
    until(load, lambda tally: tally.sent > 100)
    load.switching()
    load.stop()
    assert load.tally.stale == 0


def test_a_connection_that_breaks_fails_a_request(start: Start) -> None:
    """It is not tried again behind the back of who counts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_accept_and_close, args=(listener, 5))
        thread.start()
        with loaded(port, clients=1) as load:
            thread.join()
            until(load, lambda tally: tally.failed >= 5)
    assert load.tally.sent == load.tally.failed
    assert "RemoteDisconnected" in load.tally.examples[0] or "ConnectionReset" in load.tally.examples[0]


def _accept_and_close(listener: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.close()
    listener.close()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 503 Busy\r\nX-Color: blue\r\nContent-Length: 0\r\n\r\n", "status 503"),
        (b"HTTP/1.1 200 OK\r\nX-Color: blue\r\nContent-Length: 2\r\n\r\nhi", "not what was asked for: b'hi'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "not what was asked for"),
        (b"HTTP/1.1 200 OK\r\nX-Color: blue\r\nContent-Length: 99\r\n\r\nhello from blue v1", "IncompleteRead"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
    ],
    ids=["an error", "something else", "nobody's", "half", "garbage"],
)
def test_a_wrong_answer_fails_a_request(answer: bytes, why: str) -> None:
    """Whatever is wrong with it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, answer))
        thread.start()
        with loaded(listener.getsockname()[1], clients=1) as load:
            thread.join()
            until(load, lambda tally: tally.failed > 0)
    assert why in load.tally.examples[0]


def _answer(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
    listener.close()


def test_only_a_few_failures_are_told_in_words() -> None:
    """The rest is counted."""
    tally = Tally()
    for number in range(10):
        tally = tally.failing(f"failure {number}")
    assert (tally.failed, tally.examples) == (10, ("failure 0", "failure 1", "failure 2"))

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from proxy.demo.app import App


@contextmanager
def serving(color: str) -> Iterator[App]:
    """A demo application on a free port."""
    app = App("127.0.0.1", 0, color=color, version="v1")
    thread = threading.Thread(target=app.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield app
    finally:
        app.shutdown()
        thread.join()
        app.server_close()


@pytest.fixture
def start() -> Iterator[Callable[[str], App]]:
    """Starts demo applications of a color in this process."""
    with ExitStack() as stack:
        yield lambda color: stack.enter_context(serving(color))

"""Looking and drawing, until somebody ends it."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from typing import NoReturn

from rich.live import Live

from proxy.cli.admin_client import Problem, Unreachable
from proxy.cli.context import Common
from proxy.cli.terminal import Page
from proxy.cli.watch.looking import Look, Looker
from proxy.cli.watch.picture import Picture, points_for
from proxy.wording.numbers import span_words

LOOK_EVERY = 0.5
"""Seconds between two looks."""


def watch(common: Common, page: Page) -> NoReturn:
    """Keep the picture up to date.

    Raises:
        Unreachable, Problem: the first look failed. Later the last picture stays, and says since when.
    """
    looker, trouble = Looker(common), None
    look = looker.look(points_for(page))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGWINCH})
    with Live(console=page, auto_refresh=False, screen=True) as live:
        while True:
            live.update(Picture(common, page, look, trouble), refresh=True)
            if _resized():
                continue
            try:
                look, trouble = looker.look(points_for(page)), None
            except (Unreachable, Problem) as error:
                trouble = _since(look, str(error))


def _resized() -> bool:
    """Wait until it is time to look again; true as soon as the terminal has another size."""
    return signal.sigtimedwait({signal.SIGWINCH}, LOOK_EVERY) is not None


def _since(look: Look, error: str) -> str:
    at = datetime.fromtimestamp(look.at, UTC).astimezone().strftime("%H:%M:%S")
    return f"{error}; trying again. This is how it was at {at}, {span_words(time.time() - look.at)} ago:"

"""What the admin API works with. Whoever starts it puts this together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from proxy.config.addresses import Address
from proxy.control.admin.auth import Token
from proxy.control.clock import Clock, SystemClock
from proxy.control.controller import Controller
from proxy.control.events import Events
from proxy.control.fleet import Fleet
from proxy.control.load import Load
from proxy.control.load_series import Series
from proxy.control.publisher import Publisher
from proxy.control.store.base import Store
from proxy.traffic.judgement import Tally, Verdict
from proxy.traffic.spec import Color, ServiceSpec


class ReloadResult(Protocol):
    """What became of reading the config file again."""

    @property
    def ok(self) -> bool:
        """Whether the file is served now; if not, the old one goes on."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with it, one line each."""
        ...

    @property
    def at(self) -> float:
        """When that was, in Unix seconds."""
        ...

    @property
    def by(self) -> str:
        """Who asked for it."""
        ...


class Reloading(Protocol):
    """Reads the config file again."""

    @property
    def last(self) -> ReloadResult | None:
        """What became of it the last time; ``None`` if nobody has asked yet."""
        ...

    async def reload(self, by: str) -> ReloadResult:
        """Read it now. A bad file changes nothing."""
        ...


class Probing(Protocol):
    """Looks at upstreams before they are let in."""

    async def resolve(self, address: str) -> Sequence[str]:
        """The IP addresses that the host of ``host:port`` stands for. Raises ``OSError`` where there are none."""
        ...

    async def healthy(self, service: ServiceSpec, address: str) -> bool:
        """Whether one health check of the service, made now, finds the upstream good."""
        ...


def _nothing_known(*_: str) -> None:
    return None


def _no_commands() -> Sequence[str]:
    return ()


def _no_series(*_: object) -> Series:
    return Series((), dict.fromkeys(Color, ()))


def _nothing_said(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class AdminContext:
    """Everything that the routes need."""

    controller: Controller
    store: Store
    events: Events
    fleet: Fleet
    publisher: Publisher
    reloading: Reloading
    probing: Probing
    metrics: Callable[[str | None], Awaitable[tuple[bytes, str]]]
    """Renders the metrics for an ``Accept`` field: the text and its content type."""
    obstacles: Callable[[], Sequence[str]]
    """What stands in the way of being ready, in words; nothing when the front door is ready."""
    listen: Address
    """Where the admin API itself listens."""
    front: tuple[Address, ...]
    """Where the front door listens: no upstream may lead back there."""
    tokens: tuple[Token, ...] = ()
    """Without any, everybody who can connect is an admin called ``local``."""
    verdict: Callable[[str], Verdict | None] = _nothing_said
    """What the judge last said of the operation with that id; ``None``: nothing yet."""
    clock: Clock = field(default_factory=SystemClock)
    load: Callable[[str, Color], Load | None] = _nothing_known
    """What a color of a service had to do lately; ``None``: not known yet."""
    series: Callable[[str, int], Series] = _no_series
    """How the load of a service went, for so many looks at most."""
    settled_left: Callable[[str], int | None] = _nothing_said
    """How many users the operation with that id still leaves where they were; ``None``: it does not count them."""
    hook_commands: Callable[[], Sequence[str]] = _no_commands
    """The programs that a rolling deployment may run here, as the config file has them now."""
    baseline: Callable[[str], Tally | None] = _nothing_said
    """What the old color has done since the operation with that id began; ``None``: nobody judges it."""

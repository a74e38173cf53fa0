"""The routing table brought to life in one worker: pickers, idle connections and cells hang on it.

A new table is taken over as a whole. What belongs to an upstream that is in both (its idle connections, its streak of
errors, what is in flight there) is carried over.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from proxy.dataplane.accounting import Aside, ColorMeters, UpstreamMeters, cohort_meters
from proxy.dataplane.audience import Audience, gather
from proxy.dataplane.log_lines import place
from proxy.shm.board import BoardView
from proxy.shm.meters import SEEN, Meters
from proxy.traffic.balance import Picker, make_picker
from proxy.traffic.buckets import Places
from proxy.traffic.model import Cohort
from proxy.traffic.outlier import ErrorStreak
from proxy.traffic.retry import FailureReason, RetryBudget
from proxy.traffic.routes import Router
from proxy.traffic.spec import Color, DoorSpec, ResponseHeaders
from proxy.traffic.split import Splitter
from proxy.traffic.table import ComparedUpstream, RoutingTable, TablePool, TableService
from proxy.traffic.table_codec import TableDecoder
from proxy.upstream.pool import IdlePool


class LiveUpstream:
    """One server as this worker sees it."""

    __slots__ = ("address", "cohort", "idle", "in_flight", "meters", "place", "streak")

    def __init__(self, address: str, meters: UpstreamMeters, place: bytes) -> None:
        """``place`` is what the access log says of it."""
        self.address = address
        self.place = place
        self.meters = meters
        self.cohort: Aside | None = None
        """Where its requests are counted once more while it is compared with others of its pool."""
        self.streak: ErrorStreak | None = None
        self.in_flight = 0
        self.idle = IdlePool(address, self.surplus)

    def surplus(self) -> None:
        """It has sent bytes that belong to no answer. Nobody is harmed, for they go with their connection."""
        self.meters.failed(FailureReason.SURPLUS)


class LivePool:
    """One color of a service as this worker sees it."""

    __slots__ = ("color", "meters", "picker", "upstreams")

    def __init__(self, color: Color, meters: ColorMeters) -> None:
        self.color = color
        self.meters = meters
        self.picker: Picker[LiveUpstream] | None = None
        self.upstreams: dict[str, LiveUpstream] = {}


class LiveService:
    """One service as this worker sees it: how it splits, and the pools of both colors."""

    __slots__ = ("audience", "budget", "gated", "name", "places", "pools", "spec", "splitter")

    def __init__(self, spec: TableService, meters: Meters, places: Places) -> None:
        """``places`` are for newcomers."""
        self.name = spec.name
        self.spec = spec
        self.gated = False
        """Whether requests have to ask before they go on: the service is in maintenance, or holds them, or did."""
        self.splitter = Splitter()
        self.places = places
        self.audience: Audience | None = None
        """Who is given which color; ``None`` where the split alone says it."""
        self.budget = RetryBudget(spec.retry.budget)
        self.pools = {color: LivePool(color, ColorMeters(meters, spec.name, color)) for color in Color}


class Routing:
    """The table that this worker serves from, checked against the board before every request."""

    __slots__ = (
        "_decoder",
        "_meters",
        "_offset",
        "_routes",
        "_services",
        "_view",
        "door",
        "generation",
        "headers",
        "router",
        "trusted",
        "words",
    )

    def __init__(self, view: BoardView, meters: Meters, offset: int) -> None:
        """Take over the table that is on the board.

        Args:
            offset: this worker's number; it starts its circles there, so that workers do not move in step.

        Raises:
            BoardEmpty: there is none yet.
        """
        self._view = view
        self._meters = meters
        self._offset = offset
        self._decoder = TableDecoder()
        self._services: dict[str, LiveService] = {}
        self._routes: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.words = view.words
        self.generation = 0
        self.door = DoorSpec()
        self.headers: ResponseHeaders | None = None
        """What answers tell of how they were made; ``None``, as a rule: nothing."""
        self.router: Router[LiveService] = Router(())
        self.trusted: tuple[IPv4Network | IPv6Network, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Serve from the newest table. The supervisor is told before anything is routed by it."""
        generation, payload = self._view.read()
        self._take_over(self._decoder.decode(payload))
        self.generation = generation
        self._meters.cells[SEEN] = generation

    def serves(self, service: LiveService) -> bool:
        """Whether a service is in the table."""
        return self._services.get(service.name) is service

    def upstreams(self) -> Iterator[LiveUpstream]:
        """Every upstream of every service."""
        for service in self._services.values():
            for pool in service.pools.values():
                yield from pool.upstreams.values()

    def _take_over(self, table: RoutingTable) -> None:
        gone = set(self._services) - {spec.name for spec in table.services}
        for name in gone:
            for pool in self._services.pop(name).pools.values():
                _close_idle(pool, keep=())
        for spec in table.services:
            self._take_over_service(spec)
        routes = [(spec.name, _hosts(spec), spec.paths) for spec in table.services]
        if routes != self._routes:
            self._routes = routes
            self.router = Router((hosts, paths, self._services[name]) for name, hosts, paths in routes)
        if table.door is not self.door:
            self.door = table.door
            self.trusted = tuple(ip_network(cidr) for cidr in table.door.trusted_proxies)
            headers = table.door.response_headers
            self.headers = headers if headers.server_timing or headers.color else None

    def _take_over_service(self, spec: TableService) -> None:
        service = self._services.get(spec.name)
        fresh = service is None
        if service is None:
            service = self._services[spec.name] = LiveService(spec, self._meters, self._new_places())
        elif service.spec is spec:
            return
        before, service.spec = service.spec, spec
        if spec.hold is not None or spec.maintenance is not None:
            service.gated = True
        if before.retry != spec.retry:
            service.budget = RetryBudget(spec.retry.budget)
        service.audience = gather(spec, self._meters, service.splitter, service.places)
        for color, pool in service.pools.items():
            same = before.pool(color) == spec.pool(color) and _rules(before) == _rules(spec)
            if fresh or not same:
                self._fill(pool, spec)

    def _new_places(self) -> Places:
        return Places(secrets.randbits(64), self._offset)

    def _fill(self, pool: LivePool, spec: TableService) -> None:
        table = spec.pool(pool.color)
        cohorts = self._cohorts(table, pool, spec)
        upstreams: dict[str, LiveUpstream] = {}
        for entry in table:
            upstream = pool.upstreams.get(entry.address) or self._new_upstream(entry.address, pool, spec)
            upstream.streak = _streak(upstream.streak, spec.consecutive_errors)
            upstream.cohort = cohorts[entry.cohort] if isinstance(entry, ComparedUpstream) else None
            upstreams[entry.address] = upstream
        _close_idle(pool, keep=upstreams)
        pool.upstreams = upstreams
        items = [(upstreams[entry.address], entry.weight) for entry in table]
        pool.picker = make_picker(spec.balance, items, self._offset) if items else None

    def _cohorts(self, table: TablePool, pool: LivePool, spec: TableService) -> dict[Cohort, Aside | None]:
        found = {entry.cohort for entry in table if isinstance(entry, ComparedUpstream)}
        return {each: cohort_meters(self._meters, spec.name, pool.color, each) if each else None for each in found}

    def _new_upstream(self, address: str, pool: LivePool, spec: TableService) -> LiveUpstream:
        meters = UpstreamMeters(self._meters, spec.name, pool.color, address)
        return LiveUpstream(address, meters, place(spec.name, pool.color.value, address))


def _hosts(spec: TableService) -> tuple[str, ...]:
    """Those of users, and those at which testers see one color."""
    preview = spec.preview
    if preview is None:
        return spec.hosts
    return spec.hosts + tuple(host for host in (preview.blue_host, preview.green_host) if host is not None)


def _rules(spec: TableService) -> tuple[object, ...]:
    return spec.balance, spec.consecutive_errors


def _streak(before: ErrorStreak | None, consecutive: int | None) -> ErrorStreak | None:
    if consecutive is None:
        return None
    return before if before is not None and before.limit == consecutive else ErrorStreak(consecutive)


def _close_idle(pool: LivePool, keep: dict[str, LiveUpstream] | tuple[()]) -> None:
    for address, upstream in pool.upstreams.items():
        if address not in keep:
            upstream.idle.close()

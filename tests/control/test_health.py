from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.control.controller import Controller
from proxy.control.health import HealthMonitor
from proxy.logs.log import EventLog
from proxy.traffic.commands import ChangeUpstream, Configure, RemoveUpstream
from proxy.traffic.model import Health
from proxy.traffic.spec import AdminState, Color, DoorSpec, HealthCheck, ServiceSpec, UpstreamSpec
from tests.control.checked import Checked, checked
from tests.control.core import running_core, tasks, until

OFTEN = HealthCheck(interval=0.01, timeout=1.0, rise=1, fall=2)
NEVER_AGAIN = HealthCheck(interval=3600.0, timeout=1.0)


def shop(one: Checked, two: Checked, check: HealthCheck) -> ServiceSpec:
    """A service with one upstream of each color."""
    return ServiceSpec("shop", (UpstreamSpec(one.address),), (UpstreamSpec(two.address),), health=check)


@asynccontextmanager
async def monitored(tmp_path: Path, spec: ServiceSpec) -> AsyncIterator[tuple[Controller, HealthMonitor]]:
    """A core whose upstreams are probed for real."""
    with (tmp_path / "log").open("wb") as file:
        async with running_core(tmp_path / "state.db", spec, healthy=False) as core:
            monitor = HealthMonitor(core.controller, EventLog(file.fileno()))
            monitor.start()
            yield core.controller, monitor
            await monitor.stop()
            assert tasks("health of") == []


def health(controller: Controller, color: Color) -> Health:
    """The verdict on the first upstream of a color."""
    return controller.state.services["shop"].pool(color)[0].health


@pytest.fixture
async def blue() -> AsyncIterator[Checked]:
    """The blue server."""
    async with checked() as server:
        yield server


@pytest.fixture
async def green() -> AsyncIterator[Checked]:
    """The green server, which is not well."""
    async with checked() as server:
        server.status(503)
        yield server


async def test_the_first_round_comes_at_once_and_verdicts_follow(tmp_path: Path, blue: Checked, green: Checked) -> None:
    """Both colors are probed, the idle one too, and a change is noticed."""
    async with monitored(tmp_path, shop(blue, green, OFTEN)) as (controller, monitor):
        await until(lambda: health(controller, Color.BLUE) is Health.HEALTHY)
        await until(lambda: health(controller, Color.GREEN) is Health.UNHEALTHY)
        green.status(200)
        await until(lambda: health(controller, Color.GREEN) is Health.HEALTHY)

        assert monitor.checks["shop", "blue", blue.address, "ok"] >= 1
        assert monitor.checks["shop", "green", green.address, "status"] >= 1
    log = (tmp_path / "log").read_text()
    assert log.count("upstream_unhealthy") == 1, "told once, not at every probe"


async def test_maintenance_is_left_alone_and_ready_comes_back_through_a_check(
    tmp_path: Path, blue: Checked, green: Checked
) -> None:
    """Nobody is probed while an operator works on it; what was known before does not count afterwards."""
    async with monitored(tmp_path, shop(blue, green, OFTEN)) as (controller, _):
        await until(lambda: health(controller, Color.GREEN) is Health.UNHEALTHY)
        address = green.address
        await controller.execute(ChangeUpstream("shop", Color.GREEN, address, admin=AdminState.MAINT), by="ada")
        assert tasks(f"health of {address}") == [] or await _ended(address)
        green.status(200)
        asked = len(green.asked)
        assert health(controller, Color.GREEN) is Health.UNKNOWN

        await controller.execute(ChangeUpstream("shop", Color.GREEN, address, admin=AdminState.READY), by="ada")

        await until(lambda: health(controller, Color.GREEN) is Health.HEALTHY)
        assert len(green.asked) > asked


async def _ended(address: str) -> bool:
    await until(lambda: tasks(f"health of {address}") == [])
    return True


async def test_another_path_or_interval_counts_from_the_next_probe(
    tmp_path: Path, blue: Checked, green: Checked
) -> None:
    """A reload that changes the check starts it anew, and once only."""
    async with monitored(tmp_path, shop(blue, green, NEVER_AGAIN)) as (controller, _):
        await until(lambda: health(controller, Color.BLUE) is Health.HEALTHY)
        other = HealthCheck(path="/other", interval=0.01, timeout=1.0)
        await controller.execute(Configure(DoorSpec(), (shop(blue, green, other),)), by="ada")

        await until(lambda: blue.asked[-1].startswith(b"GET /other "))
        await until(lambda: len(tasks("health of")) == 2)
        assert health(controller, Color.BLUE) is Health.HEALTHY, "what is known stays known"


async def test_a_removed_upstream_is_probed_no_more(tmp_path: Path, blue: Checked, green: Checked) -> None:
    """Its watch ends with it."""
    async with monitored(tmp_path, shop(blue, green, OFTEN)) as (controller, monitor):
        await until(lambda: green.asked != [])
        await controller.execute(RemoveUpstream("shop", Color.GREEN, green.address), by="ada")
        await until(lambda: tasks(f"health of {green.address}") == [])
        monitor.probe_now("shop", Color.GREEN, green.address)  # a worker that complains too late disturbs nobody


async def test_doubt_does_not_wait_for_the_rhythm(tmp_path: Path, blue: Checked, green: Checked) -> None:
    """A probe is made at once when real requests fail."""
    async with monitored(tmp_path, shop(blue, green, NEVER_AGAIN)) as (controller, monitor):
        await until(lambda: health(controller, Color.BLUE) is Health.HEALTHY)
        asked = len(blue.asked)

        monitor.probe_now("shop", Color.BLUE, blue.address)

        await until(lambda: len(blue.asked) > asked)


async def test_the_first_round_is_over_when_every_upstream_has_been_probed(
    tmp_path: Path, blue: Checked, green: Checked
) -> None:
    """Whoever waits for it finds a verdict on each upstream, good or bad."""
    async with monitored(tmp_path, shop(blue, green, NEVER_AGAIN)) as (controller, monitor):
        await monitor.first_round(30.0)

        assert (health(controller, Color.BLUE), health(controller, Color.GREEN)) == (Health.HEALTHY, Health.UNHEALTHY)


async def test_a_doubt_that_comes_true_takes_fall_probes_and_no_interval(
    tmp_path: Path, blue: Checked, green: Checked
) -> None:
    """An upstream on which real requests fail is probed again and again until it is known to be bad."""
    async with monitored(tmp_path, shop(blue, green, NEVER_AGAIN)) as (controller, monitor):
        await until(lambda: health(controller, Color.BLUE) is Health.HEALTHY)
        blue.status(503)

        monitor.probe_now("shop", Color.BLUE, blue.address)

        await until(lambda: health(controller, Color.BLUE) is Health.UNHEALTHY)

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.control.controller import Controller
from proxy.control.ejections import Ejections
from proxy.control.health import HealthMonitor
from proxy.ipc.messages import Suspect
from proxy.logs.log import EventLog
from proxy.traffic.commands import RemoveUpstream
from proxy.traffic.spec import Color, OutlierRule, ServiceSpec, UpstreamSpec
from tests.control.core import running_core, tasks, until

BLUE = ("a:1", "a:2", "a:3", "a:4")


@dataclass(frozen=True)
class Court:
    """Ejections of a service with four blue upstreams, of which half may be out."""

    controller: Controller
    ejections: Ejections
    log: Path

    def accuse(self, *addresses: str) -> None:
        """Complain of some upstreams, all at the same moment."""
        for address in addresses:
            self.ejections.suspect(Suspect("shop", Color.BLUE, address, "refused"))

    def out(self) -> list[str]:
        """Who is out."""
        return [each.address for each in self.controller.state.services["shop"].blue if each.ejected]

    def told(self, event: str) -> int:
        """How often something was told."""
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()].count(event)


async def opened(tmp_path: Path, rule: OutlierRule | None) -> AsyncIterator[Court]:
    """A court that closes with the test."""
    blue = tuple(map(UpstreamSpec, BLUE))
    spec = ServiceSpec("shop", blue, (UpstreamSpec("b:1"),), health=None, outlier=rule)
    path = tmp_path / "log"
    with path.open("wb") as file:
        log = EventLog(file.fileno())
        async with running_core(tmp_path / "state.db", spec, healthy=False) as core:
            ejections = Ejections(core.controller, HealthMonitor(core.controller, log), log)
            yield Court(core.controller, ejections, path)
            await ejections.stop()
            assert tasks("ejection") == []


@pytest.fixture
async def court(tmp_path: Path) -> AsyncIterator[Court]:
    """Whoever is out stays out."""
    async for court in opened(tmp_path, OutlierRule(eject_for=3600.0, max_ejected=0.5)):
        yield court


@pytest.fixture
async def mild(tmp_path: Path) -> AsyncIterator[Court]:
    """Whoever is out comes back at once."""
    async for court in opened(tmp_path, OutlierRule(eject_for=0.5, max_ejected=0.5)):
        yield court


async def test_no_more_are_ejected_than_allowed_however_many_are_accused_together(court: Court) -> None:
    """Complaints of the same moment do not each count on the others staying."""
    court.accuse(*BLUE)

    await until(lambda: court.told("ejection_withheld") == 2)
    assert court.out() == ["a:1", "a:2"]


async def test_many_complaints_make_one_ejection(court: Court) -> None:
    """Every worker complains, and one of the complaints is enough."""
    for _ in range(50):
        court.accuse("a:3")

    await until(lambda: court.out() == ["a:3"])
    assert court.told("upstream_ejected") == 1


async def test_busy_workers_do_not_flood_the_log(court: Court) -> None:
    """An upstream that has to stay is complained of with every request; that is told now and then."""
    court.accuse("a:1", "a:2")
    await until(lambda: len(court.out()) == 2)
    for _ in range(100):
        court.accuse("a:3")

    await until(lambda: court.told("ejection_withheld") == 1)


async def test_an_ejection_ends(mild: Court) -> None:
    """After its time the upstream is let in, and may be ejected again."""
    for time in (1, 2):
        mild.accuse("a:1")
        await until(lambda: mild.told("upstream_ejected") == time)  # noqa: B023 - looked at in this round alone
        await until(lambda: mild.told("upstream_restored") == time)  # noqa: B023
        await until(lambda: mild.out() == [] and tasks("ejection") == [])


async def test_a_removed_upstream_is_not_brought_back(mild: Court) -> None:
    """What was removed while it was out is not spoken of again."""
    mild.accuse("a:1")
    await until(lambda: mild.out() == ["a:1"])
    await mild.controller.execute(RemoveUpstream("shop", Color.BLUE, "a:1"), by="ada")

    await until(lambda: tasks("ejection") == [])

    assert mild.told("upstream_restored") == 0


async def test_what_is_not_there_cannot_be_ejected(court: Court) -> None:
    """A complaint that comes too late, of an upstream or a whole service, is heard and no more."""
    court.ejections.suspect(Suspect("gone", Color.BLUE, "a:1", "refused"))
    court.accuse("x:9", "a:1")

    await until(lambda: court.out() == ["a:1"])


async def test_without_a_rule_nobody_is_ejected(tmp_path: Path) -> None:
    """The rule can be left out of the config."""
    async for court in opened(tmp_path, None):
        court.accuse("a:1")
        await until(lambda: tasks("ejection") != [])
        assert court.out() == []

"""Rolling deployments of real processes under load: a hook kills the servers of a batch and starts them anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.harness.load import Load
from tests.harness.mix import Mix
from tests.harness.processes import wait_until
from tests.harness.program import Program
from tests.harness.servers import Servers
from tests.harness.steady import Steady
from tests.system.rolling import Lookout, guests, in_rotation, kept_out, stages, start_roll, wait_stage
from tests.system.shifts import wait_over, wait_paused

MIX = Mix(keep_alive=3, one_shot=2, posts=3, uploads=1, slow=4, streams=1, websockets=2, events=0, pause=0.05)
WEBSOCKETS = 12
UNHEALTHY = {"healthy": False}
HASTY: dict[str, Any] = {"health": {"consecutive": 2, "timeout": "1s"}, "slow_start": "0s"}
GOING_AWAY = b"\x03\xe9"  # 1001, RFC 6455 section 7.4.1


@pytest.mark.system
@pytest.mark.paced
def test_six_servers_are_replaced_and_nobody_notices(door: Program, servers: Servers) -> None:
    """Two at a time: 0 failed requests, never fewer than four in rotation, every server from v1 to v2 and not back, one
    connection for one client throughout, and WebSockets end in order at the deadline of their server's drain."""
    with guests(door, websockets=WEBSOCKETS) as came, Lookout(door) as lookout, Load(door.door, MIX) as load:
        load.wait_for(100)
        wait_until(lambda: len(came.sessions) == WEBSOCKETS, timeout=10, what="every WebSocket")
        plan: dict[str, Any] = {
            "batch": 2,
            "first_batch": {"size": 2, "watch": "300ms"},
            "detect": {"header": "X-Version"},
        }
        roll = start_roll(door, min_available=4, drain_timeout="500ms", update=servers.update(), **plan)
        over = wait_over(door, roll, timeout=60)
        load.wait_for(100)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
        wait_until(lambda: came.visits[-1].version == "v2", timeout=5, what="v2")
    print(report, over["receipt"])
    assert (over["state"], over["note"]) == ("succeeded", None), over
    assert not report.breaches(), str(report)
    assert (came.troubles, came.connections) == ([], 1)
    assert len(came.visits) > 200
    assert came.backwards() == []
    assert [server.starts for server in servers.blue] == [["v1", "v2"]] * 6
    assert [words[2:4] for words in servers.hooks() if words[0] == "begin"] == [[str(n), "v2"] for n in (1, 2, 3)]
    assert min(lookout.seen) == 4, sorted(set(lookout.seen))
    assert servers.most_down() <= 2
    assert servers.unfinished() == []
    _judge_websockets(came.sessions, over["receipt"])


def _judge_websockets(sessions: list[Any], receipt: dict[str, Any]) -> None:
    old = [session for session in sessions if session.version == "v1"]
    assert all(session.how.startswith(f"closed by the other side: {GOING_AWAY!r}"[:-1]) for session in old), old
    assert {session.how for session in sessions if session.version == "v2"} == {""}, sessions
    assert receipt["cut_by_proxy"] == len(old) >= WEBSOCKETS, receipt
    assert (receipt["failed"], receipt["dropped"], receipt["cut_by_client"]) == (0, 0, 0), receipt
    assert receipt["in_flight_at_flip"] == receipt["finished_on_old"] + receipt["cut_by_proxy"], receipt


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"moods": {"v2": UNHEALTHY}}], indirect=True, ids=["unhealthy"])
def test_a_version_that_never_gets_healthy_reaches_nobody(door: Program, servers: Servers) -> None:
    """Only the first batch is touched, and stays out; not one request reaches it, and 0 fail."""
    with Load(door.door, MIX) as load:
        load.wait_for(100)
        over = wait_over(door, start_roll(door, update=servers.update(), batch=2, **HASTY), timeout=30)
        load.wait_for(100)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    first, *others = servers.blue
    assert (over["state"], first.starts, kept_out(door)) == ("failed", ["v1", "v2"], [first.address]), over
    assert f"{first.address} was not healthy 2 times in a row within 1 s" in over["note"], over
    assert "v2" not in {note.version for note in first.notes("begin")}
    assert [server.starts for server in others] == [["v1"]] * 5
    assert not report.breaches(), str(report)
    assert servers.unfinished() == []


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 3}], indirect=True, ids=["three"])
def test_a_restore_undoes_every_batch_in_reverse(door: Program, servers: Servers) -> None:
    """The second server does not get healthy with v2: it has v1 again, and then so has the first; 0 requests fail."""
    with Load(door.door, MIX) as load, Lookout(door) as lookout:
        load.wait_for(100)
        plan: dict[str, Any] = {"min_available": 2, "on_failure": "restore", **HASTY}
        roll = start_roll(door, update=servers.update(), **plan)
        wait_stage(door, roll, "warming", "watched", batch=1)
        servers.set_moods({"v2": UNHEALTHY})
        over = wait_over(door, roll, timeout=30)
        load.wait_for(100)
        report = dataclasses.replace(load.stop(), duplicates=servers.duplicates())
    first, second, third = servers.blue
    assert (over["state"], kept_out(door), in_rotation(door.service())) == ("rolled_back", [], 3), over
    assert [server.starts for server in servers.blue] == [["v1", "v2", "v1"], ["v1", "v2", "v1"], ["v1"]]
    assert [(words[1], words[-1]) for words in servers.hooks() if words[0] == "begin"] == [
        ("update", first.address),
        ("update", second.address),
        ("restore", second.address),
        ("restore", first.address),
    ]
    assert third.address not in str(servers.hooks())
    assert min(lookout.seen) == 2, sorted(set(lookout.seen))
    assert not report.breaches(), str(report)
    assert servers.unfinished() == []


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"moods": {"v2": {"fail_every": 10}}}], indirect=True, ids=["failing"])
def test_a_version_that_answers_badly_is_found_in_the_first_batch(door: Program, servers: Servers) -> None:
    """It is healthy, and every tenth answer is a 500: users see these and nothing else, the receipt has each of them,
    the judge says why it ends, and v1 is put back."""
    with Steady(door.door, rate=300) as load:
        wait_until(lambda: len(load.asked) > 300, timeout=10, what="some requests")
        plan: dict[str, Any] = {"judge": True, "first_batch": {"size": 1, "watch": "1m"}, "on_failure": "restore"}
        over = wait_over(door, start_roll(door, update=servers.update(), **plan), timeout=40)
        until = len(load.asked) + 300
        wait_until(lambda: len(load.asked) > until, timeout=10, what="more requests")
    first, *others = servers.blue
    assert load.statuses().keys() == {200, 500}, load.statuses()
    assert load.statuses()[500] == over["receipt"]["errors_on_new"] > 0, over
    assert over["receipt"]["served_by_new"] == sum(note.version == "v2" for note in first.notes("end")), over
    assert over["receipt"]["errors_on_old"] == 0, over
    assert (over["state"], first.starts, kept_out(door)) == ("rolled_back", ["v1", "v2", "v1"], []), over
    assert "5xx" in over["note"], over
    assert [server.starts for server in others] == [["v1"]] * 5


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 3, "moods": {"v2": {"dies_after": 100}}}], indirect=True, ids=["dying"])
def test_a_version_that_dies_while_it_is_watched_is_taken_back(door: Program, servers: Servers) -> None:
    """It was healthy, and is gone after some answers: v1 is put back there, the others are not touched, and 0 requests
    fail of those that may be repeated."""
    with Steady(door.door, rate=150) as load:
        plan: dict[str, Any] = {"first_batch": {"size": 1, "watch": "1m"}, "on_failure": "restore"}
        over = wait_over(door, start_roll(door, update=servers.update(), **plan), timeout=40)
    first, *others = servers.blue
    assert load.statuses().keys() == {200}, load.statuses()
    assert (over["state"], first.starts, kept_out(door)) == ("rolled_back", ["v1", "v2", "v1"], []), over
    assert f"{first.address} " in over["note"], over
    assert [server.starts for server in others] == [["v1"]] * 2


@pytest.mark.system
@pytest.mark.paced
@pytest.mark.parametrize("servers", [{"blue": 3}], indirect=True, ids=["three"])
def test_a_batch_waits_while_another_server_is_down(door: Program, servers: Servers) -> None:
    """One that is done already dies while a batch is out: that batch comes back, and no other begins until there is
    room again; 0 requests fail of those that may be repeated."""
    victim = servers.blue[0]
    mix = dataclasses.replace(MIX, posts=0, uploads=0, streams=0, websockets=0)
    with Load(door.door, mix) as load, Lookout(door) as lookout:
        load.wait_for(100)
        roll = start_roll(door, min_available=2, update=servers.update(pause=0.5))
        wait_stage(door, roll, "draining", "updating", batch=2)
        victim.kill()
        waiting = wait_paused(door, roll)
        assert waiting["rollout"]["hindrance"] == "capacity", waiting
        assert "2 of 3" in waiting["note"], waiting
        assert stages(door, roll) == ["done", "done", "serving"]
        servers.start("v2", victim)
        over = wait_over(door, roll, timeout=40)
        report = load.stop()
    assert over["state"] == "succeeded"
    assert [server.starts for server in servers.blue] == [["v1", "v2", "v2"], ["v1", "v2"], ["v1", "v2"]]
    assert min(lookout.seen) >= 1, "one only because another died by itself"
    assert not report.breaches(), str(report)

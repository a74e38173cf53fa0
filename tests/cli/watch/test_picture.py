from __future__ import annotations

import re
import time
from typing import Any

import pytest

from proxy.cli.admin_client import AdminClient
from proxy.cli.context import Common
from proxy.cli.terminal import Page
from proxy.cli.watch.looking import Look
from proxy.cli.watch.picture import Picture, Room, share_out
from tests.cli.scripted import entry, load, operation, roll, server, service, shift, upstream

SIZES = [(80, 24), (120, 40), (60, 20), (100, 10), (30, 6)]


def drawn(look: Look, size: tuple[int, int] = (80, 24), trouble: str | None = None) -> list[str]:
    """The lines of a picture on a terminal of that size."""
    page, common = Page(), Common(AdminClient("127.0.0.1:9", None), None, None, "table")
    options = page.options.update(width=size[0], height=size[1])
    text = "".join(segment.text for segment in page.render(Picture(common, page, look, trouble), options))
    return [line.rstrip() for line in text.removesuffix("\n").split("\n")]


def a_look(*services: dict[str, Any], **facts: Any) -> Look:
    """Of these, with a load and a history."""
    entries = tuple(entry(number) for number in range(20, 0, -1))
    return Look(**{"at": time.time(), "services": list(services), "load": load(), "entries": entries, **facts})


def busy() -> dict[str, Any]:
    """A service with a shift that waits, and many upstreams, some in trouble."""
    many = [upstream(f"10.0.{number // 250}.{number % 250}:80") for number in range(991)]
    many[500]["health"] = "unhealthy"
    many[900]["health"] = "ejected"
    pools = {"blue": {"in_flight": {"requests": 3, "tunnels": 2}, "upstreams": many[:500]}}
    pools["green"] = {"in_flight": {"requests": 1, "tunnels": 0}, "upstreams": many[500:]}
    judge = {"words": "too little to tell", "finding": "inconclusive"}
    return service(operation=shift(judge=judge), pools=pools, split={"blue": 95.0, "green": 5.0})


@pytest.mark.parametrize("size", SIZES)
def test_it_fits(size: tuple[int, int]) -> None:
    """No more lines and no longer ones than the terminal has, and what matters most is there."""
    lines = drawn(a_look(busy()), size)
    assert len(lines) <= size[1]
    assert max(len(line) for line in lines) <= size[0]
    assert "default is serving, live is blue" in " ".join(lines)


def test_all_of_it() -> None:
    """On an ordinary terminal: split, numbers, what runs, upstreams and history."""
    lines = drawn(a_look(busy()), (80, 26))
    assert lines[1].startswith("blue 95.00 %  █")
    assert lines[1].endswith("▒   5.00 % green")
    rows = {re.split(r" {2,}", line)[0]: line for line in lines}
    assert "84" in rows["requests/s"]
    assert re.search(r"errors +0.3 %.* 10 % ", rows["errors"])
    assert re.search(r"p99 +48 ms .* 480 ms ", rows["p99"])
    assert rows["long-lived"].split() == ["long-lived", "2", "0"]
    text = "\n".join(lines)
    assert "shift op-1 is shifting: green 0 % -> 100 %, by local" in text
    assert "[5] > 50 > 100 %" in text
    assert "green 5 % of 100 %, step 1 of 3, 4 min left\njudge: too little to tell\n" in text
    assert text.endswith("local  switch  green 0 % -> 100 %")


def test_the_troubled_ones_first() -> None:
    """Of a thousand upstreams those are shown that need somebody, and all others are counted."""
    lines = drawn(a_look(busy()))
    first = next(place for place, line in enumerate(lines) if line.startswith("color  upstream"))
    assert [line.split()[:3] for line in lines[first + 1 : first + 3]] == [
        ["green", "10.0.2.0:80", "unhealthy"],
        ["green", "10.0.3.150:80", "ejected"],
    ]
    more = next(line for line in lines if line.startswith("and "))
    shown = lines.index(more) - first - 1
    assert more == f"and {991 - shown} more: all healthy"
    assert drawn(a_look(busy()), (80, 13))[-1].startswith("991 upstreams: 1 unhealthy, 1 ejected, 989 healthy")


def test_servers_that_are_being_updated_come_first() -> None:
    """Those of the batch, with how far they are; a server that is done is like any other."""
    where = service(operation=roll(server("127.0.0.1:9001", "done"), server("127.0.0.1:9002", "updating")))
    stages = {"127.0.0.1:9001": "done", "127.0.0.1:9002": "updating"}
    where["pools"]["blue"]["upstreams"] = [upstream(address, stage=stage) for address, stage in stages.items()]
    lines = drawn(a_look(where))
    place = next(place for place, line in enumerate(lines) if line.startswith("color"))
    assert lines[place + 1].split()[1::4] == ["127.0.0.1:9002", "updating"]
    assert any("1 of 2 done" in line for line in lines)


def test_a_drain() -> None:
    """What is left of what was in flight, and when it is cut, by the clock of the front door."""
    running = operation("running")
    running["progress"].update(in_flight=1, tunnels=2, deadline_at=1_000_009.4, tunnels_deadline_at=1_000_279.4)
    lines = drawn(a_look(service(operation=running), skew=1_000_000 - time.time()), (120, 24))
    assert any("1 request, 2 long-lived left, cut in 9 s and in 279 s" in line for line in lines)
    assert any(line.endswith("  4 of 7 over") for line in lines)


def test_what_runs_beside_the_traffic() -> None:
    """A hold, or the drain of one upstream, is the newest operation though it does not move the service's traffic."""
    hold = operation("running", kind="hold", leaving=[], reason="migration")
    hold["progress"]["phase"] = "holding"
    assert any("hold op-1 is holding: new requests wait" in line for line in drawn(a_look(service(), last=hold)))


def test_how_the_last_operation_went() -> None:
    """While nothing runs: what it did, whether anything was lost, and where to read more."""
    text = " ".join(drawn(a_look(service(), last=operation())))
    assert "op-1 succeeded: green 0 % -> 100 %; 0 dropped; 7 of 7 in flight finished: `bluegreen receipts`" in text


def test_a_front_door_that_tells_no_load() -> None:
    """What is not known is a dash, and nothing is drawn of it."""
    lines = drawn(a_look(service(), load=None, entries=()))
    assert next(line for line in lines if line.startswith("p99")).split() == ["p99", "-", "-"]


def test_trouble_stands_above() -> None:
    """Why nothing newer is known, and the picture below it."""
    lines = drawn(a_look(busy()), (80, 24), trouble="nobody answers")
    assert (lines[0], "live is" in lines[1], len(lines)) == ("nobody answers", True, 24)


def test_several_services() -> None:
    """A line each; where there are more than lines, those come first where something is going on."""
    calm = [service(f"shop-{number}") for number in range(30)]
    ill = service("ill")
    ill["pools"]["blue"]["upstreams"][0]["health"] = "unhealthy"
    lines = drawn(a_look(*calm, ill, service("moving", operation=shift()), service("parked", state="held")))
    assert len(lines) == 24
    assert [line.split()[0] for line in lines[1:5]] == ["moving", "parked", "ill", "shop-0"]
    assert "shift op-1: green 5 % of 100" in lines[1]
    assert lines[-2:] == ["and 12 more", "one of them: `bluegreen status --watch --service NAME`"]
    assert len(drawn(a_look(*calm), (80, 40))) == 32


@pytest.mark.parametrize(
    ("room", "given"),
    [
        (40, Room(numbers=7, upstreams=11, history=9, air=4)),
        (22, Room(numbers=7, upstreams=8, history=3, air=4)),
        (16, Room(numbers=7, upstreams=7, history=2, air=0)),
        (9, Room(numbers=5, upstreams=4, history=0, air=0)),
        (6, Room(numbers=5, upstreams=1, history=0, air=0)),
        (3, Room(numbers=0, upstreams=3, history=0, air=0)),
        (-1, Room(numbers=0, upstreams=0, history=0, air=0)),
    ],
)
def test_lines_are_shared_out(room: int, given: Room) -> None:
    """Numbers first, then enough upstreams, some history, air, and more of what there is most of."""
    assert share_out(room, short=5, full=7, upstreams=11, history=9) == given

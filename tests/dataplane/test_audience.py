"""Who is given which color, over real sockets: users who stay, testers who look ahead, and what is counted of them."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.control.tallies import read_tally, settled_users
from proxy.dataplane.audience import is_tester
from proxy.http1.request import read_request
from proxy.shm.names import Series
from proxy.shm.totals import MeterTotals
from proxy.traffic.audience import CookieAttributes, PreviewRule, Settled, StickyBy, StickyRule
from proxy.traffic.buckets import service_key
from proxy.traffic.sessions import Seal, Session
from proxy.traffic.spec import AccessLogFormat, Color
from proxy.traffic.table import TableService
from tests.dataplane.conftest import SERVICE, Front, StartFront, entry
from tests.harness import faults
from tests.harness.faults import Peer

KEY = service_key("5a" * 32, "default")
SEAL = Seal(bytes.fromhex(KEY))
BY_COOKIE = replace(SERVICE, key=KEY, sticky=StickyRule(StickyBy.COOKIE, "bg_user"))
GUARD = "s3cret"
PREVIEW = PreviewRule(green_host="green.example", token=GUARD)


async def blue(peer: Peer) -> None:
    """A server of blue."""
    while True:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nblue ")


async def green(peer: Peer) -> None:
    """A server of green."""
    while True:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngreen")


class Site:
    """A front door before one server of each color."""

    def __init__(self, front: Front, servers: list[faults.FaultServer]) -> None:
        self.front = front
        self.pools = {"blue": (entry(servers[0]),), "green": (entry(servers[1]),)}
        self.servers = servers

    def publish(self, service: TableService, **changes: Any) -> None:
        """Serve by other rules from now on."""
        self.front.publish(replace(service, **{**self.pools, **changes}))

    async def get(self, *fields: str, host: str = "a", path: str = "/") -> tuple[str, str]:
        """The color of an answer, or its status where none came, and the answer's head."""
        async with self.front.client() as client:
            lines = "".join(f"{field}\r\n" for field in fields)
            client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n".encode())
            head, _, body = (await client.rest()).decode().partition("\r\n\r\n")
            return (body.strip() if head.startswith("HTTP/1.1 200") else head.split()[1]), head

    async def color(self, *fields: str, host: str = "a") -> str:
        """The color that answers."""
        return (await self.get(*fields, host=host))[0]


StartSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start_site(start_front: StartFront) -> StartSite:
    """Starts a front door before a blue server and a green one."""

    async def start(service: TableService, **changes: Any) -> Site:
        site = Site(*await start_front([blue], [green]))
        site.publish(service, **changes)
        return site

    return start


def cookie_in(head: str) -> str | None:
    """The value of our cookie that an answer sets."""
    match = re.search(r"Set-Cookie: bg_user=([^;\r]*)", head)
    return match[1] if match else None


def sent(session: Session, seal: Seal = SEAL) -> str:
    """A session as a browser sends it."""
    return f"Cookie: theme=dark; bg_user={seal.write(session).decode()}"


def at(place: int, *, began: float | None = None) -> Session:
    """A user at a place, who came just now if nothing else is said."""
    now = int(time.time() if began is None else began)
    return Session(place * 7919, now, now, place)


async def test_a_user_is_given_a_cookie_once_and_stays_where_it_says(start_site: StartSite) -> None:
    """The first answer sets it, later ones do not, and its bearer stays on one color while others are dealt others."""
    site = await start_site(BY_COOKIE, split=5_000)
    first, head = await site.get()
    value = cookie_in(head)
    assert value is not None
    assert "; Path=/; HttpOnly; SameSite=Lax\r\n" in head + "\r\n"
    for _ in range(5):
        color, head = await site.get(f"Cookie: bg_user={value}")
        assert (color, cookie_in(head)) == (first, None)
    assert {await site.color() for _ in range(4)} == {"blue", "green"}


async def test_newcomers_are_dealt_their_share(start_site: StartSite) -> None:
    """Of twenty newcomers at 25 % five are green, give or take two."""
    site = await start_site(BY_COOKIE, split=2_500)
    colors = [await site.color() for _ in range(20)]
    assert 3 <= colors.count("green") <= 7


async def test_users_only_move_forward_while_the_share_grows(start_site: StartSite) -> None:
    """Each user reaches green when the share reaches its place, and all return when it falls to nothing."""
    site = await start_site(BY_COOKIE)
    users = [sent(at(place)) for place in (0, 999, 1_000, 9_999)]
    seen = []
    for split in (0, 1, 1_000, 1_001, 9_999, 10_000, 0):
        site.publish(BY_COOKIE, split=split)
        seen.append([await site.color(user) for user in users].count("green"))
    assert seen == [0, 1, 2, 3, 3, 4, 0]


def forged(session: Session) -> bytes:
    """A session whose code somebody has changed."""
    value = SEAL.write(session)
    return value[:-1] + (b"-" if value.endswith(b"_") else b"_")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(forged(at(1)), id="forged"),
        pytest.param(Seal(bytes.fromhex(service_key("5a" * 32, "blog"))).write(at(1)), id="of another service"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_a_cookie_that_is_not_ours_is_none(start_site: StartSite, value: bytes) -> None:
    """Its bearer is a newcomer and gets another one, whatever place it claims."""
    site = await start_site(BY_COOKIE, split=5_000)
    answers = [await site.get(f"Cookie: bg_user={value.decode()}") for _ in range(4)]
    assert {color for color, _ in answers} == {"blue", "green"}
    assert len({cookie_in(head) for _, head in answers} - {None}) == 4


@pytest.mark.parametrize("other", ["", forged(at(1)).decode(), "bg1." + "x" * 36], ids=["empty", "forged", "noise"])
@pytest.mark.parametrize("between", ["; ", "\r\nCookie: "])
async def test_a_cookie_of_ours_is_found_behind_others(start_site: StartSite, other: str, between: str) -> None:
    """A browser also sends one that a parent domain or another path has, and maybe first."""
    site = await start_site(BY_COOKIE, split=5_000)
    for place, color in ((1, "green"), (9_999, "blue")):
        ours = SEAL.write(at(place)).decode()
        for _ in range(3):
            seen, head = await site.get(f"Cookie: bg_user={other}{between}bg_user={ours}")
            assert seen == color
            assert cookie_in(head) is None


async def test_an_application_that_names_its_users_is_followed(start_site: StartSite) -> None:
    """A value of its own decides, no cookie is added to it, and over all values green has about its share."""
    site = await start_site(BY_COOKIE, split=5_000)
    colors = []
    for number in range(30):
        color, head = await site.get(f"Cookie: bg_user=session-{number}")
        assert cookie_in(head) is None
        colors.append(color)
        assert await site.color(f"Cookie: bg_user=session-{number}") == color
    assert 5 <= colors.count("green") <= 25


async def test_no_cookie_beside_one_that_the_upstream_sets(start_front: StartFront) -> None:
    """The application's cookie of that name is left alone; what it sets beside that is no hindrance."""

    async def both(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await peer.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: bg_user=mine\r\nContent-Length: 0\r\n\r\n")
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: lang=en\r\nContent-Length: 0\r\n\r\n")

    front, _ = await start_front([both], service=BY_COOKIE)
    async with front.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"Set-Cookie" not in await client.head()
        assert (await client.head()).count(b"Set-Cookie: ") == 1
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.head()).count(b"Set-Cookie: ") == 2


async def test_an_answer_of_our_own_sets_no_cookie(start_site: StartSite) -> None:
    """Whoever was not served is a newcomer the next time too."""
    site = await start_site(BY_COOKIE, blue=(), green=())
    status, head = await site.get()
    assert (status, cookie_in(head)) == ("503", None)


@pytest.mark.parametrize("age", [600, -5000])
async def test_a_cookie_that_would_end_is_given_anew(start_site: StartSite, age: int) -> None:
    """When half of its time has passed, or the clock was set back. It says the same of the user, who so stays there."""
    rule = StickyRule(StickyBy.COOKIE, "bg_user", CookieAttributes(max_age=1000.0, secure=True))
    site = await start_site(replace(BY_COOKIE, sticky=rule))
    now = int(time.time())
    young, old = (Session(5, now - 5000, now - since, 77) for since in (400, age))
    assert cookie_in((await site.get(sent(young)))[1]) is None
    _, head = await site.get(sent(old))
    value = cookie_in(head)
    assert value is not None
    assert "; Max-Age=1000; Secure" in head
    again = SEAL.read(value.encode())
    assert again is not None
    assert (again.user, again.began, again.place) == (5, now - 5000, 77)
    assert now <= again.given


@pytest.mark.parametrize(
    ("rule", "users"),
    [
        (StickyRule(StickyBy.HEADER, "X-User-Id"), [f"x-user-id: {n}" for n in range(20)]),
        (StickyRule(StickyBy.CLIENT_IP), [f"X-Forwarded-For: 10.0.0.{n}" for n in range(20)]),
    ],
)
async def test_users_of_a_header_or_an_address_stay(start_site: StartSite, rule: StickyRule, users: list[str]) -> None:
    """Each has one color at each share, some have the other one, and nobody is given a cookie."""
    site = await start_site(SERVICE)
    site.front.spec = replace(site.front.spec, trusted_proxies=("127.0.0.1/32",))
    service = replace(SERVICE, key=KEY, sticky=rule)
    last: set[str] = set()
    for split in (0, 5_000, 10_000):
        site.publish(service, split=split)
        twice = [[user for user in users if await site.color(user) == "green"] for _ in range(2)]
        assert twice[0] == twice[1]
        assert last <= set(twice[0])
        last = set(twice[0])
        assert (len(last) in range(3, 18)) if split == 5_000 else len(last) == split // 500
    assert "Set-Cookie" not in (await site.get(users[0]))[1]


async def test_without_the_header_the_split_decides(start_site: StartSite) -> None:
    """Requests of nobody in particular are split exactly."""
    site = await start_site(replace(SERVICE, key=KEY, sticky=StickyRule(StickyBy.HEADER, "X-User-Id")), split=5_000)
    colors = [await site.color("X-User-Id:") for _ in range(10)]
    assert colors.count("green") == 5


async def test_settled_users_stay_and_are_counted(start_site: StartSite) -> None:
    """Who came before, or is named by the application, stays at full share too; newcomers move, and are not counted."""
    now = time.time()
    site = await start_site(BY_COOKIE, split=10_000, settled=Settled(now - 100, green=False))
    totals = MeterTotals()
    totals.add(site.front.region)
    assert settled_users(totals, "default", now) == 0
    for user in range(3):
        for _ in range(2):
            assert await site.color(sent(at(user, began=now - 1000))) == "blue"
    assert await site.color("Cookie: bg_user=theirs") == "blue"
    assert await site.color(sent(at(9, began=now - 50))) == "green"
    assert await site.color() == "green"
    assert settled_users(totals, "default", now) == 4
    assert settled_users(totals, "default", now + 7200) == 0


async def test_a_newcomer_stays_though_the_clock_was_set_back(start_site: StartSite) -> None:
    """Who comes after the shift has begun is no settled user, even if the clock says that it was before."""
    site = await start_site(BY_COOKIE, split=10_000, settled=Settled(time.time() + 3600, green=False))
    color, head = await site.get()
    assert color == "green"
    assert await site.color(f"Cookie: bg_user={cookie_in(head)}") == "green"


async def test_without_settled_users_no_room_is_taken_for_their_number(start_site: StartSite) -> None:
    """The cells are there once they are needed."""
    site = await start_site(BY_COOKIE)
    await site.color()
    assert site.front.region.values(Series.SETTLED, "default") == ()


@pytest.mark.parametrize(
    ("host", "field", "color"),
    [
        ("a", f"X-Bluegreen-Color: green:{GUARD}", "green"),
        ("a", f"Cookie: a=b; bluegreen_color=green:{GUARD}", "green"),
        ("green.example:8080", f"X-Bluegreen-Color: blue:{GUARD}", "green"),
        ("Green.Example", f"Cookie: bluegreen_color=green:{GUARD}", "green"),
        ("a", "X-Bluegreen-Color: green", "blue"),
        ("a", "X-Bluegreen-Color: green:wrong", "blue"),
        ("green.example", "X-Nothing: 1", "blue"),
        ("green.example", "X-Bluegreen-Color: green:wrong", "blue"),
    ],
)
async def test_testers_with_a_token(start_site: StartSite, host: str, field: str, color: str) -> None:
    """Header, cookie or host show the idle color to who has the token; everybody else is served as ever."""
    service = replace(SERVICE, hosts=("a",), preview=PREVIEW)
    site = await start_site(service)
    assert await site.color(field, host=host) == color
    await site.front.log(1)
    assert site.front.count(Series.PREVIEW_REQUESTS, "default", "green") == (color == "green")
    audience = site.front.door.routing.router.match(host.encode(), b"/")
    head = read_request(f"GET / HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n".encode(), max_headers=9)
    assert audience is not None
    assert is_tester(audience.audience, head) is (color == "green")


async def test_testers_without_a_token(start_site: StartSite) -> None:
    """By header, cookie and host; testers are given no cookie of users, and go before what users get."""
    preview = PreviewRule(blue_host="blue.example", green_host="green.example")
    site = await start_site(replace(BY_COOKIE, hosts=("a",), preview=preview), split=5_000)
    user = sent(at(9_000))
    for _ in range(2):
        color, head = await site.get("X-Bluegreen-Color: green", user)
        assert (color, cookie_in(head)) == ("green", None)
        assert await site.color(f"{user}; bluegreen_color=green") == "green"
        assert await site.color(user, host="green.example") == "green"
        assert await site.color(sent(at(0)), host="blue.example") == "blue"
        assert await site.color(user) == "blue"
    assert (await site.get(host="c"))[0] == "404"


async def test_a_preview_of_nothing_is_told_so(start_site: StartSite) -> None:
    """A tester of a color without upstreams gets a 503 with a reason of its own, and not the other color."""
    site = await start_site(replace(SERVICE, preview=PreviewRule()), green=())
    assert (await site.get("X-Bluegreen-Color: green"))[0] == "503"
    (line,) = await site.front.log(1)
    assert (line["outcome"], line["preview"]) == ("no_preview_upstream", True)
    assert site.front.count(Series.REJECTED, "no_preview_upstream") == 1


async def test_testers_are_marked_in_the_log(start_site: StartSite) -> None:
    """A member of JSON says so; in the combined format they are the user preview."""
    service = replace(SERVICE, preview=PreviewRule())
    site = await start_site(service)
    await site.color("X-Bluegreen-Color: green")
    await site.color()
    tester, user = await site.front.log(2)
    assert (tester["preview"], tester["color"], user["preview"]) == (True, "green", False)
    log = replace(site.front.spec.access_log, format=AccessLogFormat.COMBINED)
    site.front.spec = replace(site.front.spec, access_log=log)
    site.publish(service)
    await site.color("X-Bluegreen-Color: green")
    await site.color()
    site.front.door.log.flush()
    await site.front.until(lambda: site.front.log_path.read_text().count("\n") == 4)
    combined = site.front.log_path.read_text().splitlines()[2:]
    assert [line.split(" [")[0] for line in combined] == ["127.0.0.1 - preview", "127.0.0.1 - -"]


async def test_the_judge_sees_users_and_routes_but_no_testers(start_site: StartSite) -> None:
    """A tally counts users alone; below a path that is counted by itself, those of that path."""
    service = replace(SERVICE, preview=PreviewRule(), routes=("/api", "/api/v2"))
    site = await start_site(service, split=10_000)
    for path in ("/", "/api?x", "/api/v1", "/api/v2/y", "/apix"):
        await site.get(path=path)
    await site.get("X-Bluegreen-Color: green", path="/api")
    await site.front.log(6)
    totals = MeterTotals()
    totals.add(site.front.region)
    tallies = [read_tally(totals, "default", Color.GREEN, route) for route in ("", "/api", "/api/v2", "/")]
    assert [tally.requests for tally in tallies] == [5, 2, 1, 0]
    assert [sum(tally.latency) for tally in tallies] == [5, 2, 1, 0]

"""Buckets: every user has one place, shares of users are what they claim, and nobody goes back while they grow."""

from __future__ import annotations

import random
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.buckets import Places, color_of, digest_of, network_of, place_of, service_key
from proxy.traffic.sessions import Seal, Session
from proxy.traffic.spec import Color
from proxy.traffic.split import Splitter

KEY = bytes.fromhex(service_key("5a" * 32, "shop"))
GREEN = Color.GREEN
WORKERS = 4
USERS = 50_000
SHARES = range(500, 10_001, 500)
"""Twenty changes of share, in hundredths of a percent."""


@given(st.binary(min_size=1, max_size=40), st.lists(st.integers(0, 10_000), min_size=2, max_size=20))
def test_whoever_is_on_green_stays_there_while_the_share_grows(value: bytes, splits: list[int]) -> None:
    """Over growing shares a user changes color once at most; at nothing all are on blue, at everything on green."""
    place = place_of(digest_of(value, KEY))
    colors = [color_of(place, split) for split in sorted(splits)]
    assert colors == sorted(colors, key=list(Color).index)
    assert color_of(place, 0) is Color.BLUE
    assert color_of(place, 10_000) is GREEN


@given(st.integers(0, 2**64 - 1), st.integers(0, 10_000), st.integers(1, 2_000))
def test_any_newcomers_in_a_row_are_dealt_out_evenly(start: int, split: int, newcomers: int) -> None:
    """Green's part of the newcomers of one worker is its share of them, but for five at most."""
    places = Places(start, worker=0)
    green = sum(places.next() < split for _ in range(newcomers))
    assert abs(green - newcomers * split / 10_000) <= 5


def test_workers_do_not_deal_in_step() -> None:
    """Two workers with the same random start begin at different places."""
    first, second = (Places(12345, worker) for worker in range(2))
    assert [first.next() for _ in range(3)] != [second.next() for _ in range(3)]


def test_a_user_of_one_service_is_another_one_elsewhere() -> None:
    """Places of the same people in two services have nothing to do with each other."""
    other = bytes.fromhex(service_key("5a" * 32, "blog"))
    pairs = [(place_of(digest_of(b"%d" % n, KEY)), place_of(digest_of(b"%d" % n, other))) for n in range(2000)]
    both = sum(one < 5000 and two < 5000 for one, two in pairs)
    assert 400 < both < 600


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"10.0.0.1", b"10.0.0.1", True),
        (b"10.0.0.1", b"10.0.0.2", False),
        (b"2001:db8::1", b"2001:db8::ffff:1", True),
        (b"2001:db8:0:1::1", b"2001:db8:0:2::1", False),
    ],
)
def test_what_of_an_address_is_one_user(one: bytes, other: bytes, same: bool) -> None:
    """An IPv4 address is one, and so is the /64 of an IPv6 one."""
    assert (network_of(one) == network_of(other)) is same


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_machine_that_changes_its_address_is_one_user(address: IPv6Address, rest: int) -> None:
    """Whatever stands in the second half of an IPv6 address, its network is the same."""
    moved = IPv6Address(int(address) >> 64 << 64 | rest)
    assert network_of(str(moved).encode()) == network_of(str(address).encode()) != b""


@pytest.mark.parametrize("peer", [b"", b"unknown", b"a:b"])
def test_what_is_no_address_is_nobody(peer: bytes) -> None:
    """A client on a unix socket cannot be told from another one."""
    assert network_of(peer) == b""


def cookies(seal: Seal) -> list[bytes]:
    """Cookies that several workers gave to users who came in any order."""
    rng = random.Random(5)
    dealers = [Places(rng.getrandbits(64), worker) for worker in range(WORKERS)]
    sessions = (Session(user, 1_700_000_000, 1_700_000_000, rng.choice(dealers).next()) for user in range(USERS))
    return [seal.write(session) for session in sessions]


def place_in(seal: Seal, cookie: bytes) -> int:
    """What a worker makes of a cookie."""
    session = seal.read(cookie)
    assert session is not None
    return session.place


@pytest.mark.parametrize("by", ["cookie", "value"])
def test_a_million_requests_through_a_shift(by: str) -> None:
    """50,000 users, twenty changes of share: nobody goes back, shares of users are right, and all return at the end.

    Users of a cookie are dealt out, so their shares are exact to within 0.05 percentage points, and others 0.5.
    """
    rng = random.Random(6)
    seal = Seal(KEY)
    if by == "cookie":
        given = cookies(seal)
        places = [place_in(seal, cookie) for cookie in given]
    else:
        places = [place_of(digest_of(b"user-%d" % user, KEY)) for user in range(USERS)]
    seen: dict[int, Color] = {}
    flips = requests = 0
    for split in SHARES:
        for user in rng.choices(range(USERS), k=1_000_000 // len(SHARES)):
            requests += 1
            color = color_of(places[user], split)
            flips += seen.get(user) is GREEN and color is not GREEN
            seen[user] = color
        share = sum(color_of(place, split) is GREEN for place in places) / USERS * 100
        assert share == pytest.approx(split / 100, abs=0.05 if by == "cookie" else 0.5)
    assert (requests, flips, len(seen)) == (1_000_000, 0, USERS)
    assert {color_of(place, SHARES[-1]) for place in places} == {GREEN}
    assert {color_of(place, 0) for place in places} == {Color.BLUE}


def test_a_million_requests_of_nobody_in_particular_are_split_exactly() -> None:
    """Without stickiness green has its share of the requests through the same shift, but for one for each worker."""
    rng = random.Random(7)
    workers = [Splitter() for _ in range(WORKERS)]
    green = requests = owed = 0
    for split in SHARES:
        for worker in rng.choices(workers, k=1_000_000 // len(SHARES)):
            requests += 1
            owed += split
            green += worker.next(split) is GREEN
        assert abs(green - owed / 10_000) <= WORKERS
    assert requests == 1_000_000

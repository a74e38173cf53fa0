"""Users who are told apart, so that each of them stays on one color: by a header, by their address, or by a cookie."""

from __future__ import annotations

import secrets
import time
from typing import Final

from proxy.http1.cookies import CookieFinder, FieldFinder, cookie_attributes, set_cookie
from proxy.http1.heads import RequestHead
from proxy.shm.meters import Meters
from proxy.shm.names import SETTLED_CELLS, Series
from proxy.traffic.audience import CookieAttributes, Settled, StickyBy, StickyRule
from proxy.traffic.buckets import Places, color_of, digest_of, network_of, place_of
from proxy.traffic.sessions import Seal, Session, has_our_form
from proxy.traffic.spec import Color
from proxy.traffic.table import TableService

_BLUE: Final = Color.BLUE
_GREEN: Final = Color.GREEN

MAX_COOKIES: Final = 8
"""Cookies of one name that are looked at, lest a hostile head cost more than others."""

Found = tuple[Color, bytes]
"""A user's color, and the line of the answer that gives the user a cookie, ``b""`` for none."""


class Users:
    """Finds the color of each user of one service."""

    __slots__ = ()

    def find(self, head: RequestHead, peer: bytes) -> Found | None:
        """What becomes of a request from the address ``peer``; ``None`` where nothing tells whose it is."""
        raise NotImplementedError


class ByHeader(Users):
    """By the value of a header."""

    __slots__ = ("_finder", "_key", "_split")

    def __init__(self, name: str, key: bytes, split: int) -> None:
        self._finder = FieldFinder(name)
        self._key = key
        self._split = split

    def find(self, head: RequestHead, peer: bytes) -> Found | None:
        """By the value of the header; ``None`` without it, or where it is empty."""
        value = self._finder.find(head.raw)
        return (color_of(place_of(digest_of(value, self._key)), self._split), b"") if value else None


class ByAddress(Users):
    """By the client's address. A client on a unix socket has none."""

    __slots__ = ("_key", "_split")

    def __init__(self, key: bytes, split: int) -> None:
        self._key = key
        self._split = split

    def find(self, head: RequestHead, peer: bytes) -> Found | None:
        """By the address, or the network that is one user's."""
        network = network_of(peer)
        return (color_of(place_of(digest_of(network, self._key)), self._split), b"") if network else None


class Stayers:
    """Those whose session began before a moment, who stay on one color; and how many of them still come."""

    __slots__ = ("_cells", "_first", "color", "since")

    def __init__(self, settled: Settled, meters: Meters, service: str) -> None:
        self.color = _GREEN if settled.green else _BLUE
        self.since = int(settled.since)
        """In whole seconds, as sessions tell it: who came in the same one follows the split, and so never goes back."""
        self._cells = meters.cells
        self._first = meters.field(SETTLED_CELLS, Series.SETTLED, service)

    def saw(self, user: int, now: int) -> None:
        """One of them has come."""
        if self._first is not None:
            self._cells[self._first + user % SETTLED_CELLS] = now // 60


class ByCookie(Users):
    """By a cookie: the application's own, or one that is given to whoever comes without any."""

    __slots__ = ("_attributes", "_finder", "_key", "_name", "_places", "_renewed_after", "_seal", "_split", "_stayers")

    def __init__(self, rule: StickyRule, key: bytes, split: int, places: Places, stayers: Stayers | None) -> None:
        """``places`` are dealt out to newcomers."""
        attributes = rule.attributes
        self._name = rule.name.encode()
        self._finder = CookieFinder(rule.name)
        self._key = key
        self._seal = Seal(key)
        self._split = split
        self._places = places
        self._stayers = stayers
        self._attributes = _written(attributes)
        self._renewed_after = attributes.max_age / 2 if attributes.max_age is not None else None

    def find(self, head: RequestHead, peer: bytes) -> Found | None:
        """By the cookie; who brings none, or a forged one, is given one."""
        found = self._recognized(self._finder.find(head.raw))
        if found is not None:
            return found
        # It may stand behind another's: a browser sends those of parent domains and of longer paths as well.
        for value in self._finder.find_all(head.raw)[1:MAX_COOKIES]:
            found = self._recognized(value)
            if found is not None:
                return found
        return self._newcomer()

    def _recognized(self, value: bytes) -> Found | None:
        if not value:
            return None
        if has_our_form(value):
            session = self._seal.read(value)
            return self._known(session) if session is not None else None
        digest = digest_of(value, self._key)  # the application's: nobody knows since when, so it was there before
        if self._stayers is not None:
            self._stayers.saw(digest, int(time.time()))
            return self._stayers.color, b""
        return color_of(place_of(digest), self._split), b""

    def _newcomer(self) -> Found:
        now, stayers = int(time.time()), self._stayers
        began = now if stayers is None else max(now, stayers.since)  # nor if the clock was set back since then
        session = Session(secrets.randbits(64), began, now, self._places.next())
        return color_of(session.place, self._split), self._give(session)

    def _known(self, session: Session) -> Found:
        stayers, renewed_after, line = self._stayers, self._renewed_after, b""
        if stayers is None and renewed_after is None:
            return color_of(session.place, self._split), b""
        now = int(time.time())
        if renewed_after is not None and not 0 <= now - session.given < renewed_after:  # or the clock was set back
            line = self._give(Session(session.user, session.began, now, session.place))
        if stayers is not None and session.began < stayers.since:
            stayers.saw(session.user, now)
            return stayers.color, line
        return color_of(session.place, self._split), line

    def _give(self, session: Session) -> bytes:
        return set_cookie(self._name, self._seal.write(session), self._attributes)


def users_of(spec: TableService, meters: Meters, places: Places) -> Users | None:
    """The users of a service, if it tells them apart."""
    rule = spec.sticky
    if rule is None:
        return None
    key = bytes.fromhex(spec.key)
    if rule.by is StickyBy.HEADER:
        return ByHeader(rule.name, key, spec.split)
    if rule.by is StickyBy.CLIENT_IP:
        return ByAddress(key, spec.split)
    stayers = Stayers(spec.settled, meters, spec.name) if spec.settled is not None else None
    return ByCookie(rule, key, spec.split, places, stayers)


def _written(attributes: CookieAttributes) -> bytes:
    return cookie_attributes(
        path=attributes.path,
        domain=attributes.domain,
        max_age=attributes.max_age,
        secure=attributes.secure,
        http_only=attributes.http_only,
        same_site=attributes.same_site,
    )

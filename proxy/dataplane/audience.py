"""Who is given which color, where a service has more to say about it than its split.

A tester's wish comes first, then where a user stays, and only then the split. Nothing here waits for anything.
"""

from __future__ import annotations

from proxy.dataplane.accounting import Aside, preview_meters, route_meters
from proxy.dataplane.users import Users, users_of
from proxy.http1.cookies import CookieFinder, FieldFinder
from proxy.http1.heads import RequestHead
from proxy.shm.meters import Meters
from proxy.traffic.audience import PreviewRule
from proxy.traffic.buckets import Places
from proxy.traffic.preview import Preview
from proxy.traffic.routes import Router
from proxy.traffic.spec import Color
from proxy.traffic.split import Splitter
from proxy.traffic.table import TableService


class Choice:
    """The color of one request, and what goes with it."""

    __slots__ = ("aside", "color", "cookie", "preview")

    def __init__(self, color: Color, cookie: bytes, aside: Aside | None, preview: bool) -> None:
        self.color = color
        self.cookie = cookie
        """The line of the answer that gives the user a cookie; ``b""`` for none."""
        self.aside = aside
        """Where it is counted by itself as well."""
        self.preview = preview
        """Whether a tester asked for it."""


class Testers:
    """Tells testers from users."""

    __slots__ = ("_asides", "_cookie", "_header", "_preview")

    def __init__(self, rule: PreviewRule, asides: dict[Color, Aside]) -> None:
        self._preview = Preview(rule)
        self._header = FieldFinder(rule.header) if rule.header is not None else None
        self._cookie = CookieFinder(rule.cookie) if rule.cookie is not None else None
        self._asides = asides

    def wish(self, head: RequestHead) -> Color | None:
        """The color that a tester asks for; ``None`` for a user."""
        raw = head.raw
        header = self._header.find(raw) if self._header is not None else b""
        cookie = self._cookie.find(raw) if self._cookie is not None else b""
        return self._preview.wish(head.host, (header, cookie))

    def choose(self, head: RequestHead) -> Choice | None:
        """What a tester gets; ``None`` for a user."""
        color = self.wish(head)
        return Choice(color, b"", self._asides[color], True) if color is not None else None


class Audience:
    """Everything that decides about the color of a service's requests."""

    __slots__ = ("_routes", "_split", "_splitter", "_users", "testers")

    def __init__(
        self,
        split: int,
        splitter: Splitter,
        testers: Testers | None,
        users: Users | None,
        routes: dict[Color, Router[Aside]] | None,
    ) -> None:
        self._split = split
        self._splitter = splitter
        self._users = users
        self._routes = routes
        self.testers = testers
        """Who finds testers out, where there may be any."""

    def choose(self, head: RequestHead, peer: bytes) -> Choice:
        """The color of a request that came from the address ``peer``."""
        if self.testers is not None:
            wished = self.testers.choose(head)
            if wished is not None:
                return wished
        found = self._users.find(head, peer) if self._users is not None else None
        color, cookie = (self._splitter.next(self._split), b"") if found is None else found
        aside = self._routes[color].match(b"", head.path) if self._routes is not None else None
        return Choice(color, cookie, aside, False)


def gather(spec: TableService, meters: Meters, splitter: Splitter, places: Places) -> Audience | None:
    """The audience of a service; ``None`` where its split alone decides, and nothing is counted by itself."""
    if spec.sticky is None and spec.preview is None and not spec.routes:
        return None
    testers = routes = None
    if spec.preview is not None:
        testers = Testers(spec.preview, {color: preview_meters(meters, spec.name, color) for color in Color})
    if spec.routes:
        routes = {color: _by_path(spec, meters, color) for color in Color}
    return Audience(spec.split, splitter, testers, users_of(spec, meters, places), routes)


def is_tester(audience: Audience | None, head: RequestHead) -> bool:
    """Whether a request is a tester's, who is served whatever users are told."""
    return audience is not None and audience.testers is not None and audience.testers.wish(head) is not None


def _by_path(spec: TableService, meters: Meters, color: Color) -> Router[Aside]:
    return Router((("*",), (route,), route_meters(meters, spec.name, color, route)) for route in spec.routes)

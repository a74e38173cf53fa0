"""What keeps web pages in an operator's browser away from the admin API.

A page of any site may send requests to loopback. Two kinds of them must not get through: those whose host name was made
to point here (DNS rebinding), which the Host field gives away, and those that change something from another site, which
the Origin field gives away.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from proxy.config.addresses import TcpAddress
from proxy.control.admin.context import AdminContext
from proxy.control.admin.problems import AdminCode, Problem

HARMLESS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Methods that change nothing."""


class Guard:
    """Refuses what comes from a page that has no business here."""

    def __init__(self, context: AdminContext) -> None:
        """Judge by where the admin API listens.

        The Host field matters where there are no tokens and a browser can connect at all. Where there are tokens, a
        page has none, and whatever name a reverse proxy or a container network gives us is fine.
        """
        listen = context.listen
        self._own_host = listen.host if isinstance(listen, TcpAddress) else ""
        self._any_host = bool(context.tokens) or not isinstance(listen, TcpAddress)

    def check(self, request: web.Request) -> None:
        """Raises :class:`Problem` (403) for what must not get through."""
        self._check_host(request)
        if request.method not in HARMLESS:
            _check_origin(request)

    def _check_host(self, request: web.Request) -> None:
        if self._any_host:
            return
        for host in request.headers.getall(hdrs.HOST, []):
            name = _host_name(host)
            if name != self._own_host and not _is_loopback(name):
                detail = f"the admin API answers to localhost, loopback addresses and {self._own_host}, not to {name!r}"
                raise Problem(AdminCode.HOST_NOT_ALLOWED, detail)


def _check_origin(request: web.Request) -> None:
    """Only command-line programs, which send no Origin, and our own page may change something."""
    for origin in request.headers.getall(hdrs.ORIGIN, []):
        if _authority(origin) != request.headers.get(hdrs.HOST, "").lower():
            raise Problem(AdminCode.ORIGIN_NOT_ALLOWED, f"a page of {origin!r} may not change anything here")


def _authority(origin: str) -> str | None:
    """Host and port of an origin as a Host field has them; ``None`` for an opaque one."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _host_name(host: str) -> str:
    """The name in a Host field, lower-cased, without port and brackets."""
    name, _, port = host.strip().lower().rpartition(":")
    if not name or not port.isdigit():
        name = host.strip().lower()
    return name.removeprefix("[").removesuffix("]").removesuffix(".")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"

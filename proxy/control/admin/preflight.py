"""What is looked at before an upstream is let in: where its name leads, whether it may lead there, whether it is well.

This guards against mistakes and against being used to reach what only this machine can. A name may still come to stand
for something else later on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterable, Mapping, Sequence

from proxy.config.addresses import Address, TcpAddress, parse_tcp_address
from proxy.config.reach import IpAddress, plain_ip, why_forbidden
from proxy.control.admin.context import Probing
from proxy.control.admin.problems import AdminCode, Problem
from proxy.traffic.model import Health
from proxy.traffic.spec import ServiceSpec

RESOLVE_TIMEOUT = 5.0
"""Seconds for one name."""

_AT_ONCE = 50
"""So many upstreams are looked at together."""


async def resolve_all(probing: Probing, own: Sequence[Address], addresses: Sequence[str]) -> None:
    """Raises :class:`Problem` unless every upstream can be found and none is where no upstream may be.

    Args:
        probing: does the looking.
        own: what this program listens on.
        addresses: the new upstreams.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def look(address: str) -> None:
        async with gate:
            found = await _resolved(probing, address)
        for ip in found:
            _refuse_forbidden(address, ip, own)

    await _all(look(address) for address in dict.fromkeys(addresses))


async def unfit(probing: Probing, own: Sequence[Address], addresses: Sequence[str]) -> str | None:
    """The same in words: why one of them cannot be an upstream; ``None`` if all can."""
    try:
        await resolve_all(probing, own, addresses)
    except Problem as problem:
        return problem.detail
    return None


async def proven(probing: Probing, service: ServiceSpec, addresses: Sequence[str]) -> Mapping[str, Health]:
    """Those that answer as many health checks in a row as bring an upstream up; they may serve from the first moment.

    Nothing is said of the others: the regular checks will find them when they are up.
    """
    check = service.health
    if check is None:
        return {}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def rises(address: str) -> bool:
        async with gate:
            for _ in range(check.rise):
                if not await probing.healthy(service, address):
                    return False
        return True

    unique = list(dict.fromkeys(addresses))
    risen = await asyncio.gather(*(rises(address) for address in unique))
    return {address: Health.HEALTHY for address, up in zip(unique, risen, strict=True) if up}


async def _all(looks: Iterable[Coroutine[None, None, None]]) -> None:
    """Wait for all, and then raise what the first of them raised."""
    for result in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _resolved(probing: Probing, address: str) -> list[IpAddress]:
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            found = await probing.resolve(address)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        reason = getattr(error, "strerror", None) or str(error) or f"no answer within {RESOLVE_TIMEOUT:g} s"
        detail = f"{address} cannot be resolved: {reason}"
        raise Problem(AdminCode.UPSTREAM_NOT_RESOLVABLE, detail, address=address) from None
    return [plain_ip(ip) for ip in found]


def _refuse_forbidden(address: str, ip: IpAddress, own: Sequence[Address]) -> None:
    if reason := why_forbidden(ip):
        raise _not_allowed(address, reason)
    target = TcpAddress(str(ip), parse_tcp_address(address).port)
    for listener in own:
        if isinstance(listener, TcpAddress) and _leads_to(target, ip, listener):
            raise _not_allowed(address, f"this program itself listens on {listener}: requests would run in circles")


def _leads_to(target: TcpAddress, ip: IpAddress, listener: TcpAddress) -> bool:
    if target.reaches(listener):
        return True
    return target.port == listener.port and listener.is_wildcard and _is_ours(ip)


def _is_ours(ip: IpAddress) -> bool:
    """Whether an address belongs to this machine: only those can be bound."""
    family = socket.AF_INET6 if ip.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind((str(ip), 0))
    except OSError:
        return False
    return True


def _not_allowed(address: str, reason: str) -> Problem:
    return Problem(AdminCode.UPSTREAM_NOT_ALLOWED, f"{address} cannot be an upstream: {reason}", address=address)

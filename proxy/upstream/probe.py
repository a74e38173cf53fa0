"""One health check of one upstream: a request over a connection of its own, and what became of it."""

from __future__ import annotations

import asyncio
import enum
import socket
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.http1.errors import ResponseError
from proxy.traffic.health import expects
from proxy.traffic.spec import HealthCheck
from proxy.upstream.address import split_address
from proxy.upstream.asking import ask
from proxy.upstream.shortage import is_shortage


class ProbeReason(enum.StrEnum):
    """How a probe ended: a label of metrics."""

    OK = "ok"
    STATUS = "status"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    """No connection for another reason, or the name does not resolve."""
    BROKEN = "broken"
    """The connection was made, but no answer came that can be read."""
    NO_RESOURCES = "no_resources"
    """We could not ask: descriptors, memory or ports have run out here."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe has shown."""

    reason: ProbeReason
    detail: str = ""
    """In words, for the log."""

    @property
    def ok(self) -> bool:
        """Whether it speaks for the upstream."""
        return self.reason is ProbeReason.OK

    @property
    def telling(self) -> bool:
        """Whether it says anything of the upstream at all."""
        return self.reason is not ProbeReason.NO_RESOURCES


async def probe(address: str, check: HealthCheck) -> ProbeResult:
    """Ask the upstream ``host:port`` as the check says. Trouble on the way is a result and no exception."""
    return await _result(_ask(address, check), check.timeout)


async def reach(address: str, timeout: float) -> ProbeResult:
    """Only connect to the upstream ``host:port``, where nobody has said how to ask it."""
    return await _result(_connect(address), timeout)


async def _result(asking: Coroutine[Any, Any, ProbeResult], timeout: float) -> ProbeResult:
    try:
        async with asyncio.timeout(timeout):
            return await asking
    except TimeoutError:
        return ProbeResult(ProbeReason.TIMEOUT, f"no answer within {timeout:g} s")
    except ConnectionRefusedError:
        return ProbeResult(ProbeReason.REFUSED, "the connection was refused")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ResponseError) as error:
        return ProbeResult(ProbeReason.BROKEN, str(error))
    except OSError as error:
        reason = ProbeReason.NO_RESOURCES if is_shortage(error) else ProbeReason.UNREACHABLE
        return ProbeResult(reason, error.strerror or str(error))
    except UnicodeError as error:  # a host name that cannot be written in the way of DNS
        return ProbeResult(ProbeReason.UNREACHABLE, str(error))


async def resolve(address: str) -> Sequence[str]:
    """The IP addresses that the host of ``host:port`` stands for. Raises ``OSError`` where there are none."""
    host, port = split_address(address)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


async def _connect(address: str) -> ProbeResult:
    host, port = split_address(address)
    _, writer = await asyncio.open_connection(host, port)
    writer.close()  # compiled, a writer whose transport is asked for is thrown away before that is aborted
    return ProbeResult(ProbeReason.OK)


async def _ask(address: str, check: HealthCheck) -> ProbeResult:
    answer, _ = await ask(address, check.path, check.host or address)
    if expects(check, answer.status):
        return ProbeResult(ProbeReason.OK)
    return ProbeResult(ProbeReason.STATUS, f"answered {answer.status}")

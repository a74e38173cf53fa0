"""A front door with a recorder behind it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from proxy.traffic.spec import DoorSpec
from proxy.traffic.table import TableService, TableUpstream
from tests.dataplane.conftest import SERVICE, Front
from tests.wire.conversation import Conversation, Script, converse
from tests.wire.recorder import Play, Recorder


@dataclass(frozen=True, slots=True)
class Stage:
    """A whole data plane in this process, and what stands behind it."""

    front: Front
    recorder: Recorder

    async def converse(self, script: Script, *, methods: tuple[bytes, ...] = ()) -> Conversation:
        """Play a script to the front door, and wait until everything has arrived behind it."""
        heard = await converse(self.front.address[:2], script, methods=methods)
        await self.recorder.settle()
        return heard


StartStage = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="session")
def access_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for the access logs of all these tests, one after the other: a directory for each takes its time."""
    return tmp_path_factory.mktemp("wire") / "access.log"


@pytest.fixture
async def start_stage(access_log: Path) -> AsyncIterator[StartStage]:
    """Starts a front door before a recorder that knows the given plays."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            *plays: Play, greeting: bytes = b"", door: DoorSpec | None = None, service: TableService = SERVICE
        ) -> Stage:
            recorder = await stack.enter_async_context(Recorder(*plays, greeting=greeting).listening())
            _empty(access_log)
            front = Front(access_log)
            front.spec = replace(door or DoorSpec(), access_log=front.spec.access_log)
            front.publish(replace(service, blue=(TableUpstream("{}:{}".format(*recorder.address), 1),)))
            stack.callback(front.close)
            await front.start()
            stack.push_async_callback(front.stop)
            return Stage(front, recorder)

        yield start


def _empty(file: Path) -> None:
    file.write_bytes(b"")

"""The API keeps to its own document, whatever it is sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks as openapi_checks

from proxy.control.admin.openapi import document
from tests.control.admin.door import running_admin
from tests.control.core import running_core

EXAMPLES = 25
"""Of each operation."""

MEANT = {503}
"""Statuses from 500 that say something other than: this is broken."""

NAMES = {
    "service": ["shop", "nobody"],
    "operation": ["op-1", "op-2", "op-3", "none"],
    "address": ["a:1", "a:2", "b:1", "127.0.0.1:1", "nonsense"],
}
"""What paths are filled with, so that most of them lead somewhere."""


def _schema() -> BaseSchema:
    """The document with names that exist; the event stream, which has no end, is left out."""
    raw = document(secured=False)
    for methods in raw["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["name"] in NAMES:
                    parameter["schema"] = {"type": "string", "enum": NAMES[parameter["name"]]}
    return schemathesis.openapi.from_dict(raw).exclude(path="/v1/events")


SCHEMA = _schema()


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running admin API in a loop of its own, for a client that blocks."""
    started: Future[str] = Future()
    over = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(_serve(tmp_path_factory.mktemp("fuzz"), started, over),))
    thread.start()
    try:
        yield started.result(timeout=30)
    finally:
        over.set()
        thread.join(timeout=30)


async def _serve(folder: Path, started: Future[str], over: threading.Event) -> None:
    async with running_core(folder / "db") as core, running_admin(core) as admin:
        started.set_result(f"http://127.0.0.1:{admin.api.port}")
        await asyncio.to_thread(over.wait)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_tells_of(case: Any, base_url: str) -> None:
    """Status, media type, fields and body are as documented, and nothing breaks."""
    response = case.call(base_url=base_url)
    assert response.status_code < 500 or response.status_code in MEANT
    case.validate_response(
        response,
        checks=[
            openapi_checks.status_code_conformance,
            openapi_checks.content_type_conformance,
            openapi_checks.response_headers_conformance,
            openapi_checks.response_schema_conformance,
        ],
    )

from __future__ import annotations

import json
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.control.gates.promquery import Malformed, read_values
from proxy.traffic.gates import Moment, PromQuery
from tests.control.gates.conftest import Ask
from tests.control.gates.desk import Desk, answer
from tests.tools import require_tool

AT = (Moment.BEFORE_INCREASE,)


def said(kind: str, result: Any, status: str = "success") -> bytes:
    """An answer of Prometheus."""
    return json.dumps({"status": status, "data": {"resultType": kind, "result": result}}).encode()


def vector(*values: str) -> bytes:
    """An answer with a sample for each value."""
    return said("vector", [{"metric": {"n": str(n)}, "value": [1.5, value]} for n, value in enumerate(values)])


@pytest.mark.parametrize(
    ("body", "bounds", "ok", "detail"),
    [
        (said("scalar", [1.5, "0.03"]), (None, 0.05), True, "0.03 is within bounds"),
        (vector("0.05"), (0.05, 0.05), True, "0.05 is within bounds"),
        (vector("0.07"), (None, 0.05), False, "0.07 is above the maximum 0.05"),
        (vector("0.05000000001"), (None, 0.05), False, "0.05000000001 is above the maximum 0.05"),
        (vector("0.5"), (1.0, None), False, "0.5 is below the minimum 1"),
        (vector("1", "2", "1e+06"), (1.0, None), True, "1 to 1e+06, 3 values, are within bounds"),
        (vector("1", "2", "3"), (2.0, 2.0), False, "1 is below the minimum 2, one of 2 such values among 3"),
        (vector(), (None, 0.05), False, "the query has found nothing"),
        (vector("NaN"), (None, None), False, "NaN is no value"),
        (vector("1", "NaN"), (None, None), False, "NaN is no value, one of 1 such values among 2"),
        (vector("+Inf"), (None, 5.0), False, "inf is above the maximum 5"),
        (vector("-Inf"), (5.0, None), False, "-inf is below the minimum 5"),
        (vector("7"), (None, None), True, "7 is within bounds"),
    ],
)
async def test_all_values_have_to_lie_within_bounds(
    desk: Desk, ask: Ask, body: bytes, bounds: tuple[float | None, float | None], ok: bool, detail: str
) -> None:
    """The bounds belong to it; NaN and nothing at all are no."""
    desk.says(answer(200, body))
    (outcome,) = await ask(PromQuery(desk.url("/"), "up", AT, *bounds))
    assert (outcome.ok, outcome.detail, outcome.tries) == (ok, detail, 1)


@pytest.mark.parametrize(
    ("url", "query"),
    [("", "up"), ("/", "up"), ("/prometheus/", 'a{b="c+d&e=%41 #ü"} > 0'), ("/p%2Fq?tenant=a%26b", "x % 2")],
)
async def test_the_query_arrives_as_it_was_written(desk: Desk, ask: Ask, url: str, query: str) -> None:
    """Below the path of the server's URL, and beside what that has for a query; nothing else is in it."""
    desk.says(answer(200, vector("1")))
    (outcome,) = await ask(PromQuery(desk.url(url), query, AT))
    assert outcome.ok
    method, target, _ = desk.asked[0].line.split(" ")
    path, _, asked = target.partition("?")
    assert (method, path) == ("GET", f"{url.partition('?')[0].rstrip('/')}/api/v1/query")
    sent = urllib.parse.parse_qs(asked, strict_parsing=True)
    assert sent.pop("query") == [query]
    assert sent == ({"tenant": ["a&b"]} if "tenant" in url else {})
    assert "bluegreen-signature" not in desk.asked[0].fields


@pytest.mark.parametrize(
    ("said", "detail", "tries"),
    [
        (
            answer(400, b'{"status":"error","errorType":"bad_data","error":"parse error: \\u001b]"}'),
            "answered 400: parse error: \ufffd]",
            1,
        ),
        (answer(422, b'{"status":"error"}'), "answered 422", 1),
        (answer(401, b"who are you?"), "answered 401: who are you?", 1),
        (answer(302, b"", "Location: /login"), "answered 302; redirects are not followed", 1),
        (
            answer(503, b'{"status":"error","error":"query timed out"}', "Retry-After: 0"),
            "answered 503: query timed out, 3 tries",
            3,
        ),
        (answer(200, b" " * 1024 * 1024 + b"{}"), "the answer is longer than 1024 KiB", 1),
        (answer(200, b"<html>"), "the answer is not one of numbers: it is not JSON", 1),
    ],
)
async def test_what_is_no_answer_to_the_query(desk: Desk, ask: Ask, said: bytes, detail: str, tries: int) -> None:
    """It is no, with what Prometheus says against the query; only what may change is asked again."""
    desk.says(said)
    (outcome,) = await ask(PromQuery(desk.url(), "up", AT))
    assert (outcome.ok, outcome.detail, outcome.tries) == (False, detail, tries)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[" * 500_000,
        b"1" * 5000,
        b"\xff",
        b"{}",
        said("scalar", [1.5, "1"], status="error"),
        said("matrix", []),
        said("string", [1.5, "1"]),
        said("scalar", [1.5, 1]),
        said("scalar", ["1"]),
        said("scalar", [1.5, "1_000"]),
        said("scalar", [1.5, " 1"]),
        said("scalar", [1.5, "\N{ARABIC-INDIC DIGIT ONE}"]),
        said("scalar", [1.5, "infinity"]),
        said("scalar", []),
        said("vector", {}),
        said("vector", [1]),
        said("vector", [{"metric": {}}]),
        said("vector", [{"metric": {}, "histogram": [1.5, {}]}]),
        said("vector", [{"metric": {}, "value": [1.5, "1"]}, None]),
    ],
)
def test_what_is_not_as_prometheus_writes_it_is_malformed(body: bytes) -> None:
    """In doubt there is no number; nothing else is raised."""
    with pytest.raises(Malformed):
        read_values(body)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """A real one, which scrapes nothing; its URL."""
    program = require_tool("prometheus", package="prometheus")
    (tmp_path / "prometheus.yml").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as place:
        address = f"127.0.0.1:{place.getsockname()[1]}"
    command = [str(program), f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            yield f"http://{address}"
        finally:
            running.terminate()
            running.wait(timeout=30)


async def test_a_real_prometheus_is_understood(prometheus: str, ask: Ask) -> None:
    """Scalars, vectors, nothing, NaN and a query that is none, as the real server answers them."""
    ready = PromQuery(prometheus, "vector(1)", AT, retries=60)  # it says 503, or nothing yet, while it starts
    (first,) = await ask(ready)
    assert first.ok, first.detail
    queries = {"scalar(vector(0.07))": 0.05, "time()": None, "up": None, "vector(0) / 0": None, "1 +": None}
    outcomes = await ask(*[PromQuery(prometheus, query, AT, max=most) for query, most in queries.items()])
    high, now, nothing, nan, wrong = outcomes
    assert (high.ok, high.detail) == (False, "0.07 is above the maximum 0.05")
    assert now.ok
    assert (nothing.ok, nothing.detail) == (False, "the query has found nothing")
    assert (nan.ok, nan.detail) == (False, "NaN is no value")
    assert not wrong.ok
    assert wrong.detail.startswith("answered 400: ")
    assert "parse error" in wrong.detail

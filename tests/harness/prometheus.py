"""A real Prometheus that watches over addresses of a test, and is asked over its HTTP API like Grafana asks it."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.harness.processes import Process, free_port, wait_until
from tests.tools import require_tool

JOB = "bluegreen"
"""The job label of targets that are given as addresses."""

READY_WITHIN = 30.0

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One request that stands for a bucket."""

    series: Labels
    labels: Labels
    value: float
    at: float
    """Unix seconds."""


class Prometheus:
    """A Prometheus that runs; :func:`prometheus` makes it."""

    def __init__(self, port: int) -> None:
        self._port = port

    @property
    def url(self) -> str:
        """Where it can be asked, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    def query(self, expression: str, *, at: float | None = None) -> list[tuple[Labels, float]]:
        """The samples of an expression now, or at a Unix time. A scalar has no labels."""
        found = self.ask("query", query=expression, **({} if at is None else {"time": at}))
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, expression: str) -> float:
        """The one sample of an expression; not a number where there is none or are several."""
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else math.nan

    def query_range(
        self, expression: str, *, start: float, end: float, step: float
    ) -> list[tuple[Labels, list[tuple[float, float]]]]:
        """The samples of an expression from one Unix time to another, every ``step`` seconds: time and value."""
        found = self.ask("query_range", query=expression, start=start, end=end, step=step)
        return [(each["metric"], [(at, float(value)) for at, value in each["values"]]) for each in found["result"]]

    def exemplars(self, expression: str, *, start: float, end: float) -> list[Exemplar]:
        """The exemplars of the series of an expression between two Unix times."""
        found = self.ask("query_exemplars", query=expression, start=start, end=end)
        return [
            Exemplar(each["seriesLabels"], one["labels"], float(one["value"]), float(one["timestamp"]))
            for each in found
            for one in each["exemplars"]
        ]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule of all groups, with its health, last error and, of an alert, its state."""
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes, with health and last error."""
        active: list[dict[str, Any]] = self.ask("targets", state="active")["activeTargets"]
        return active

    def wait_scraped(self, *, timeout: float = 20.0) -> None:
        """Wait until every target, of which there is one at least, has been scraped from now on and was fine.

        Prometheus takes up to five seconds until it looks at its first target.
        """
        asked = time.time()

        def all_up() -> bool:
            since, targets = self.query(f"timestamp(up) > {asked}"), self.targets()
            return 0 < len(targets) == len(since) and all(value == 1 for _, value in self.query("up"))

        wait_until(all_up, timeout=timeout, what=lambda: f"every target scraped: {self.targets()}")

    def ask(self, call: str, **parameters: object) -> Any:
        """The ``data`` of one call below ``/api/v1``.

        Raises:
            ValueError: Prometheus refused it; the message is what it said.
        """
        status, raw = self._get(f"/api/v1/{call}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(raw)
        if answer["status"] != "success":
            raise ValueError(f"{status} to {call} {parameters}: {answer.get('error')}")
        return answer["data"]

    def ready(self) -> bool:
        """Whether it answers queries."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self._get("/-/ready")[0] == 200
        return False

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@contextlib.contextmanager
def prometheus(
    config: Mapping[str, Any] | Sequence[str], *, rule_files: Sequence[Path] = (), interval: str = "250ms"
) -> Iterator[Prometheus]:
    """Run one until the end of the block; it answers queries when the block begins.

    Args:
        config: what its config file shall hold, or just the addresses (``host:port``) that it shall scrape.
        rule_files: more files with recording and alert rules.
        interval: between two scrapes and two evaluations, of addresses; a whole config says it itself.
    """
    binary = require_tool("prometheus", package="prometheus")
    whole = dict(config) if isinstance(config, Mapping) else _scraping(config, interval)
    whole["rule_files"] = [*whole.get("rule_files", []), *(str(file.resolve()) for file in rule_files)]
    with tempfile.TemporaryDirectory(prefix="prometheus-") as directory:
        folder = Path(directory)
        file, log, port = folder / "prometheus.yml", folder / "stderr", free_port()
        file.write_text(yaml.safe_dump(whole))
        arguments = [
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]
        process = Process(arguments, stderr=log, stdout=folder / "stdout", program=binary)
        try:
            running = Prometheus(port)
            wait_until(lambda: _started(running, process), timeout=READY_WITHIN, what=log.read_text)
            yield running
        finally:
            process.kill()


def _started(running: Prometheus, process: Process) -> bool:
    if process.exit_code is not None:
        raise RuntimeError(f"prometheus ended with {process.exit_code}:\n{process.stderr.read_text()}")
    return running.ready()


def _scraping(addresses: Sequence[str], interval: str) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(addresses)}]}],
    }

"""What one switch costs an operator: from the admin call to its answer, with many upstreams and workers.

Every upstream is a loopback address of its own, all answered by one server, and is really health-checked.
Run: python benchmarks/bench_switch.py [--upstreams 1000] [--workers 4] [--switches 60]
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

READY_WITHIN = 60.0


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def call(port: int, method: str, path: str, body: object = None) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    answer: dict[str, object] = json.loads(response.read())
    connection.close()
    if response.status != 200:
        raise SystemExit(f"{method} {path}: {response.status} {answer}")
    return answer


def write_config(folder: Path, admin: int, upstream: int, upstreams: int, workers: int) -> Path:
    addresses = [f"127.0.{1 + n // 250}.{1 + n % 250}:{upstream}" for n in range(upstreams)]
    half = upstreams // 2
    config = {
        "listen": [f"127.0.0.1:{free_port()}"],
        "workers": workers,
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "access_log": {"format": "off"},
        "services": {
            "default": {
                "pools": {"blue": {"upstreams": addresses[:half]}, "green": {"upstreams": addresses[half:]}},
                "health": {"interval": "60s", "timeout": "5s"},
            }
        },
    }
    path = folder / "bluegreen.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def wait_healthy(admin: int, upstreams: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        try:
            pools = call(admin, "GET", "/v1/services/default")["pools"]
        except (OSError, ValueError):
            time.sleep(0.2)
            continue
        healthy = sum(u["health"] == "healthy" for pool in pools.values() for u in pool["upstreams"])  # type: ignore[attr-defined]
        if healthy == upstreams:
            return
        time.sleep(0.2)
    raise SystemExit("the upstreams did not all become healthy")


def measure(admin: int, switches: int) -> tuple[list[float], list[float]]:
    calls, spreads = [], []
    for number in range(switches):
        begun = time.perf_counter()
        operation = call(admin, "POST", "/v1/services/default/switch", {"to": ("green", "blue")[number % 2]})
        calls.append((time.perf_counter() - begun) * 1e3)
        receipt = operation["receipt"]
        spreads.append(float(receipt["spread_ms"]))  # type: ignore[index]
        call(admin, "GET", f"/v1/operations/{operation['id']}?wait=10s")
    return calls, spreads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstreams", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--switches", type=int, default=60)
    options = parser.parse_args()
    admin, upstream = free_port(), free_port()
    server = Server(("0.0.0.0", upstream), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(Path(folder), admin, upstream, options.upstreams, options.workers)
        program = subprocess.Popen([sys.executable, "-m", "proxy", "run", "--config", str(config)])
        try:
            wait_healthy(admin, options.upstreams)
            calls, spreads = measure(admin, options.switches)
        finally:
            program.terminate()
            program.wait(30)
    print(f"{options.upstreams} upstreams, {options.workers} workers, {options.switches} switches")
    for name, values in (("admin call to answer", calls), ("publish to last worker", spreads)):
        ranks = statistics.quantiles(values, n=20)
        median = statistics.median(values)
        print(f"{name:24} median {median:6.1f} ms   p95 {ranks[-1]:6.1f} ms   max {max(values):6.1f} ms")


if __name__ == "__main__":
    main()

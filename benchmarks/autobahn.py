"""The Autobahn test suite against a WebSocket server, direct and through the front door, case by case.

A front door has no opinion on WebSocket frames, so no case may come out worse through it than without it. A case that
does is run again, up to --again times, for some depend on timing; it counts if it is worse each time.

The suite runs on Python 2.7 alone. It is installed from PyPI into --home at the first run, which takes a minute or two.
Run: python benchmarks/autobahn.py [--python python2.7] [--cases 1.* 2.*] [--compression]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml
from aiohttp import WSMsgType, web

SUITE = "autobahntestsuite==25.10.1"
VIRTUALENV = "virtualenv<20.22"  # the last ones that make environments for Python 2.7
CORE = [f"{chapter}.*" for chapter in range(1, 11)]
COMPRESSION = ["12.*", "13.*"]
GRADES = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")  # from good to bad
AGENTS = ("direct", "through")
READY_WITHIN = 30.0

Results = dict[str, dict[str, tuple[str, str]]]  # agent -> case -> how it behaved, and how it closed


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def suite(home: Path, python: str) -> Path:
    """The suite's program, installed if it is not there yet."""
    wstest = home / "env/bin/wstest"
    if wstest.exists():
        return wstest
    found = shutil.which(python)
    if found is None:
        raise SystemExit(f"no {python} here: the suite runs on Python 2.7 alone; name one with --python")
    run = [found, "-m"]
    subprocess.run([*run, "pip", "install", "--quiet", "--target", str(home / "tools"), VIRTUALENV], check=True)
    environment = {**os.environ, "PYTHONPATH": str(home / "tools")}
    subprocess.run([*run, "virtualenv", "--quiet", str(home / "env")], check=True, env=environment)
    subprocess.run([str(home / "env/bin/pip"), "install", "--quiet", SUITE], check=True)
    return wstest


async def echo(request: web.Request) -> web.WebSocketResponse:
    session = web.WebSocketResponse(max_msg_size=0)
    await session.prepare(request)
    async for message in session:
        if message.type is WSMsgType.TEXT:
            await session.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await session.send_bytes(message.data)
    return session


async def healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def serve_echo(port: int) -> None:
    app = web.Application()
    app.add_routes([web.get("/", echo), web.get("/healthz", healthy)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def start_front_door(folder: Path, upstream: int) -> tuple[subprocess.Popen[bytes], int]:
    door, admin = free_port(), free_port()
    config = {
        "listen": [f"127.0.0.1:{door}"],
        "workers": 1,
        "admin": {"listen": f"127.0.0.1:{admin}"},
        "access_log": {"format": "off"},
        "state": {"path": str(folder / "state.db")},
        "services": {
            "default": {
                "pools": {
                    "blue": {"upstreams": [f"127.0.0.1:{upstream}"]},
                    "green": {"upstreams": [f"127.0.0.1:{upstream}"]},
                }
            }
        },
    }
    (folder / "bluegreen.yaml").write_text(yaml.safe_dump(config))
    program = [sys.executable, "-m", "proxy", "run", "--config", str(folder / "bluegreen.yaml")]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", door), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise SystemExit("the front door does not start") from error
            time.sleep(0.1)
        else:
            return process, door


def run_cases(wstest: Path, folder: Path, ports: dict[str, int], cases: list[str]) -> Results:
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    spec = folder / "spec.json"
    servers = [{"agent": agent, "url": f"ws://127.0.0.1:{port}"} for agent, port in ports.items()]
    spec.write_text(json.dumps({"outdir": str(reports), "servers": servers, "cases": cases, "exclude-cases": []}))
    with (folder / "wstest.log").open("wb") as log:
        command = [str(wstest), "-m", "fuzzingclient", "-s", str(spec)]
        subprocess.run(command, stdout=log, stderr=log, check=True, cwd=folder)
    index = json.loads((reports / "index.json").read_text())
    return {
        agent: {case: (result["behavior"], result["behaviorClose"]) for case, result in results.items()}
        for agent, results in index.items()
    }


def worse(results: Results) -> list[str]:
    """The cases in which the way through is worse than the direct one, in behaviour or in the close."""

    def rank(grades: tuple[str, str]) -> tuple[int, int]:
        first, second = (GRADES.index(grade) if grade in GRADES else len(GRADES) for grade in grades)
        return first, second

    direct, through = (results[agent] for agent in AGENTS)
    return [
        case
        for case, grades in direct.items()
        if any(there > here for here, there in zip(rank(grades), rank(through[case]), strict=True))
    ]


def show(results: Results) -> None:
    print(f"{'':9}{'cases':>7}" + "".join(f"{grade:>15}" for grade in GRADES) + f"{'closed badly':>15}")
    for agent in AGENTS:
        grades = Counter(behaviour for behaviour, _ in results[agent].values())
        badly = sum(close not in {"OK", "INFORMATIONAL"} for _, close in results[agent].values())
        print(f"{agent:9}{grades.total():7}" + "".join(f"{grades[grade]:15}" for grade in GRADES) + f"{badly:15}")
    for agent in AGENTS:
        failed = [case for case, (behaviour, _) in results[agent].items() if behaviour == "FAILED"]
        print(f"failed {agent}: {', '.join(failed) or 'none'}")


def compare(run: Callable[[list[str]], Results], cases: list[str], again: int) -> list[str]:
    results = run(cases)
    show(results)
    left = worse(results)
    for _ in range(again):
        if not left:
            break
        for case in left:
            print(f"{case}: {results['direct'][case]} direct, {results['through'][case]} through; once more")
        results = run(left)
        left = worse(results)
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="python2.7")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "bluegreen-autobahn")
    parser.add_argument("--cases", nargs="+", default=CORE, help="patterns of cases; chapters 1 to 10 if not given")
    parser.add_argument("--compression", action="store_true", help="chapters 12 and 13 as well; they take long")
    parser.add_argument("--again", type=int, default=3)
    options = parser.parse_args()
    wstest = suite(options.home, options.python)
    cases = options.cases + (COMPRESSION if options.compression else [])
    upstream = free_port()
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # most cases break the rules, which is no news here
    threading.Thread(target=asyncio.run, args=(serve_echo(upstream),), daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process, door = start_front_door(folder, upstream)
        try:
            ports = dict(zip(AGENTS, (upstream, door), strict=True))
            left = compare(lambda these: run_cases(wstest, folder, ports, these), cases, options.again)
        finally:
            process.terminate()
            process.wait(60)
    print(f"worse through the front door: {', '.join(left) or 'none'}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())

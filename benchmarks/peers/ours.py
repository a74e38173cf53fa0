"""This front door as it is measured: the program of `make compiled`, and the same as plain Python."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.peers import processes
from benchmarks.peers.prepare import ROOT, VENV
from benchmarks.peers.proxies import Command, Plan, Proxy

COMPILED = ROOT / "build" / "compiled" / "bin" / "python"
PURE = VENV / "bin" / "python"


def programs(compiled: Path) -> dict[str, Path]:
    """Each form of the program that is there, and the Python that runs it."""
    return ({"bluegreen": compiled} if compiled.exists() else {}) | {"bluegreen-pure": PURE}


def run_by(python: Path) -> Proxy:
    """The program with everything on that it has on by default, run by this Python."""

    def bluegreen(plan: Plan) -> Command:
        config = {
            "listen": [f"127.0.0.1:{plan.port}"],
            "workers": plan.workers,
            "admin": {"listen": f"127.0.0.1:{plan.spare_port}"},
            "state": {"path": str(plan.folder / "bluegreen.db")},
            "access_log": {"format": "json" if plan.log else "off", "path": str(plan.folder / "access.log")},
            "services": {
                "default": {
                    "pools": {"blue": {"upstreams": list(plan.servers)}, "green": {"upstreams": []}},
                    "health": {"interval": f"{plan.check_every}s"},
                }
            },
        }
        file = plan.folder / "bluegreen.yaml"
        file.write_text(json.dumps(config))  # JSON is YAML
        # -P: of the two programs the installed one, not the source that this benchmark is started beside.
        return [str(python), "-P", "-m", "proxy", "run", "--config", str(file)]

    return bluegreen


def is_compiled(pid: int) -> bool:
    """Whether a running front door has taken its own modules from compiled files."""
    return processes.maps(pid, r"__mypyc[^ /]*\.so|/proxy/[^ ]*\.so")

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import proxy
from proxy.control.worker import LaunchPlan, Worker, worker_command, worker_environment
from proxy.shm.addresses import ROWS_EACH, AddressTable

HOME = str(Path(proxy.__file__).resolve().parent.parent)


def test_a_worker_runs_the_code_that_we_run(tmp_path: Path) -> None:
    """A folder that happens to be named ``proxy`` where the program was started is not taken for it."""
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "__main__.py").write_text("raise SystemExit('wrong code')")

    done = subprocess.run(
        [*worker_command(), "--help"], cwd=tmp_path, env=worker_environment(os.environ), capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "python -m proxy worker" in done.stdout


def test_the_environment_is_passed_on_and_added_to() -> None:
    """What the operator set stays; our own place comes first, and only once."""
    environment = worker_environment({"TZ": "UTC", "PYTHONPATH": f"/x:{HOME}"}, MARK="1")

    assert environment == {"TZ": "UTC", "MARK": "1", "PYTHONPATH": f"{HOME}:/x"}


def test_a_worker_imports_nothing_that_only_the_control_plane_needs() -> None:
    """It starts fast and stays small."""
    code = "import sys, proxy.dataplane.worker; print(*sys.modules)"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}  # it loads sqlite3
    done = subprocess.run([sys.executable, "-c", code], env=worker_environment(plain), stdout=subprocess.PIPE)

    loaded = set(done.stdout.decode().split())
    assert "uvloop" in loaded
    assert not loaded & {"aiohttp", "pydantic", "yaml", "click", "rich", "prometheus_client", "sqlite3"}


async def test_a_launch_that_fails_gives_everything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor descriptors are lost, wherever it fails: it may be tried again a thousand times."""
    addresses = AddressTable.create(1)
    plan = LaunchPlan(("/nonexistent",), {}, 0, addresses, (), 1)

    def no_socketpair() -> None:
        raise OSError("none left")

    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the names are all that counts
    for _ in range(3):
        with pytest.raises(OSError, match="nonexistent"):
            await Worker.launch(0, plan, lambda worker, message: None)
    monkeypatch.setattr(socket, "socketpair", no_socketpair)
    with pytest.raises(OSError, match="none left"):
        await Worker.launch(0, plan, lambda worker, message: None)

    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1  # noqa: PTH208 - the listing itself has one open
    for _ in range(ROWS_EACH):
        addresses.take_row()
    addresses.close()

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proxy import __version__

ROOT = Path(__file__).parent.parent

FOREIGN = ("aiohttp", "click", "pydantic", "rich", "yaml", "proxy.cli", "proxy.config", "proxy.control")

WORKER = """
import runpy, sys
sys.argv = ["proxy", "worker", "--help"]
try:
    runpy.run_module("proxy", run_name="__main__")
except SystemExit as over:
    assert over.code == 0, over.code
print(*sorted(sys.modules), file=sys.stderr)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The interpreter with some arguments, to its end."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_a_worker_is_started_without_the_command() -> None:
    """``python -m proxy worker`` loads neither the command nor the control plane nor their libraries."""
    done = run("-c", WORKER)

    assert done.stdout.startswith("usage: python -m proxy worker")
    assert not set(FOREIGN) & set(done.stderr.split())


@pytest.mark.parametrize(("arguments", "told"), [(["--version"], __version__), (["--help"], "Usage: bluegreen ")])
def test_everything_else_is_the_command(arguments: list[str], told: str) -> None:
    """``python -m proxy`` is ``bluegreen`` by another name."""
    done = run("-m", "proxy", *arguments)

    assert done.returncode == 0
    assert told in done.stdout

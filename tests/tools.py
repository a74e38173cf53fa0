"""Programs that tests start and that pip does not install; `make tools` does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def require_tool(name: str, *, package: str) -> Path:
    """The path of a program, or the end of the test that needs it: skipped, or failed where CI promises to have it.

    ``package`` is the Debian package that holds it.
    """
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    message = f"{name} is not installed (Debian: apt-get install --no-install-recommends {package}, or make tools)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)

from __future__ import annotations

import re
from pathlib import Path

from proxy.control.admin.problems import STATUS
from proxy.control.admin.table import ROUTES

TEXT = (Path(__file__).parents[3] / "docs" / "admin-api.md").read_text(encoding="utf-8")


def test_every_code_stands_beside_its_status() -> None:
    """The table of errors is complete and true."""
    rows = dict(re.findall(r"^\| (\d{3}) \| (.*) \|$", TEXT, re.MULTILINE))
    for code, status in STATUS.items():
        assert f"`{code.value}`" in rows[str(status.value)]


def test_every_route_is_mentioned() -> None:
    """By its last word and its method."""
    for route in ROUTES:
        tail = route.path.replace("{operation}", "{id}")
        short = "…/" + tail.rpartition("/")[2]
        assert tail in TEXT or short in TEXT, route.path

"""Which modules mypyc is to compile, and which of them are found compiled by those who import them here."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def hook() -> dict[str, list[str]]:
    """What pyproject.toml tells the build hook: packages, and files and folders of them that are left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table: dict[str, list[str]] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return table


def modules_to_compile() -> Iterator[str]:
    """The names of the modules that this comes to."""
    told = hook()
    left_out = {Path(name) for name in told["left-out"]}
    for package in told["packages"]:
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT)
            if file.name != "__init__.py" and left_out.isdisjoint((path, *path.parents)):
                yield ".".join(path.with_suffix("").parts)


def is_compiled(name: str) -> bool:
    """Whether whoever imports a module gets machine code."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None and spec.origin.endswith(".so")


interpreted_only = pytest.mark.skipif(
    is_compiled("proxy.upstream.connection"), reason="what is compiled can neither be patched nor inherited from here"
)
"""For tests that stand in for a part of the program."""

"""The floors of the house: who may import whom, which library is used where, and how large a file may grow.

`docs/dependencies.md` and `CONTRIBUTING.md` tell the reasons. A rule that stands in the way of something good is
changed here, in a commit that says why.
"""

from __future__ import annotations

import graphlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.layers import Module, inner_imports, is_in, read_package

ROOT = Path(__file__).parent.parent

FLOORS = {
    "proxy.traffic": 0,
    "proxy.http1": 0,
    "proxy.config": 1,
    "proxy.logs": 1,
    "proxy.net": 1,
    "proxy.wording": 1,
    "proxy.upstream": 2,
    "proxy.shm": 2,
    "proxy.ipc": 2,
    "proxy.dataplane": 3,
    "proxy.control": 4,
    "proxy.demo": 4,
    "proxy.cli": 5,
    "proxy.__main__": 6,
}
GROUND = "proxy"
"""The package itself holds the version number alone; everybody may read it."""

IMPURE = {"asyncio", "os", "random", "socket", "time", "uvloop"}
"""What floor 0 does without: clock and randomness come in as arguments, bytes and values go out."""

HOMES = {
    # The client asks gates, for which the standard library has nothing that can be cancelled at any moment.
    "aiohttp": ("proxy.control.admin", "proxy.control.gates", "proxy.control.page"),
    "click": ("proxy.cli",),
    "google": ("proxy.control.tracing",),
    "jinja2": ("proxy.control.page",),
    "markupsafe": ("proxy.control.page",),
    "opentelemetry": ("proxy.control.tracing",),
    "prometheus_client": ("proxy.control.metrics",),
    "pydantic": ("proxy.config", "proxy.control.admin", "proxy.control.page"),
    "pydantic_core": ("proxy.config", "proxy.control.admin"),
    "rich": ("proxy.cli",),
    "uvloop": ("proxy.__main__", "proxy.cli", "proxy.control.supervisor", "proxy.dataplane.worker"),
    "yaml": ("proxy.config",),
}
"""One library, one place: where each may be imported. What is not listed may not be imported at all."""

IMPORTED_AS = {
    "Jinja2": {"jinja2", "markupsafe"},
    # Its messages are those of protobuf, which comes with it.
    "opentelemetry-proto": {"opentelemetry", "google"},
    "prometheus-client": {"prometheus_client"},
    # Its compiled half is where pydantic itself says to take the types of its errors from.
    "pydantic": {"pydantic", "pydantic_core"},
    "PyYAML": {"yaml"},
}
"""The import names of a library that differ from its name in pyproject.toml."""

SUPERVISOR_ONLY = {
    "aiohttp",
    "click",
    "google",
    "jinja2",
    "markupsafe",
    "opentelemetry",
    "prometheus_client",
    "pydantic",
    "rich",
    "yaml",
}
"""What a worker never loads: each costs every worker memory and start-up time, and none of them serves a request."""

FILE_LINES = 400
FUNCTION_LINES = 60


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    """Every module of the program."""
    return read_package(ROOT / "proxy")


def test_every_module_stands_on_a_floor(modules: dict[str, Module]) -> None:
    """A new package is given its floor before it is filled."""
    assert [name for name in modules if name != GROUND and package_of(name) is None] == []


def test_imports_go_down(modules: dict[str, Module]) -> None:
    """A package imports only from lower floors; packages on one floor do not know each other."""
    assert climbing_imports(modules) == []


def test_no_import_cycles(modules: dict[str, Module]) -> None:
    """Modules can be read in an order in which each rests on those before it."""
    assert import_cycle(modules) == []


def test_the_lowest_floor_is_pure(modules: dict[str, Module]) -> None:
    """Policy and wire syntax have no loop, socket, clock or randomness of their own."""
    lowest = [module for module in modules.values() if FLOORS.get(package_of(module.name) or "") == 0]
    assert [(module.name, name) for module in lowest for name in module.imports if name.split(".")[0] in IMPURE] == []


def test_each_library_is_used_in_its_place_alone(modules: dict[str, Module]) -> None:
    """What a library costs, and what replacing it would cost, stays in one place."""
    assert strays(modules) == []


def test_libraries_that_are_used_are_declared_and_explained() -> None:
    """pyproject.toml, the places above and docs/dependencies.md speak of the same libraries."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["otlp"]
    declared = {re.split(r"[<>=]", requirement)[0] for requirement in requirements}
    assert set().union(*(IMPORTED_AS.get(name, {name}) for name in declared)) == set(HOMES)

    explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert [name for name in sorted(declared) if f"**{name}**" not in explained] == []


def test_a_worker_loads_nothing_of_the_supervisor() -> None:
    """Importing all that a worker runs loads no library that only the supervisor or the command needs."""
    if not (ROOT / "proxy" / "dataplane" / "worker.py").exists():
        pytest.skip("there is no worker yet")
    program = "import sys, proxy.dataplane.worker; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert SUPERVISOR_ONLY & set(loaded.stdout.split()) == set()


def test_no_file_and_no_function_is_larger_than_the_budget(modules: dict[str, Module]) -> None:
    """What outgrows its one idea is divided."""
    files = [(module.name, module.lines) for module in modules.values() if module.lines > FILE_LINES]
    functions = [
        (module.name, function.name, function.lines)
        for module in modules.values()
        for function in module.functions
        if function.lines > FUNCTION_LINES
    ]
    assert files == []
    assert functions == []


def package_of(name: str) -> str | None:
    """The package with a floor of its own that a module belongs to."""
    return next((package for package in FLOORS if is_in(name, package)), None)


def climbing_imports(modules: Mapping[str, Module]) -> list[tuple[str, str]]:
    """Every import that does not lead to a lower floor, to the same package, or to the ground."""
    return [
        (importer.name, imported.name)
        for importer, imported in inner_imports(modules)
        if imported.name != GROUND and not _goes_down(package_of(importer.name), package_of(imported.name))
    ]


def _goes_down(importer: str | None, imported: str | None) -> bool:
    if importer is None or imported is None:
        return False
    return importer == imported or FLOORS[imported] < FLOORS[importer]


def import_cycle(modules: Mapping[str, Module]) -> list[str]:
    """One cycle of imports, first module repeated at the end, or nothing."""
    sorter = graphlib.TopologicalSorter({name: module.imports & modules.keys() for name, module in modules.items()})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def strays(modules: Mapping[str, Module]) -> list[tuple[str, str]]:
    """Every import of a library outside its place."""
    return [
        (module.name, name)
        for module in modules.values()
        for name in sorted(module.imports)
        if not _is_at_home(module, library=name.split(".")[0])
    ]


def _is_at_home(module: Module, *, library: str) -> bool:
    if library == "proxy" or library in sys.stdlib_module_names:
        return True
    return any(module.is_in(home) for home in HOMES.get(library, ()))


# That the rules bite, on small trees that break them.


def package(folder: Path, **files: str) -> dict[str, Module]:
    """A package `proxy` with the given files; two underscores in a name stand for a slash."""
    for name, source in files.items():
        file = folder / "proxy" / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    return read_package(folder / "proxy")


def test_an_import_upwards_is_seen_wherever_it_stands(tmp_path: Path) -> None:
    """Hiding an import in a function does not hide it from the rule."""
    modules = package(tmp_path, shm__board="def late():\n    from proxy.control import store\n", control__store="")
    assert climbing_imports(modules) == [("proxy.shm.board", "proxy.control.store")]


def test_an_import_of_a_neighbor_is_seen(tmp_path: Path) -> None:
    """Packages on one floor ignore each other."""
    modules = package(tmp_path, traffic__split="import proxy.http1.head\n", http1__head="")
    assert climbing_imports(modules) == [("proxy.traffic.split", "proxy.http1.head")]


def test_a_cycle_is_seen(tmp_path: Path) -> None:
    """Two modules of one package that need each other are one module, or three."""
    modules = package(tmp_path, ipc__a="from proxy.ipc.b import B\n", ipc__b="from proxy.ipc import a\n")
    assert set(import_cycle(modules)) == {"proxy.ipc.a", "proxy.ipc.b"}


def test_a_library_out_of_its_place_is_seen(tmp_path: Path) -> None:
    """A listed library elsewhere and an unlisted one anywhere are both refused."""
    modules = package(tmp_path, config__read="import yaml\n", logs="from yaml.nodes import Node\nimport requests\n")
    assert strays(modules) == [("proxy.logs", "requests"), ("proxy.logs", "yaml.nodes")]


def test_the_libraries_of_the_rules_exist() -> None:
    """A misspelled name in the rules would forbid nothing."""
    assert [name for name in sorted(HOMES) if importlib.util.find_spec(name) is None] == []

"""Reads the imports of a package tree without running any of it.

An import counts wherever it stands: inside a function and under ``TYPE_CHECKING`` it ties two modules together as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Function:
    """One function as it stands in its file."""

    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its dotted name, what it imports (dotted names again), and its size in lines."""

    name: str
    imports: frozenset[str]
    lines: int
    functions: tuple[Function, ...]

    def is_in(self, package: str) -> bool:
        """Whether this is the named module or stands somewhere below it."""
        return is_in(self.name, package)


def is_in(name: str, package: str) -> bool:
    """Whether one dotted name is another or stands somewhere below it."""
    return name == package or name.startswith(f"{package}.")


def read_package(root: Path) -> dict[str, Module]:
    """Every module of the package in the folder ``root``, by its dotted name."""
    files = {_dotted(file, root): file for file in sorted(root.rglob("*.py"))}
    return {name: _read(name, file, known=frozenset(files)) for name, file in files.items()}


def inner_imports(modules: Mapping[str, Module]) -> Iterator[tuple[Module, Module]]:
    """Every pair (who, whom) of modules of the package where one imports the other."""
    for module in modules.values():
        for name in sorted(module.imports & modules.keys()):
            yield module, modules[name]


def _dotted(file: Path, root: Path) -> str:
    parts = file.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, file: Path, *, known: frozenset[str]) -> Module:
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source, filename=str(file))
    return Module(
        name=name,
        imports=frozenset(imported for node in ast.walk(tree) for imported in _imported(node, known=known)),
        lines=len(source.splitlines()),
        functions=tuple(_functions(tree)),
    )


def _imported(node: ast.AST, *, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if node.level or node.module is None:
            raise ValueError(f"line {node.lineno}: relative imports are not read; the style forbids them")
        for alias in node.names:
            submodule = f"{node.module}.{alias.name}"
            yield submodule if submodule in known else node.module


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(node.name, (node.end_lineno or node.lineno) - node.lineno + 1)

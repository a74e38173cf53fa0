"""Compiles the hot path into the wheel when ``BLUEGREEN_COMPILE=1`` asks for it. Otherwise the wheel is pure Python.

Which modules are compiled stands in ``pyproject.toml``, below ``[tool.hatch.build.targets.wheel.hooks.custom]``. The
sources go into the wheel as well, for whoever reads a traceback. An extension is found before the source beside it, so
nothing is ever compiled into the source tree, where it would hide what is being edited.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MYPY_OPTIONS = (
    # Of the modules that are not compiled only the types are needed, and the libraries they use need not be installed.
    "--follow-imports=silent",
    # A cache of other options than those of `make types`.
    "--cache-dir=/dev/null",
)


class CompiledModules(BuildHookInterface[Any]):
    """Adds one extension for each compiled module, and one that holds the code of all of them."""

    def dependencies(self) -> list[str]:
        """What the build needs beyond hatchling."""
        return ["mypy[mypyc]"] if _wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before the wheel's files are gathered."""
        if not _wanted() or version == "editable":
            return
        self._output = TemporaryDirectory(prefix="bluegreen-mypyc-")
        output = Path(self._output.name)
        _compile(sorted(self._modules()), output)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        libraries = output / "lib"
        build_data["force_include"].update(
            {str(file): str(file.relative_to(libraries)) for file in libraries.rglob("*.so")}
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind once the wheel is written."""
        if hasattr(self, "_output"):
            self._output.cleanup()

    def _modules(self) -> Iterator[str]:
        left_out = {Path(self.root, name) for name in self.config["left-out"]}
        for package in self.config["packages"]:
            for file in Path(self.root, package).rglob("*.py"):
                if file.name != "__init__.py" and left_out.isdisjoint((file, *file.parents)):
                    yield str(file.relative_to(self.root))


def _wanted() -> bool:
    return os.environ.get("BLUEGREEN_COMPILE") == "1"


def _compile(modules: list[str], output: Path) -> None:
    # Only a compiled build has these installed.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    extensions = mypycify(
        [*MYPY_OPTIONS, *modules],
        opt_level="3",
        debug_level="0",
        target_dir=str(output / "c"),
        group_name="proxy",
    )
    for extension in extensions:
        # A newer compiler may have new warnings: they are for mypyc's developers and must not end somebody's build.
        extension.extra_compile_args = [flag for flag in extension.extra_compile_args if flag != "-Werror"]
    command = build_ext(Distribution({"name": "bluegreen-proxy", "ext_modules": extensions}))
    command.build_lib, command.build_temp = str(output / "lib"), str(output / "temp")
    command.ensure_finalized()
    command.run()

"""The way in: a file or a text becomes settings, or an error that lists everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from proxy.config.checks import check
from proxy.config.convert import to_settings
from proxy.config.document import Document, read_document
from proxy.config.errors import ConfigError, Problem
from proxy.config.explain import explain
from proxy.config.files import base_folder
from proxy.config.schema import ConfigFile
from proxy.config.settings import Settings
from proxy.config.tree import MAX_BYTES


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check a config file. Raises :class:`ConfigError` with every problem, also when it cannot be read."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError((_encoding_problem(file, error),)) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError((Problem(file, 1, 1, "", f"the file cannot be read: {reason}"),)) from error
    return parse_settings(text, file=file, environ=environ)


def parse_settings(text: str, *, file: str, environ: Mapping[str, str]) -> Settings:
    """Check the text of a config file and make settings of it.

    ``file`` is named in messages, and relative paths start at its folder; it need not exist. ``environ`` is where
    ``${VAR}`` is looked up. Raises :class:`ConfigError` with every problem at once.
    """
    document = read_document(text, file=file, environ=environ)
    config, problems = _validated(document)
    if document.read_well(()):
        problems += check(document)
    if config is None or problems:
        raise ConfigError(_in_order(problems))
    return to_settings(config, base_folder(file))


def _validated(document: Document) -> tuple[ConfigFile | None, list[Problem]]:
    problems = list(document.problems)
    try:
        return ConfigFile.model_validate(document.content), problems
    except ValidationError as error:
        return None, [*problems, *explain(document, error.errors(include_url=False))]


def _in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda problem: (problem.line, problem.column)))


def _encoding_problem(file: str, error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start]
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode("utf-8", errors="replace")) + 1
    message = f"the file is not UTF-8: the byte 0x{error.object[error.start]:02X} does not fit; save it as UTF-8"
    return Problem(file, before.count(b"\n") + 1, column, "", message)

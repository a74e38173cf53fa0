"""Paths that the config names. Relative ones start at the folder of the config file, wherever the program starts."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.config.wording import described


def base_folder(file: str) -> Path:
    """The folder that relative paths of this config file start at. Links are not followed."""
    return Path(file).absolute().parent


def parse_path(value: object) -> str:
    """A path as it was written."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError(f"must be the path of a file, not {described(value)}")
    return value


def program_path(base: Path, written: str) -> Path:
    """Where a program is that may be written relative to ``base``: in one spelling, with links as they are."""
    return Path(os.path.normpath(base / written))


def program_complaint(path: Path) -> str | None:
    """Why this is no program that we can run, or ``None`` if it is."""
    try:
        if not path.is_file():
            return f"{path} is no file" if path.exists() else f"{path} does not exist"
    except OSError as error:
        return f"{path} cannot be run: {error.strerror}"
    return None if os.access(path, os.X_OK) else f"{path} cannot be run by us: it is not executable (chmod +x)"


def secret_file_complaint(path: Path, *, holds: str = "token") -> str | None:
    """Why no secret can be read from this file, or ``None`` if one can. ``holds`` is what it should have in it."""
    try:
        if path.is_dir():
            return f"{path} is a folder, not a file with a {holds}"
        # A pipe or a device could keep us waiting for ever.
        if path.exists() and not path.is_file():
            return f"{path} is not a regular file"
        with path.open("rb") as file:
            return None if file.read(4096).strip() else f"{path} is empty; it must hold the {holds}"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"

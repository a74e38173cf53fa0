"""Paths that the config names. Relative ones start at the folder of the config file, wherever the program starts."""

from __future__ import annotations

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

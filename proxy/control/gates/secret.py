"""What webhooks are signed with."""

from __future__ import annotations

from pathlib import Path

from proxy.config.files import secret_file_complaint


def read_secret(file: Path | None) -> bytes | None:
    """The secret in a file, without white space around it; ``None`` where there is no file.

    Raises:
        ValueError: there is no secret in it, or it cannot be read.
    """
    if file is None:
        return None
    if complaint := secret_file_complaint(file, holds="secret"):
        raise ValueError(complaint)
    return file.read_bytes().strip()

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.control.gates.secret import read_secret


def test_white_space_around_a_secret_is_no_part_of_it(tmp_path: Path) -> None:
    """Editors end files with a line feed."""
    (tmp_path / "secret").write_bytes(b" a secret\n")
    assert read_secret(tmp_path / "secret") == b"a secret"
    assert read_secret(None) is None


def test_a_file_without_a_secret_is_refused(tmp_path: Path) -> None:
    """An empty key would sign what anybody could sign."""
    (tmp_path / "blank").write_text("\n")
    with pytest.raises(ValueError, match="is empty; it must hold the secret"):
        read_secret(tmp_path / "blank")
    with pytest.raises(ValueError, match="cannot be read"):
        read_secret(tmp_path / "gone")

from __future__ import annotations

import os
from pathlib import Path

import pytest

from proxy.config.files import base_folder, parse_path, secret_file_complaint


def test_relative_paths_start_at_the_folder_of_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is absolute, so it stays right when the program changes its folder."""
    monkeypatch.chdir(tmp_path)
    assert base_folder("conf/c.yaml") == tmp_path / "conf"
    assert base_folder("/srv/c.yaml") == Path("/srv")


def test_the_base_is_where_the_config_is_linked(tmp_path: Path) -> None:
    """A config mounted as a link (as Kubernetes does) keeps its neighbours, not those of its target."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "c.yaml").touch()
    (tmp_path / "c.yaml").symlink_to("data/c.yaml")
    assert base_folder(str(tmp_path / "c.yaml")) == tmp_path


@pytest.mark.parametrize("value", ["", None, 5, "a\0b", "a\nb"])
def test_what_is_no_path(value: object) -> None:
    """A path is printable text."""
    with pytest.raises(ValueError, match=r"^must be the path of a file, not "):
        parse_path(value)


def test_a_file_with_a_secret_is_fine(tmp_path: Path) -> None:
    """A readable file with something in it has no complaint."""
    (tmp_path / "token").write_text("secret\n")
    assert secret_file_complaint(tmp_path / "token") is None


def test_why_a_secret_cannot_be_read(tmp_path: Path) -> None:
    """Missing, blank, a folder, a pipe: each has its own words, and the pipe does not keep us waiting."""
    blank, pipe, missing = tmp_path / "blank", tmp_path / "pipe", tmp_path / "missing"
    blank.write_text(" \n")
    os.mkfifo(pipe)
    assert secret_file_complaint(blank) == f"{blank} is empty; it must hold the token"
    assert secret_file_complaint(pipe) == f"{pipe} is not a regular file"
    assert secret_file_complaint(tmp_path) == f"{tmp_path} is a folder, not a file with a token"
    assert secret_file_complaint(missing) == f"{missing} cannot be read: No such file or directory"


def test_a_path_too_long_for_the_system_is_a_complaint() -> None:
    """What the system says is passed on, not raised."""
    assert secret_file_complaint(Path("/" + "x" * 5000)) == f"/{'x' * 5000} cannot be read: File name too long"

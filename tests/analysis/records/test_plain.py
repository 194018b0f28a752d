from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

import analysis
from analysis.errors import AnalysisError
from analysis.records.plain import find_odd

FILES = ("records.db", "manifest.json", "trials.parquet", "study.yaml", "SHA256SUMS", "lock")


def put(path: Path, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as there:
            here = Path.cwd()
            os.chdir(path.parent)  # the path of a socket is short
            there.bind(path.name)
            os.chdir(here)


@pytest.mark.parametrize("kind", ["FIFO", "folder", "loop", "device", "socket"])
@pytest.mark.parametrize("name", FILES)
def test_what_stands_in_the_place_of_a_file_is_named_and_not_opened(
    tmp_path: Path, name: str, kind: str
) -> None:
    put(tmp_path / name, kind)
    ((path, _),) = find_odd(tmp_path)
    assert path == tmp_path / name
    with pytest.raises(AnalysisError, match=name):
        analysis.load(tmp_path)


@pytest.mark.parametrize("kind", ["FIFO", "loop", "device", "socket"])
@pytest.mark.parametrize("name", ["report/index.html", "models/trial-0001/model.json", "report"])
def test_folders_are_looked_through(tmp_path: Path, name: str, kind: str) -> None:
    put(tmp_path / name, kind)
    assert [path for path, _ in find_odd(tmp_path)] == [tmp_path / name]


def test_files_and_links_to_files_are_as_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.db").write_bytes(b"")
    (tmp_path / "records.db").symlink_to("elsewhere.db")
    (tmp_path / "report" / "tables").mkdir(parents=True)
    (tmp_path / "report" / "index.html").write_text("")
    (tmp_path / "notes").mkdir()
    os.mkfifo(tmp_path / "notes" / "of-somebody-else")
    assert list(find_odd(tmp_path)) == []

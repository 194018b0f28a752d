from __future__ import annotations

import os
from pathlib import Path

import pytest

import study
from study.data.sources.downloads import read_download
from study.errors import EnvironmentFaultError

FAKE_KERAS = """
class imdb:
    @staticmethod
    def get_word_index():
        return {"the": 1, "film": 2, "good": 3, "bad": 4}

    @staticmethod
    def load_data(num_words, start_char, oov_char, index_from):
        assert num_words > 4 and start_char is None and index_from == 0
        return ([[1, 2, 3], [4, 2]], [1, 0]), ([[3], [4]], [1, 0])

class datasets:
    imdb = imdb
"""


def install_keras(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "keras.py").write_text(source)
    ours = Path(study.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{ours}")


def test_a_download_is_turned_back_into_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_keras(tmp_path, FAKE_KERAS, monkeypatch)
    rows = read_download("imdb", tmp_path / "cache")
    assert rows.texts == ["the film good", "bad film", "good", "bad"]
    assert rows.labels == ["positive", "negative", "positive", "negative"]
    assert rows.splits == ["train", "train", "test", "test"]


def test_a_download_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_keras(tmp_path, FAKE_KERAS, monkeypatch)
    first = read_download("imdb", tmp_path / "cache")
    install_keras(tmp_path, "raise RuntimeError", monkeypatch)
    assert read_download("imdb", tmp_path / "cache") == first
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["imdb.jsonl"]


def test_a_failed_download_says_why_and_the_way_out_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_keras(tmp_path, "raise OSError('Name or service not known')", monkeypatch)
    with pytest.raises(EnvironmentFaultError) as caught:
        read_download("imdb", tmp_path / "cache")
    message = str(caught.value)
    assert "OSError: Name or service not known" in message
    assert "give a path" in message
    assert "\n" not in message
    assert not list((tmp_path / "cache").iterdir())


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFaultError, match="cannot be written"):
        read_download("imdb", tmp_path / "file")

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from study.data import DataSpec, load_corpus
from study.data.sources import docstrings
from study.data.sources.docstrings import MAX_PER_LIBRARY, MIN_WORDS, mask_names, read_docstrings
from study.errors import DataError

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"

MODULE = f'''
"""A module of {{name}}. {WORDS}"""
import nothing_that_is_there  # this module must never be imported

class Thing:
    """A thing of {{name}}. {WORDS}"""

    def method(self):
        """A method of its own in {{name}}: {{own}}. {WORDS}"""

if True:
    def function():
        """Too short."""

async def shared():
    """Shared by both. {WORDS}"""
'''


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "site"
    for name, own in (("leftlib", "left"), ("rightlib", "right")):
        (root / name / "tests").mkdir(parents=True)
        (root / name / "__init__.py").write_text(MODULE.format(name="numpy", own=own))
        (root / name / "broken.py").write_text('"""' + WORDS)
        (root / name / "tests" / "test_it.py").write_text(f'"""A test of {own}. {WORDS}"""')
    monkeypatch.setattr(
        docstrings, "LIBRARIES", {"leftlib": "leftlib", "rightlib": "rightlib", "absent": "absent"}
    )
    monkeypatch.syspath_prepend(root)
    importlib.invalidate_caches()
    return root


def test_docstrings_are_read_masked_and_without_those_that_are_shared(
    libraries: Path, tmp_path: Path
) -> None:
    rows = read_docstrings(tmp_path / "cache")
    assert dict(zip(rows.labels, rows.texts, strict=True)) == {
        "leftlib": f"A method of its own in library: left. {WORDS}",
        "rightlib": f"A method of its own in library: right. {WORDS}",
    }


def test_the_second_call_reads_no_library(
    libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_docstrings(tmp_path / "cache")
    monkeypatch.setattr(docstrings, "_choose", None)
    assert read_docstrings(tmp_path / "cache") == first


def test_a_class_is_bounded(libraries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        functions = [f'def f{k}():\n    """Number {number} {k}. {WORDS}"""\n' for k in range(40)]
        (libraries / "leftlib" / f"m{number}.py").write_text("".join(functions))
    monkeypatch.setattr(docstrings, "MAX_PER_LIBRARY", 100)
    rows = read_docstrings(tmp_path / "cache")
    texts = [text for text, label in zip(rows.texts, rows.labels, strict=True) if label == "leftlib"]
    assert 90 <= len(texts) <= 100
    per_module = [sum(f"Number {number} " in text for text in texts) for number in range(40)]
    assert max(per_module) == 16


def test_fewer_than_two_libraries_are_no_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "LIBRARIES", {"absent": "absent", "numpy": "numpy"})
    with pytest.raises(DataError, match="found 'numpy'; install"):
        read_docstrings(tmp_path)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("NumPy's np.ndarray", "library's library.ndarray"),
        ("import pandas as pd", "import library as library"),
        ("sklearn.linear_model or scikit-learn", "library.linear_model or library"),
        ("df.to_numpy()", "df.to_library()"),
        ("tf.data with sp.linalg", "library.data with library.linalg"),
        ("an array, a sampler, the raytrace", "an array, a sampler, the raytrace"),
        ("a span sp, the mpls", "a span sp, the mpls"),
        ("SKLearnModel, RayActorError, TFRecord", "libraryModel, libraryActorError, libraryRecord"),
    ],
)
def test_names_and_aliases_are_masked_and_words_are_not(text: str, masked: str) -> None:
    assert mask_names(text) == masked


@pytest.mark.slow
def test_the_installed_libraries_make_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    corpus = load_corpus(DataSpec())
    started_s = time.process_time()
    again = load_corpus(DataSpec())
    assert time.process_time() - started_s < 1
    assert again.fingerprint == corpus.fingerprint
    counts = corpus.splits.class_counts(corpus.labels, len(corpus.classes)).sum(axis=1)
    assert len(counts) >= 5
    assert counts.max() <= MAX_PER_LIBRARY
    assert min(len(text.split()) for text in corpus.texts) >= MIN_WORDS
    assert not [text for text in corpus.texts if "numpy" in text.lower() or "sklearn" in text.lower()]

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from study.data import DataSpec, EncodedCorpus, encode, load_corpus
from study.training.baselines import fit_baselines


@pytest.fixture
def corpus(tmp_path: Path) -> EncodedCorpus:
    """Texts whose label is told by one pair of words and by no word alone."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(300):
        label = int(rng.integers(2))
        pair = "not good" if label else "good not"
        noise = [f"w{i}" for i in rng.integers(0, 20, 6)]
        rows.append(f"{' '.join(noise[:3])} {pair} {' '.join(noise[3:])},{label}")
    path = tmp_path / "texts.csv"
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    spec = DataSpec(source=str(path))
    return encode(load_corpus(spec), spec, tmp_path)


def test_baselines_use_pairs_of_words(corpus: EncodedCorpus, tmp_path: Path) -> None:
    accuracies = {name: accuracy for name, accuracy, _, _ in fit_baselines(corpus, tmp_path)}

    assert accuracies["TF-IDF + logistic regression"] > 0.95
    assert accuracies["NB-SVM"] > 0.95
    assert accuracies["majority class"] < 0.65


def test_figures_are_kept_for_the_same_texts_and_split(corpus: EncodedCorpus, tmp_path: Path) -> None:
    first = fit_baselines(corpus, tmp_path)

    assert fit_baselines(corpus, tmp_path) == first  # seconds included: nothing was fitted again


def test_the_sealed_test_split_is_not_looked_at(
    corpus: EncodedCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    rows_of = type(corpus.splits).rows_of
    monkeypatch.setattr(
        type(corpus.splits),
        "rows_of",
        lambda self, split, **kw: (asked.append(split), rows_of(self, split, **kw))[1],
    )

    fit_baselines(corpus, tmp_path)

    assert set(asked) == {"train", "validation"}


def encode_rows(folder: Path, rows: list[str]) -> EncodedCorpus:
    path = folder / "texts.csv"
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    spec = DataSpec(source=str(path))
    return encode(load_corpus(spec), spec, folder)


@pytest.mark.parametrize("text", ["id{}", "!!!{}!?".replace("{}", ""), "{}"])
def test_a_line_that_cannot_be_drawn_is_left_out_and_said(tmp_path: Path, text: str) -> None:
    corpus = encode_rows(tmp_path, [f"{text.format(i)},{i % 2}" for i in range(60)])
    heard: dict[str, Exception] = {}

    lines = fit_baselines(corpus, tmp_path, heard.__setitem__)

    assert [name for name, *_ in lines] == ["majority class"]
    assert list(heard) == ["TF-IDF + logistic regression", "NB-SVM"]
    assert all("words that two training texts have in common" in str(error) for error in heard.values())


@pytest.mark.parametrize("content", [b"", b"[]]", b"[[1, 2]]", b"[" * 100_000, b"\xff\xfe"])
def test_a_damaged_figure_in_the_cache_is_fitted_again(
    corpus: EncodedCorpus, tmp_path: Path, content: bytes
) -> None:
    first = fit_baselines(corpus, tmp_path)
    (path,) = tmp_path.glob("baselines-*.json")
    path.write_bytes(content)

    assert [line[:3] for line in fit_baselines(corpus, tmp_path)] == [line[:3] for line in first]


def test_a_cache_that_takes_nothing_costs_no_line(corpus: EncodedCorpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert len(fit_baselines(corpus, tmp_path / "file" / "cache")) == 3

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import balanced_accuracy_score, f1_score

from study.data import DataSpec, EncodedCorpus, encode, load_corpus
from study.training.baselines import _fit_logistic_regression, fit_lines


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
    accuracies = {line.name: line.answers["validation"].accuracy for line in fit_lines(corpus, tmp_path)}

    assert accuracies["TF-IDF + logistic regression"] > 0.95
    assert accuracies["NB-SVM"] > 0.95
    assert accuracies["majority class"] < 0.65


def test_figures_are_kept_for_the_same_texts_and_split(corpus: EncodedCorpus, tmp_path: Path) -> None:
    first = [line.fit_s for line in fit_lines(corpus, tmp_path)]

    assert [line.fit_s for line in fit_lines(corpus, tmp_path)] == first  # nothing was fitted again


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

    fit_lines(corpus, tmp_path)

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

    lines = fit_lines(corpus, tmp_path, heard.__setitem__)

    assert [line.name for line in lines] == ["majority class"]
    assert list(heard) == ["TF-IDF + logistic regression", "NB-SVM"]
    assert all("words that two training texts have in common" in str(error) for error in heard.values())


@pytest.mark.parametrize("content", [b"", b"[]]", b"[[1, 2]]", b"[" * 100_000, b"\xff\xfe"])
def test_a_damaged_figure_in_the_cache_is_fitted_again(
    corpus: EncodedCorpus, tmp_path: Path, content: bytes
) -> None:
    first = fit_lines(corpus, tmp_path)
    (path,) = tmp_path.glob("lines-*.json")
    path.write_bytes(content)

    for again, line in zip(fit_lines(corpus, tmp_path), first, strict=True):
        assert again.name == line.name
        assert again.answers["validation"].predicted.tolist() == line.answers["validation"].predicted.tolist()


def test_a_cache_that_takes_nothing_costs_no_line(corpus: EncodedCorpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert len(fit_lines(corpus, tmp_path / "file" / "cache")) == 3


def test_a_line_answers_each_text_and_is_measured_by_its_answers(
    corpus: EncodedCorpus, tmp_path: Path
) -> None:
    truth = corpus.labels_of("validation")

    for line in fit_lines(corpus, tmp_path):
        answers = line.answers["validation"]
        assert answers.accuracy == pytest.approx((answers.predicted == truth).mean())
        assert answers.macro_f1 == pytest.approx(f1_score(truth, answers.predicted, average="macro"))
        assert answers.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, answers.predicted))
        assert (answers.loss is None) == (line.name == "NB-SVM")
        assert answers.roc_auc is not None


def test_the_majority_class_ranks_no_text_above_another(corpus: EncodedCorpus, tmp_path: Path) -> None:
    majority = fit_lines(corpus, tmp_path)[0].answers["validation"]

    assert majority.roc_auc == 0.5
    assert majority.average_precision == pytest.approx(corpus.labels_of("validation").mean())


def test_class_weights_apply_to_the_lines_and_stand_in_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # The rare class has a word of its own in two of three texts, which the common one has in one of nine.
    rows = [
        f"{' '.join(f'w{n}' for n in rng.integers(0, 99, 8))} {'odd' if odd else 'even'},{rare}"
        for i in range(400)
        for rare in [int(i % 12 == 0)]
        for odd in [rng.random() < (0.66 if rare else 0.11)]
    ]
    corpus = encode_rows(tmp_path, rows)

    lines = {
        line.name: line.answers["validation"]
        for line in fit_lines(corpus, tmp_path, class_weights=("none", "balanced"))
    }

    assert list(lines) == [
        "majority class",
        "TF-IDF + logistic regression",
        "NB-SVM",
        "TF-IDF + logistic regression, classes balanced",
        "NB-SVM, classes balanced",
    ]
    plain, balanced = (lines[f"TF-IDF + logistic regression{end}"] for end in ("", ", classes balanced"))
    assert balanced.predicted.sum() > plain.predicted.sum()
    assert balanced.balanced_accuracy > plain.balanced_accuracy


def test_the_test_split_is_answered_only_where_it_is_opened(corpus: EncodedCorpus, tmp_path: Path) -> None:
    sealed, opened = (fit_lines(corpus, tmp_path, open_test=is_open) for is_open in (False, True))

    assert {split for line in sealed for split in line.answers} == {"validation"}
    truth = corpus.labels_of("test", open_test=True)
    for line, again in zip(sealed, opened, strict=True):
        assert again.answers["test"].accuracy == pytest.approx(
            (again.answers["test"].predicted == truth).mean()
        )
        assert again.answers["validation"].accuracy == line.answers["validation"].accuracy


def test_a_class_without_training_texts_is_never_predicted_by_a_line() -> None:
    counts = sparse.csr_matrix(np.eye(6, dtype=np.float32))
    labels = np.array([0, 0, 0, 2, 2, 2], dtype=np.int32)

    score = _fit_logistic_regression(counts, labels, np.ones(3, dtype=np.float32))

    assert score(counts).argmax(axis=1).tolist() == labels.tolist()
    assert np.isneginf(score(counts)[:, 1]).all()

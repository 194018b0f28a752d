"""The lines to beat: simple models on the same texts, tokens and split as the trials."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.records.lines import Answers, Line
from study.data import FIRST_WORD, EncodedCorpus
from study.data.splits import Split
from study.errors import DataError, EnvironmentFaultError
from study.spec.schema import ClassWeight
from study.store.files import write_atomically
from study.training.class_weights import weigh_classes
from study.training.metrics import evaluate

logger = logging.getLogger(__name__)

MAJORITY, TF_IDF, NB_SVM = "majority class", "TF-IDF + logistic regression", "NB-SVM"

Labels: TypeAlias = npt.NDArray[np.int32]
Scorer: TypeAlias = Callable[[sparse.csr_matrix], npt.NDArray[np.floating[Any]]]
"""Scores of counts, before the last activation: shape (n, 1) for two classes, else (n, n_classes)."""

_FORMAT = 2  # raised when the same texts would give other figures


def _raise(_: str, error: Exception) -> None:
    raise error


def fit_lines(
    corpus: EncodedCorpus,
    cache_folder: Path,
    on_fault: Callable[[str, Exception], None] = _raise,
    *,
    class_weights: Sequence[ClassWeight] = ("none",),
    open_test: bool = False,
) -> list[Line]:
    """Fit the lines to beat on the training split, or return what was fitted before on the same.

    The majority class; TF-IDF of words and pairs of words with logistic regression; for two classes also
    NB-SVM. Their vocabulary is that of the whole training split, their settings are fixed in advance. With
    class weights they are fitted under each that the runs are, and say so in their names.

    Args:
        corpus: The encoded texts.
        cache_folder: Where they are kept by fingerprint.
        on_fault: Hears of each that cannot be fitted, by name, and why; the others are fitted all the same.
        class_weights: What the study trains under.
        open_test: Whether they answer the sealed test split too: only where runs do.
    """
    path = cache_folder / f"lines-{_FORMAT}-{_key(corpus, class_weights, open_test)}.json"
    kept = _read_kept(path)
    if kept is not None:
        return kept
    splits: tuple[Split, ...] = ("validation", "test") if open_test else ("validation",)
    # On few cores these are the last that a study waits for: words are counted once for all.
    counts = cache(lambda: _count_timed(corpus, splits))
    train = corpus.labels_of("train")
    fitters: dict[str, Callable[[], Scorer]] = {MAJORITY: lambda: _fit_majority(train, len(corpus.classes))}
    for choice in class_weights:
        weights = weigh_classes(choice, train, corpus.classes)
        for model, fit in _fitters(len(corpus.classes)).items():
            fitters[name_line(model, choice)] = lambda fit=fit, weights=weights: fit(  # type: ignore[misc]
                counts()[0]["train"], train, weights
            )
    lines = []
    for name, make in fitters.items():
        try:
            texts: Mapping[str, Any] = {}
            count_s = 0.0
            if name != MAJORITY:  # which looks at no text
                texts, count_s = counts()
            start = time.perf_counter()
            score = make()
            fit_s = count_s + time.perf_counter() - start
            answers: dict[str, Answers] = {
                split: _answer(score, texts.get(split), name, corpus, split) for split in splits
            }
            lines.append(Line(name=name, fit_s=fit_s, answers=answers))
        except Exception as error:  # whatever a library makes of odd texts: no line is worth the report
            on_fault(name, error)
    if len(lines) == len(fitters):
        try:
            write_atomically(path, json.dumps([_to_document(line) for line in lines]))
        except EnvironmentFaultError as error:
            logger.warning("the cache %s cannot be kept in order: %s", cache_folder, error)
    return lines


def name_line(model: str, choice: ClassWeight) -> str:
    """Return what a line is called that was fitted under class weights."""
    suffix = (
        "" if choice == "none" else ", classes balanced" if choice == "balanced" else ", classes weighted"
    )
    return model + suffix


def _fitters(n_classes: int) -> dict[str, Callable[..., Scorer]]:
    both: dict[str, Callable[..., Scorer]] = {TF_IDF: _fit_logistic_regression}
    return both | {NB_SVM: _fit_nbsvm} if n_classes == 2 else both


def _key(corpus: EncodedCorpus, class_weights: Sequence[ClassWeight], open_test: bool) -> str:
    texts = f"{corpus.fingerprint[:16]}-{corpus.split_fingerprint[:16]}-{corpus.tokens}-{corpus.n_ids}"
    asked = json.dumps([list(class_weights), open_test], sort_keys=True)
    return f"{texts}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def _to_document(line: Line) -> dict[str, Any]:
    answers = {
        split: asdict(own) | {"predicted": own.predicted.tolist()} for split, own in line.answers.items()
    }
    return {"name": line.name, "fit_s": line.fit_s, "answers": answers}


def _read_kept(path: Path) -> list[Line] | None:
    """Return what was fitted before, None where nothing was or it cannot be read."""
    try:
        return [
            Line(
                name=str(line["name"]),
                fit_s=float(line["fit_s"]),
                answers={
                    split: Answers(**own | {"predicted": np.array(own["predicted"], dtype=np.uint16)})
                    for split, own in line["answers"].items()
                },
            )
            for line in json.loads(path.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _answer(
    score: Scorer, counts: sparse.csr_matrix | None, name: str, corpus: EncodedCorpus, split: Split
) -> Answers:
    """Measure a line on a split; `counts` is None where it looks at no text."""
    labels = corpus.labels_of(split, open_test=split == "test")
    scores = score(sparse.csr_matrix((len(labels), 0)) if counts is None else counts)
    predicted = scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(axis=1)
    measures = asdict(evaluate(scores.astype(np.float32), labels))
    if name.startswith(NB_SVM) or not np.isfinite(measures["loss"]):
        measures["loss"] = None  # a margin is no probability
    return Answers(predicted=predicted.astype(np.uint16), **measures)


def _count_timed(
    corpus: EncodedCorpus, splits: Sequence[Split]
) -> tuple[Mapping[str, sparse.csr_matrix], float]:
    """Count as `_count` does, and say in how many seconds: every line would have needed them."""
    for module in ("feature_extraction.text", "linear_model", "svm"):
        import_module(f"sklearn.{module}")  # before the clock starts, or the first line would carry it
    start = time.perf_counter()
    return _count(corpus, splits), time.perf_counter() - start


def _count(corpus: EncodedCorpus, splits: Sequence[Split]) -> Mapping[str, sparse.csr_matrix]:
    """Count words and pairs of neighbours that at least two training texts hold.

    Returns:
        Counts of each split and of `train`, float32, shape (n_texts, n_features).
    """
    rows = {split: corpus.splits.rows_of(split, open_test=split == "test") for split in ("train", *splits)}
    lengths = np.diff(corpus.offsets)
    is_open = np.zeros(len(lengths), dtype=bool)
    is_open[np.concatenate(list(rows.values()))] = True
    of_text = np.repeat(np.arange(len(lengths)), lengths)
    ids = corpus.ids.astype(np.int64)
    words = (ids >= FIRST_WORD) & is_open[of_text]
    pairs = words[:-1] & words[1:] & (of_text[:-1] == of_text[1:])
    codes = np.concatenate([ids[words], (ids[:-1] * corpus.n_ids + ids[1:])[pairs] + corpus.n_ids])
    texts = np.concatenate([of_text[words], of_text[:-1][pairs]])
    _, columns = np.unique(codes, return_inverse=True)
    counts = sparse.coo_matrix(
        (np.ones(len(texts), dtype=np.float32), (texts, columns)),
        shape=(len(lengths), int(columns.max(initial=-1)) + 1),
    ).tocsr()
    counts = counts[:, counts[rows["train"]].getnnz(axis=0) >= 2]
    if counts.shape[1] == 0:
        raise DataError("a line to beat needs words that two training texts have in common: there are none")
    return {split: counts[own] for split, own in rows.items()}


def _fit_majority(train: Labels, n_classes: int) -> Scorer:
    shares = np.bincount(train, minlength=n_classes) / len(train)
    with np.errstate(divide="ignore"):
        scores = np.log(shares)
    scores = scores[1:] - scores[:1] if n_classes == 2 else scores
    return lambda counts: np.tile(scores, (counts.shape[0], 1))


def _fit_logistic_regression(
    counts: sparse.csr_matrix, labels: Labels, weights: npt.NDArray[np.float32]
) -> Scorer:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # SAGA at this tolerance: on ten classes of docstrings more than ten times as fast as the default solver,
    # for 0.1 points of accuracy.
    classifier = LogisticRegression(
        C=10.0, solver="saga", tol=1e-2, random_state=0, class_weight=_by_label(labels, weights)
    )
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), classifier)
    model.fit(counts, labels)

    def score(texts: sparse.csr_matrix) -> npt.NDArray[np.floating[Any]]:
        found: npt.NDArray[np.floating[Any]] = model.decision_function(texts)
        if len(weights) == 2:
            return found[:, np.newaxis]
        if found.ndim == 1:  # two of more classes have training texts
            found = np.column_stack([np.zeros_like(found), found])
        # A class without training texts is never predicted.
        scores = np.full((len(found), len(weights)), -np.inf)
        scores[:, model.classes_] = found
        return scores

    return score


def _fit_nbsvm(counts: sparse.csr_matrix, labels: Labels, weights: npt.NDArray[np.float32]) -> Scorer:
    """Fit a linear SVM on which words occur, weighted by their naive Bayes log-count ratios.

    Source: Wang & Manning (2012), section 2.3, binarised features, smoothing 1, interpolation 0.25.
    """
    from sklearn.svm import LinearSVC

    occurs = counts > 0
    positive, negative = (_share(occurs[labels == label]) for label in (1, 0))
    ratio = sparse.diags(np.log(positive / negative))
    model = LinearSVC(C=1.0, tol=1e-3, random_state=0, class_weight=_by_label(labels, weights))
    model.fit(occurs @ ratio, labels)
    beta = 0.25
    found = model.coef_[0]
    model.coef_ = ((1 - beta) * np.abs(found).mean() + beta * found)[np.newaxis]
    return lambda texts: model.decision_function((texts > 0) @ ratio)[:, np.newaxis]


def _by_label(labels: Labels, weights: npt.NDArray[np.float32]) -> dict[int, float] | None:
    """Weights as scikit-learn takes them, None where all are 1."""
    return None if (weights == 1).all() else {int(n): float(weights[n]) for n in np.unique(labels)}


def _share(occurs: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    smoothed = 1.0 + np.asarray(occurs.sum(axis=0)).ravel()
    return np.asarray(smoothed / smoothed.sum())

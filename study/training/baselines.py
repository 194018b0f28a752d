"""The lines to beat: simple models on the same texts, tokens and split as the trials."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from study.data import FIRST_WORD, EncodedCorpus
from study.errors import DataError, EnvironmentFaultError
from study.store.files import write_atomically

logger = logging.getLogger(__name__)

Baseline = tuple[str, float, float | None, float]
"""Name, validation accuracy in [0, 1], validation loss in nats if it gives probabilities, seconds to fit."""

TF_IDF, NB_SVM = "TF-IDF + logistic regression", "NB-SVM"

_FORMAT = 1  # raised when the same texts would give other figures


def _raise(_: str, error: Exception) -> None:
    raise error


def fit_baselines(
    corpus: EncodedCorpus, cache_folder: Path, on_fault: Callable[[str, Exception], None] = _raise
) -> list[Baseline]:
    """Fit the baselines on the training split, or return what was fitted before on the same texts and split.

    The majority class; TF-IDF of words and pairs of words with logistic regression; for two classes also
    NB-SVM. Their vocabulary is that of the whole training split, their settings are fixed in advance.

    Args:
        corpus: The encoded texts.
        cache_folder: Where figures are kept by fingerprint.
        on_fault: Hears of each that cannot be fitted, by name, and why; the others are fitted all the same.
    """
    key = f"{corpus.fingerprint[:16]}-{corpus.split_fingerprint[:16]}-{corpus.tokens}-{corpus.n_ids}"
    path = cache_folder / f"baselines-{_FORMAT}-{key}.json"
    kept = _read_kept(path)
    if kept is not None:
        return kept
    fitters: dict[str, Callable[..., tuple[float, float | None]]] = {TF_IDF: _fit_logistic_regression}
    if len(corpus.classes) == 2:
        fitters[NB_SVM] = _fit_nbsvm
    # On few cores these are the last that a study waits for: words are counted once for all.
    data = cache(lambda: _gather(corpus))
    baselines = [_majority(corpus.labels_of("train"), corpus.labels_of("validation"))]
    for name, fit in fitters.items():
        try:
            start = time.perf_counter()
            accuracy, loss = fit(*data())
            baselines.append((name, accuracy, loss, time.perf_counter() - start))
        except Exception as error:  # whatever a library makes of odd texts: no line is worth the report
            on_fault(name, error)
    if len(baselines) == 1 + len(fitters):
        try:
            write_atomically(path, json.dumps(baselines))
        except EnvironmentFaultError as error:
            logger.warning("the cache %s cannot be kept in order: %s", cache_folder, error)
    return baselines


def _read_kept(path: Path) -> list[Baseline] | None:
    """Return what was fitted before, None where nothing was or it cannot be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [(str(name), float(accuracy), loss, float(fit_s)) for name, accuracy, loss, fit_s in rows]
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _gather(corpus: EncodedCorpus) -> tuple[Any, ...]:
    """Return counts and labels of the training split, then of the one that validates."""
    features = _count_pairs_and_words(corpus)
    if features.shape[1] == 0:
        raise DataError("a line to beat needs words that two training texts have in common: there are none")
    parts: list[Any] = []
    for split in ("train", "validation"):
        parts += [features[corpus.splits.rows_of(split)], corpus.labels_of(split)]
    return tuple(parts)


def _majority(train: npt.NDArray[np.int32], validation: npt.NDArray[np.int32]) -> Baseline:
    shares = np.bincount(train, minlength=int(validation.max()) + 1) / len(train)
    with np.errstate(divide="ignore"):
        loss = float(-np.log(shares[validation]).mean())
    accuracy = float((validation == shares.argmax()).mean())
    return "majority class", accuracy, loss if np.isfinite(loss) else None, 0.0


def _count_pairs_and_words(corpus: EncodedCorpus) -> sparse.csr_matrix:
    """Count words and pairs of neighbours that at least two training texts hold.

    Returns:
        Counts, float32, shape (n_texts, n_features); rows of the sealed test split stay empty.
    """
    open_rows = np.concatenate([corpus.splits.rows_of("train"), corpus.splits.rows_of("validation")])
    lengths = np.diff(corpus.offsets)
    is_open = np.zeros(len(lengths), dtype=bool)
    is_open[open_rows] = True
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
    in_training = counts[corpus.splits.rows_of("train")].getnnz(axis=0)
    return counts[:, in_training >= 2]


def _fit_logistic_regression(
    x_train: sparse.csr_matrix,
    train: npt.NDArray[np.int32],
    x_validation: sparse.csr_matrix,
    validation: npt.NDArray[np.int32],
) -> tuple[float, float | None]:
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.pipeline import make_pipeline

    # SAGA at this tolerance: on ten classes of docstrings more than ten times as fast as the default solver,
    # for 0.1 points of accuracy.
    classifier = LogisticRegression(C=10.0, solver="saga", tol=1e-2, random_state=0)
    model = make_pipeline(TfidfTransformer(sublinear_tf=True), classifier)
    model.fit(x_train, train)
    probabilities = model.predict_proba(x_validation)
    accuracy = float((model.classes_[probabilities.argmax(axis=1)] == validation).mean())
    return accuracy, float(log_loss(validation, probabilities, labels=model.classes_))


def _fit_nbsvm(
    x_train: sparse.csr_matrix,
    train: npt.NDArray[np.int32],
    x_validation: sparse.csr_matrix,
    validation: npt.NDArray[np.int32],
) -> tuple[float, float | None]:
    """Fit a linear SVM on which words occur, weighted by their naive Bayes log-count ratios.

    Source: Wang & Manning (2012), section 2.3, binarised features, smoothing 1, interpolation 0.25.
    """
    from sklearn.svm import LinearSVC

    occurs, occurs_validation = (x > 0 for x in (x_train, x_validation))
    positive, negative = (_share(occurs[train == label]) for label in (1, 0))
    ratio = sparse.diags(np.log(positive / negative))
    model = LinearSVC(C=1.0, tol=1e-3, random_state=0).fit(occurs @ ratio, train)
    beta = 0.25
    weights = model.coef_[0]
    model.coef_ = ((1 - beta) * np.abs(weights).mean() + beta * weights)[np.newaxis]
    predicted: npt.NDArray[Any] = model.predict(occurs_validation @ ratio)
    return float((predicted == validation).mean()), None


def _share(occurs: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    smoothed = 1.0 + np.asarray(occurs.sum(axis=0)).ravel()
    return np.asarray(smoothed / smoothed.sum())

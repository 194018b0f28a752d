"""The lines to beat: simple models on the same texts, tokens and split as the trials."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from study.data import FIRST_WORD, EncodedCorpus
from study.store.files import write_atomically

Baseline = tuple[str, float, float | None, float]
"""Name, validation accuracy in [0, 1], validation loss in nats if it gives probabilities, seconds to fit."""

_FORMAT = 1  # raised when the same texts would give other figures


def fit_baselines(corpus: EncodedCorpus, cache_folder: Path) -> list[Baseline]:
    """Fit the baselines on the training split, or return what was fitted before on the same texts and split.

    The majority class; TF-IDF of words and pairs of words with logistic regression; for two classes also
    NB-SVM. Their vocabulary is that of the whole training split, their settings are fixed in advance.

    Args:
        corpus: The encoded texts.
        cache_folder: Where figures are kept by fingerprint.
    """
    key = f"{corpus.fingerprint[:16]}-{corpus.split_fingerprint[:16]}-{corpus.n_ids}"
    path = cache_folder / f"baselines-{_FORMAT}-{key}.json"
    if path.exists():
        return [(name, accuracy, loss, fit_s) for name, accuracy, loss, fit_s in json.loads(path.read_text())]
    train, validation = corpus.labels_of("train"), corpus.labels_of("validation")
    features = _count_pairs_and_words(corpus)
    rows = {split: corpus.splits.rows_of(split) for split in ("train", "validation")}
    baselines = [_majority(train, validation)]
    fitters: list[tuple[str, Callable[..., tuple[float, float | None]]]] = [
        ("TF-IDF + logistic regression", _fit_logistic_regression)
    ]
    if len(corpus.classes) == 2:
        fitters.append(("NB-SVM", _fit_nbsvm))
    for name, fit in fitters:
        start = time.perf_counter()
        accuracy, loss = fit(features[rows["train"]], train, features[rows["validation"]], validation)
        baselines.append((name, accuracy, loss, time.perf_counter() - start))
    write_atomically(path, json.dumps(baselines))
    return baselines


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
        shape=(len(lengths), int(columns.max()) + 1),
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

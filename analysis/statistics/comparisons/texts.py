"""The luck of the texts: how far a difference between models would move if others were read.

All runs are judged on the same texts. Where models err on different ones, their scores differ by that alone,
in every run alike: no number of seeds shows it. Which texts each run got right does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.records.predictions import RunKey, keys_of
from analysis.statistics.intervals import Floats

_MOST = 4000
"""Texts that a variance is estimated from: it is then known to a few per cent."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Hits:
    """Which texts each run got right at its best epoch.

    Attributes:
        rows: Row of each run's answers by (trial, phase, replicate).
        table: True where right, shape (n_runs, n_read); all texts, or as many of them as a variance needs.
        n_texts: Texts that the runs were judged on.
    """

    rows: Mapping[RunKey, int]
    table: NDArray[np.bool_]
    n_texts: int

    @property
    def step(self) -> int:
        """One text in this many is kept."""
        return _step(self.n_texts)

    @classmethod
    def of(cls, right: Mapping[RunKey, NDArray[np.bool_]]) -> Hits:
        """Take the answers of all runs, each of shape (n_texts,).

        Of many texts every k-th is kept: their order is one that no model knows.
        """
        n_texts = len(next(iter(right.values()))) if right else 0
        step = _step(n_texts)
        rows = {key: row for row, key in enumerate(right)}
        table = np.array([own[::step] for own in right.values()], dtype=np.bool_).reshape(len(right), -1)
        return cls(rows=rows, table=table, n_texts=n_texts)

    def find(self, runs: pd.DataFrame) -> NDArray[np.int64]:
        """Return the row of each run, by its `RUN_KEY`; -1 where its answers were not kept."""
        return np.array([self.rows.get(key, -1) for key in keys_of(runs)], dtype=np.int64)

    def mean_by_group(self, rows: NDArray[np.int64], group: NDArray[np.int64], n_groups: int) -> Floats:
        """Share of a group's runs that got each text right, shape (n_groups, n_read); NaN where unknown."""
        shares = np.full((n_groups, self.table.shape[1]), np.nan)
        known = rows >= 0
        sizes = np.bincount(group[known], minlength=n_groups)
        is_single = sizes[group] == 1
        alone = known & is_single
        shares[group[alone]] = self.table[rows[alone]]
        for number in np.flatnonzero(sizes > 1):
            shares[number] = self.table[rows[known & (group == number)]].mean(axis=0)
        return shares


def _step(n_texts: int) -> int:
    return max(1, n_texts // _MOST)


def paired_text_variance(
    difference: Floats, setting: NDArray[np.int64], seed: NDArray[np.int64], n_texts: int
) -> float:
    """Variance that the choice of texts gives a mean difference, beyond what runs differ by.

    A text's own part is what pairs of other settings and other seeds agree on: the mean product of their
    differences on it. What a single run gets right by luck shows between runs already, and is not counted
    twice.

    Args:
        difference: Share right of A less that of B for each pair and text, shape (n_pairs, n_read).
        setting: Setting of each pair.
        seed: Seed of each pair.
        n_texts: Texts that scores were measured on.

    Returns:
        In squared shares, at least 0; NaN for fewer than two texts.

    Source: the texts' component of a three-way crossed random-effects design (Searle, Casella & McCulloch,
        1992, ch. 4), by products of disjoint cells as in Owen (2007).
    """
    if difference.size == 0 or difference.shape[1] < 2:
        return float("nan")
    centred = difference - difference.mean(axis=1, keepdims=True)
    n = len(centred)
    total, count = _squares(centred, np.zeros(n, dtype=np.int64))
    groups = [labels for labels in (setting, seed) if len(np.unique(labels)) > 1]
    if groups:
        for labels in groups:
            own, own_count = _squares(centred, labels)
            total, count = total - own, count - own_count
        if len(groups) == 2:
            alone, n_alone = _squares(centred, number_pairs(setting, seed))
            total, count = total + alone, count + n_alone
    if count <= 0:
        return float("nan")
    return float(max(total / count / (centred.shape[1] - 1) / n_texts, 0.0))


def independent_text_variance(shares: ArrayLike, n_texts: int) -> Floats:
    """Variance that the choice of texts gives each share right, if models err independently of each other.

    Of a difference between two that is the sum of both, and wide: they mostly err on the same texts.

    Args:
        shares: In [0, 1], any shape.
        n_texts: Texts that they were measured on.

    Source: one right and one wrong text added, as Agresti & Caffo (2000) do for each of two shares.
    """
    known = (np.asarray(shares, dtype=float) * n_texts + 1) / (n_texts + 2)
    return np.asarray(known * (1 - known) / (n_texts + 2))


def number_pairs(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each distinct pair of labels."""
    _, numbers = np.unique(a * (int(b.max(initial=0)) + 1) + b, return_inverse=True)
    return np.asarray(numbers, dtype=np.int64)


def _squares(centred: Floats, labels: NDArray[np.int64]) -> tuple[float, int]:
    """Sum of squared group totals over all texts, and the number of products in it."""
    if not labels.any():
        return float((centred.sum(axis=0) ** 2).sum()), len(labels) ** 2
    distinct, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(distinct) == len(labels):
        return float((centred**2).sum()), len(labels)
    sums = np.zeros((len(distinct), centred.shape[1]))
    np.add.at(sums, inverse, centred)
    return float((sums**2).sum()), int((sizes**2).sum())


def weighted_text_variance(shares: Floats, weights: Floats, n_texts: int) -> float:
    """Variance that the choice of texts gives a weighted sum of independent units' scores.

    Args:
        shares: Share right of each unit (a setting, or a run) on each text, shape (n_units, n_read).
        weights: Of each unit in the sum: positive on one side, negative on the other.
        n_texts: Texts that scores were measured on.

    Returns:
        In squared shares, at least 0: the variance of the sum over texts, less what the units of a side do
        not agree on, which shows between units already. NaN for fewer than two texts.
    """
    if shares.size == 0 or shares.shape[1] < 2:
        return float("nan")
    variance = float((weights @ shares).var(ddof=1))
    for side in (weights > 0, weights < 0):
        n = int(side.sum())
        if n > 1:
            own = shares[side]
            apart = (own - own.mean(axis=0)).var(axis=1).mean() * n / (n - 1)
            variance -= float(apart * (weights[side] ** 2).sum())
    return max(variance, 0.0) / n_texts

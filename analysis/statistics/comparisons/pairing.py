"""Pairs of runs that differ in one thing only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.records.schema import RUN_KEY
from analysis.statistics.comparisons.contrasts import Contrast, paired_contrast, unpaired_contrast
from analysis.statistics.comparisons.crossed import NO_PART, Part, sum_uncertainty
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.texts import Hits, paired_text_variance, weighted_text_variance
from analysis.statistics.intervals import Floats
from analysis.statistics.settings import Column, number_groups, number_rows

_MIN_SEEDED = 0.5
"""Share of the common settings that must share seeds, or settings are paired with seeds averaged."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Runs of two sides, set side by side.

    Attributes:
        table: One row per pair: `block` (the setting of everything else), `seed` (0 where it is averaged
            over), `a, b` (scores).
        scores: Of the runs that are in some pair, a and b.
        shares_seeds: Whether the two runs of a pair have the same seed.
        text_variance: Gives what the choice of texts adds to the variance of the mean difference; NaN where
            that is not known.
        own_seeds: What seeds add to the variance of the mean difference that only one side ran under.
        coverage: Share of settings in some pair, of the side where it is lower, in [0, 1].
        lesser_coverage: The same of the side with fewer settings; of two alike, where it is lower.
    """

    table: pd.DataFrame
    scores: tuple[Floats, Floats]
    shares_seeds: bool
    coverage: float
    lesser_coverage: float
    text_variance: Callable[[], float]
    own_seeds: Part = NO_PART

    @property
    def n_blocks(self) -> int:
        """Number of settings of everything else that both sides ran."""
        return int(self.table["block"].nunique())


def find_pairs(a: pd.DataFrame, b: pd.DataFrame, on: Sequence[str], hits: Hits | None = None) -> Pairs:
    """Pair runs that agree in parameters and seed; if hardly any share a seed, in parameters alone.

    Runs of one side that agree in everything are averaged.

    Args:
        a: Runs with `seed, setting, score` and the parameters.
        b: The same.
        on: Parameters that must agree; a value not set agrees with another not set.
        hits: Which texts the runs got right; the runs then have their `RUN_KEY` too.
    """
    # Columns, not a table of them: a search is compared a hundred times, a thousand runs at once.
    seed, setting, score = (np.asarray(_set_together(a, b, name)) for name in ("seed", "setting", "score"))
    is_a = np.arange(len(seed)) < len(a)
    block = number_rows((_set_together(a, b, name) for name in on), len(seed))
    keys = {"block": block, "seed": seed}
    seeded, blocked = _join_sides(keys, score, is_a), _join_sides({"block": block}, score, is_a)
    shares_seeds = len(seeded) > 0 and seeded["block"].nunique() >= _MIN_SEEDED * len(blocked)
    table = seeded if shares_seeds else blocked.assign(seed=0)
    is_paired = np.isin(block, table["block"].to_numpy())
    n_tried, shares = {}, {}
    for side, own in (("a", is_a), ("b", ~is_a)):
        n_tried[side] = len(np.unique(setting[own]))
        shares[side] = len(np.unique(setting[own & is_paired])) / max(n_tried[side], 1)
    lesser = min(shares, key=lambda side: (n_tried[side], shares[side]))

    def measure() -> float:
        if hits is None:
            return nan
        rows = hits.find(pd.concat([a[list(RUN_KEY)], b[list(RUN_KEY)]]))
        return _text_variance(rows, is_a, keys, table, shares_seeds, hits)

    sides = is_a & is_paired, ~is_a & is_paired
    is_seeded = shares_seeds or len(table) < 2
    return Pairs(
        table=table,
        scores=(score[sides[0]], score[sides[1]]),
        shares_seeds=shares_seeds,
        text_variance=measure,
        own_seeds=NO_PART if is_seeded else measure_own_seeds(block, seed, score, sides),
        coverage=min(shares.values()),
        lesser_coverage=shares[lesser],
    )


def measure_own_seeds(
    block: NDArray[np.int64], seed: NDArray[Any], score: Floats, sides: Sequence[NDArray[np.bool_]]
) -> Part:
    """What seeds add that the settings of a side share with each other, but not with another side.

    They move all settings of a side alike, so that nothing of it shows between the settings.

    Args:
        block: Setting of each run.
        seed: Its seed.
        score: Its score.
        sides: Runs of each side.

    Returns:
        The variance of the sum of the sides' means over settings; NaN where a side ran under one seed alone.
    """
    parts = [_measure_seeds(block[side], seed[side], score[side]) for side in sides]
    total = sum(variance for variance, _ in parts)
    if not total > 0:
        return total, np.inf
    return total, total**2 / sum(variance**2 / freedom for variance, freedom in parts)


def _measure_seeds(block: NDArray[np.int64], seed: NDArray[Any], score: Floats) -> Part:
    rows, columns = (np.unique(labels, return_inverse=True)[1] for labels in (block, seed))
    n_seeds, sizes = int(columns.max(initial=-1)) + 1, np.bincount(rows)
    if n_seeds == len(columns):  # each run has a seed of its own: that shows between settings
        return NO_PART
    if n_seeds == 1:
        return nan, np.inf
    mean = np.bincount(rows, score) / sizes
    whole = sum_uncertainty((score - mean[rows]) / (len(sizes) * sizes[rows]), rows, columns)
    return NO_PART if whole is None else (max(whole.by_seed, 0.0), n_seeds - 1)


def _set_together(a: pd.DataFrame, b: pd.DataFrame, name: str) -> Column:
    """A column of both sides, a's rows first."""
    sides = a[name], b[name]
    if all(side.dtype.kind in "iuf" for side in sides):
        return np.concatenate([side.to_numpy() for side in sides])
    return pd.concat(sides, ignore_index=True)


def _text_variance(
    rows: NDArray[np.int64],
    is_a: NDArray[np.bool_],
    keys: Mapping[str, NDArray[Any]],
    table: pd.DataFrame,
    shares_seeds: bool,
    hits: Hits,
) -> float:
    paired_by = list(keys) if shares_seeds else ["block"]
    runs = pd.MultiIndex.from_arrays([keys[name] for name in paired_by], names=paired_by)
    group = pd.MultiIndex.from_frame(table[paired_by]).get_indexer(runs)
    is_used = group >= 0
    if (rows[is_used] < 0).any() or not is_used.any():
        return nan
    if not shares_seeds and len(table) == 1:
        sizes = {True: int((is_used & is_a).sum()), False: int((is_used & ~is_a).sum())}
        weights = np.where(is_a, 1 / sizes[True], -1 / sizes[False])[is_used]
        return weighted_text_variance(hits.table[rows[is_used]].astype(float), weights, hits.n_texts)
    a, b = (
        hits.mean_by_group(rows[is_used & side], group[is_used & side], len(table)) for side in (is_a, ~is_a)
    )
    block, seed = (number_groups(table, [name]) for name in ("block", "seed"))
    return paired_text_variance(a - b, block, seed, hits.n_texts)


def _join_sides(keys: Mapping[str, NDArray[Any]], score: Floats, is_a: NDArray[np.bool_]) -> pd.DataFrame:
    """Mean scores of the two sides where both have some: the keys, `a, b`."""
    group = number_rows(keys.values(), len(score))
    n_groups = int(group.max(initial=-1)) + 1
    first = np.zeros(n_groups, dtype=np.int64)
    first[group[::-1]] = np.arange(len(score))[::-1]
    sums, counts = (
        [np.bincount(group, weights * side, minlength=n_groups) for side in (is_a, ~is_a)]
        for weights in (score, np.ones(len(score)))
    )
    known = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    keyed = {name: values[first[known]] for name, values in keys.items()}
    means = [own[known] / n[known] for own, n in zip(sums, counts, strict=True)]
    return pd.DataFrame({**keyed, "a": means[0], "b": means[1]})


def contrast_pairs(pairs: Pairs, rule: Rule, rng: np.random.Generator) -> Contrast:
    """Compare two sides by their pairs; run by run where they share one setting and no seed."""
    if pairs.n_blocks == 1 and not pairs.shares_seeds:
        return unpaired_contrast(*pairs.scores, rule, rng, pairs.text_variance())
    contrast = paired_contrast(pairs.table, rule, pairs.text_variance(), pairs.own_seeds)
    if pairs.shares_seeds:
        return contrast
    return replace(contrast, n_seeds=1 if np.isnan(pairs.own_seeds[0]) else 0)

"""Pairs of runs that differ in one thing only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pandas as pd

from analysis.records.schema import RUN_KEY
from analysis.statistics.comparisons.contrasts import Contrast, paired_contrast, unpaired_contrast
from analysis.statistics.comparisons.rules import Rule
from analysis.statistics.comparisons.texts import Hits, paired_text_variance, weighted_text_variance
from analysis.statistics.settings import number_groups

_MIN_SEEDED = 0.5
"""Share of the common settings that must share seeds, or settings are paired with seeds averaged."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Runs of two sides, set side by side.

    Attributes:
        table: One row per pair: `block` (the setting of everything else), `seed` (0 where it is averaged
            over), `a, b` (scores).
        runs: The runs of the settings that are in some pair, `side` is a or b.
        shares_seeds: Whether the two runs of a pair have the same seed.
        text_variance: Gives what the choice of texts adds to the variance of the mean difference; NaN where
            that is not known.
        coverage: Share of settings in some pair, of the side where it is lower, in [0, 1].
        lesser_coverage: The same of the side with fewer settings; of two alike, where it is lower.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    shares_seeds: bool
    coverage: float
    lesser_coverage: float
    text_variance: Callable[[], float]

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
    read = ["seed", "setting", "score", *on, *(RUN_KEY if hits else [])]
    both = pd.concat([a[read], b[read]], ignore_index=True)
    is_a = np.arange(len(both)) < len(a)
    both["side"] = pd.Categorical(np.where(is_a, "a", "b"))
    both["block"] = block = number_groups(both, on)
    seeded, blocked = _join_sides(both, ["block", "seed"]), _join_sides(both, ["block"])
    shares_seeds = len(seeded) > 0 and seeded["block"].nunique() >= _MIN_SEEDED * len(blocked)
    table = seeded if shares_seeds else blocked.assign(seed=0)
    is_paired = np.isin(block, table["block"].to_numpy())
    setting = both["setting"].to_numpy()
    n_tried, shares = {}, {}
    for side, own in (("a", is_a), ("b", ~is_a)):
        n_tried[side] = len(np.unique(setting[own]))
        shares[side] = len(np.unique(setting[own & is_paired])) / max(n_tried[side], 1)
    lesser = min(shares, key=lambda side: (n_tried[side], shares[side]))
    return Pairs(
        text_variance=lambda: nan if hits is None else _text_variance(both, table, shares_seeds, hits),
        table=table,
        runs=both[is_paired],
        shares_seeds=shares_seeds,
        coverage=min(shares.values()),
        lesser_coverage=shares[lesser],
    )


def _text_variance(both: pd.DataFrame, table: pd.DataFrame, shares_seeds: bool, hits: Hits) -> float:
    rows = hits.find(both)
    keys = ["block", "seed"] if shares_seeds else ["block"]
    group = pd.MultiIndex.from_frame(table[keys]).get_indexer(pd.MultiIndex.from_frame(both[keys]))
    is_used, is_a = group >= 0, (both["side"] == "a").to_numpy()
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


def _join_sides(both: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean scores of the two sides where both have some: the keys, `a, b`."""
    group = number_groups(both, keys)
    n_groups = int(group.max(initial=-1)) + 1
    is_a = (both["side"] == "a").to_numpy()
    score = both["score"].to_numpy(dtype=float)
    first = np.zeros(n_groups, dtype=np.int64)
    first[group[::-1]] = np.arange(len(both))[::-1]
    sums, counts = (
        [np.bincount(group, weights * side, minlength=n_groups) for side in (is_a, ~is_a)]
        for weights in (score, np.ones(len(both)))
    )
    known = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    keyed = {name: both[name].to_numpy()[first[known]] for name in keys}
    means = [own[known] / n[known] for own, n in zip(sums, counts, strict=True)]
    return pd.DataFrame({**keyed, "a": means[0], "b": means[1]})


def contrast_pairs(pairs: Pairs, rule: Rule, rng: np.random.Generator) -> Contrast:
    """Compare two sides by their pairs; run by run where they share one setting and no seed."""
    if pairs.n_blocks == 1 and not pairs.shares_seeds:
        a, b = (pairs.runs.loc[pairs.runs["side"] == side, "score"] for side in ("a", "b"))
        return unpaired_contrast(a, b, rule, rng, pairs.text_variance())
    contrast = paired_contrast(pairs.table, rule, pairs.text_variance())
    return contrast if pairs.shares_seeds else replace(contrast, n_seeds=0)

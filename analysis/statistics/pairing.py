"""Pairs of runs that differ in one thing only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.contrasts import Contrast, paired_contrast, unpaired_contrast
from analysis.statistics.rules import Rule
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
        coverage: Share of settings in some pair, of the side where it is lower, in [0, 1].
        lesser_coverage: The same of the side with fewer settings; of two alike, where it is lower.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    shares_seeds: bool
    coverage: float
    lesser_coverage: float

    @property
    def n_blocks(self) -> int:
        """Number of settings of everything else that both sides ran."""
        return int(self.table["block"].nunique())


def find_pairs(a: pd.DataFrame, b: pd.DataFrame, on: Sequence[str]) -> Pairs:
    """Pair runs that agree in parameters and seed; if hardly any share a seed, in parameters alone.

    Runs of one side that agree in everything are averaged.

    Args:
        a: Runs with `seed, setting, score` and the parameters.
        b: The same.
        on: Parameters that must agree; a value not set agrees with another not set.
    """
    read = ["seed", "setting", "score", *on]
    both = pd.concat([a[read], b[read]], ignore_index=True)
    both["side"] = np.repeat(["a", "b"], [len(a), len(b)])
    both["block"] = number_groups(both, on)
    seeded, blocked = _join_sides(both, ["block", "seed"]), _join_sides(both, ["block"])
    shares_seeds = len(seeded) > 0 and seeded["block"].nunique() >= _MIN_SEEDED * len(blocked)
    table = seeded if shares_seeds else blocked.assign(seed=0)
    runs = both[both["block"].isin(table["block"])]
    tried, paired = (frame.groupby("side")["setting"].nunique() for frame in (both, runs))
    shares = {side: float(paired.get(side, 0) / tried.get(side, 1)) for side in ("a", "b")}
    lesser = min(shares, key=lambda side: (tried.get(side, 0), shares[side]))
    return Pairs(
        table=table,
        runs=runs,
        shares_seeds=shares_seeds,
        coverage=min(shares.values()),
        lesser_coverage=shares[lesser],
    )


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
    keyed = both[keys].iloc[first[known]].reset_index(drop=True)
    return keyed.assign(a=sums[0][known] / counts[0][known], b=sums[1][known] / counts[1][known])


def contrast_pairs(pairs: Pairs, rule: Rule, rng: np.random.Generator) -> Contrast:
    """Compare two sides by their pairs; run by run where they share one setting and no seed."""
    if pairs.n_blocks == 1 and not pairs.shares_seeds:
        a, b = (pairs.runs.loc[pairs.runs["side"] == side, "score"] for side in ("a", "b"))
        return unpaired_contrast(a, b, rule, rng)
    return paired_contrast(pairs.table, rule, rng)

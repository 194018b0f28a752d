"""All else held equal by an additive model of the settings' means, where a design does not hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.additive import AdditiveFit, fit_additive
from analysis.statistics.comparisons.texts import Hits, weighted_text_variance
from analysis.statistics.intervals import Floats
from analysis.words.labels import label_factor
from analysis.words.numbers import listing


def fit_settings(runs: pd.DataFrame, levels: Mapping[str, pd.Series[Any]]) -> AdditiveFit:
    """The additive model of the settings' mean scores."""
    first = runs.drop_duplicates("setting").set_index("setting")
    means = runs.groupby("setting")["score"].mean().reindex(first.index)
    first_rows = runs.drop_duplicates("setting").index
    own = {name: values.reindex(first_rows).set_axis(first.index) for name, values in levels.items()}
    return fit_additive(means, own)


def measure_texts(
    fit: AdditiveFit, runs: pd.DataFrame, hits: Hits | None
) -> Callable[[Floats], float] | None:
    """What the choice of texts adds to a weighted sum of the settings' means."""
    if hits is None:
        return None
    rows = hits.find(runs)
    if (rows < 0).any():
        return None
    known = hits

    def measure(weights: Floats) -> float:
        indices = pd.Index(fit.settings).get_indexer(runs["setting"]).astype(np.int64)
        shares = known.mean_by_group(rows, indices, len(weights))
        return weighted_text_variance(shares, weights, known.n_texts)

    return measure


def find_confounders(fit: AdditiveFit, factor: str, a: Any, b: Any) -> str:
    """The factors that always went together with two levels; nothing where the levels could be told apart."""
    difference = fit.margin(factor, a) - fit.margin(factor, b)
    if fit.determines(difference):
        return ""
    others = [name for name in fit.levels if name != factor]
    guilty = [label_factor(name) for name in others if fit.determines(difference, without=name)]
    return listing(guilty) or "other factors together"

"""Simple effects: the levels of a factor compared at each level of another that changes what it does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.statistics.comparisons.rules import RULE, Rule
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.intervals import Seed
from analysis.statistics.settings import check_columns, parameter_columns
from analysis.statistics.verdicts.runs_by_level import CHOSEN, gather_by_level
from analysis.statistics.verdicts.table import as_row, finish_table
from analysis.words.labels import varied_parameters


def compare_within(
    trials: pd.DataFrame,
    pairs: Iterable[tuple[str, str]],
    score: str = "val_accuracy",
    *,
    strata: Iterable[str] = (),
    hits: Hits | None = None,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the levels of one factor at each level of another; one family of comparisons.

    As `compare_levels`, on the completed runs of the search at one level of the other factor.

    Args:
        trials: The contract's table.
        pairs: Factors to compare, each with the one at whose levels it is compared.
        score: A share, more is better.
        strata: Factors among whose levels the scheduler did not choose, but within each.
        hits: Which texts each run got right, if `score` is the share of them.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per pair, level of the second factor and two levels of the first: `factor, a, b, at_factor,
        at_level`, then the columns of evidence.
    """
    pairs = tuple(pairs)
    varied = varied_parameters(trials, parameter_columns(trials))
    check_columns(trials, [name for pair in pairs for name in pair], "trials")
    trials = trials[trials["phase"] == "search"].reset_index(drop=True)
    table = gather_by_level(
        trials,
        (*varied, *(name for pair in pairs for name in pair)),
        score,
        states=("completed",),
        hits=hits,
        rule=rule,
        rng=np.random.default_rng(seed),
    )
    rows = []
    for factor, other in pairs:
        chosen = table.was_chosen(trials, factor) & (factor not in set(strata))
        for level in table.levels[other].cat.categories:
            part = table.at(other, level)
            for a, b in combinations(table.levels[factor].cat.categories, 2):
                contrast, notes, confounded = part.compare(factor, a, b)
                names = {"factor": factor, "a": a, "b": b, "at_factor": other, "at_level": level}
                row = as_row(names, contrast, notes, hits is not None)
                confounded = confounded or (CHOSEN if chosen[a] or chosen[b] else "")
                rows.append(row | {"confounded": confounded})
    return finish_table(rows, ("factor", "a", "b", "at_factor", "at_level"), rule)

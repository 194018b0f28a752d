"""Levels of factors compared, each with each: all else held equal by pairs, or by an additive model.

`a` is always the side that is ahead. Only completed runs are compared, unless the caller gives scores at
an equal number of epochs (`settings.scores_at_epoch`) and names the states that those hold for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def compare_levels(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    states: Sequence[str] = ("completed",),
    strata: Iterable[str] = (),
    hits: Hits | None = None,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare the levels of factors, each with each; one family of comparisons.

    Runs are paired where all other parameters and the seed agree (else all other parameters, seeds
    averaged), if such pairs cover at least half of the settings of both levels. Elsewhere, as in a search,
    levels were tried in different company: then all else is held equal by an additive model of the settings'
    means, `balanced` is false, and the note says so. That removes what other factors add, not what they
    change in this one's effect. Where it says nothing either, as around the baseline of an ablation, pairs
    that cover half of the settings of the level with fewer are compared after all: they hold all else equal,
    but speak for that company alone, as the note says. Numeric factors with many values are compared by
    ranges.

    Runs of the search alone. A run that diverged or failed is an outcome of its level. Where the side that is
    ahead without such runs had more of them, they count as no better than the worst that completed; "better"
    then needs both comparisons to point the same way, and the note gives the other one. Where a scheduler
    stopped runs for being weak, those left were chosen, and levels cannot be told apart from that choice:
    compare scores at an equal epoch instead.

    Args:
        trials: The contract's table.
        factors: Parameters to compare; by default those that vary.
        score: A share, more is better.
        states: Ends that count.
        strata: Factors among whose levels the scheduler did not choose, but within each.
        hits: Which texts each run got right, if `score` is the share of them; without it a verdict is about
            these texts.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per factor and two of its levels: `factor, a, b`, then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    varied = varied_parameters(trials, parameter_columns(trials))
    names = varied if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    trials = trials[trials["phase"] == "search"].reset_index(drop=True)
    table = gather_by_level(trials, (*varied, *names), score, states=states, hits=hits, rule=rule, rng=rng)
    levels = table.levels
    ended = ~trials["state"].isin(["completed", "running"]) & ~trials.index.isin(table.runs.index)
    fair = set(strata)
    rows = []
    for name in names:
        left_out = levels[name][ended].value_counts()
        chosen = table.was_chosen(trials, name)
        for a, b in combinations(levels[name].cat.categories, 2):
            contrast, notes, confounded = table.compare(name, a, b)
            if (chosen[a] or chosen[b]) and name not in fair:
                confounded = confounded or CHOSEN
            row = as_row({"factor": name, "a": a, "b": b}, contrast, notes, hits is not None)
            rows.append(row | {"n_left_out": int(left_out[a] + left_out[b]), "confounded": confounded})
    return finish_table(rows, ("factor", "a", "b"), rule)

"""Runs that came to nothing, as outcomes: how many at each level, and what they do to comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.files import as_records
from analysis.statistics.comparisons.rules import RULE, Rule
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.intervals import LEVEL, wilson_interval
from analysis.statistics.settings import CUT_SHORT, check_columns, factor_levels, parameter_columns
from analysis.statistics.verdicts.runs_by_level import CHOSEN, LostRuns, gather_by_level
from analysis.statistics.verdicts.table import as_row, finish_table
from analysis.words.labels import varied_parameters

NO_FLOOR = -math.inf

KINDS: tuple[LostRuns, LostRuns] = ("left out", "worst")

_TURNED = ("effect_pp", "effect_low_pp", "effect_high_pp")
_AS_IS = ("answer", "method", "unit", "n_pairs", "n_units", "p_value", "more", "more_of", "confounded")
_TOLD = (*_TURNED, *_AS_IS)


def collapse_floor(majority_share: float, n_texts: int, best: float) -> float:
    """Accuracy up to which a run that completed cannot be told from saying the most frequent class always.

    Args:
        majority_share: Of the most frequent class among the texts.
        n_texts: Texts that runs were judged on.
        best: The highest accuracy of any run: where none clearly learned, none can be said to have collapsed.

    Returns:
        The upper end of Wilson's interval of the share; minus infinity where nothing can be said.
    """
    if not n_texts or not np.isfinite(majority_share) or not np.isfinite(best):
        return NO_FLOOR
    high = float(wilson_interval(majority_share * n_texts, n_texts, LEVEL)[1])
    return high if best > majority_share + 3 * (high - majority_share) else NO_FLOOR


def share_lost(
    trials: pd.DataFrame, factors: Iterable[str] | None = None, floor: float = NO_FLOOR
) -> pd.DataFrame:
    """How many runs came to nothing at each level: failed, diverged, or collapsed to one class.

    Runs of the search that ended by themselves; those that a scheduler or a time limit stopped had no chance
    to.

    Args:
        trials: The contract's table.
        factors: By default those that vary.
        floor: Accuracy up to which a completed run counts as collapsed.

    Returns:
        One row per factor and level: `factor, level, n_runs, n_failed, n_diverged, n_collapsed, share, low,
        high` (Wilson's interval, runs as cases).
    """
    trials = trials[trials["phase"] == "search"].reset_index(drop=True)
    names = varied_parameters(trials, parameter_columns(trials)) if factors is None else tuple(factors)
    check_columns(trials, names, "trials")
    ended = ~trials["state"].isin([*CUT_SHORT, "running"])
    flags = pd.DataFrame(
        {
            "n_runs": ended,
            "n_failed": trials["state"] == "failed",
            "n_diverged": trials["state"] == "diverged",
            "n_collapsed": _is_collapsed(trials, floor),
        }
    ).astype(int)
    parts = [
        flags.groupby(factor_levels(trials[name]), observed=True)
        .sum()
        .rename_axis("level")
        .reset_index()
        .assign(factor=name)
        .astype({"level": object})
        for name in names
    ]
    columns = ["factor", "level", "n_runs", "n_failed", "n_diverged", "n_collapsed"]
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    n_lost = table[["n_failed", "n_diverged", "n_collapsed"]].sum(axis=1)
    low, high = wilson_interval(n_lost, table["n_runs"])
    return table.assign(share=n_lost / table["n_runs"].where(table["n_runs"] > 0), low=low, high=high)


def _is_collapsed(trials: pd.DataFrame, floor: float) -> pd.Series[bool]:
    accuracy = pd.to_numeric(trials["val_accuracy"]).astype(float)
    return (trials["state"] == "completed") & (accuracy <= floor)


def compare_lost(
    trials: pd.DataFrame,
    factors: Iterable[str] | None = None,
    score: str = "val_accuracy",
    *,
    floor: float = NO_FLOOR,
    strata: Iterable[str] = (),
    hits: Hits | None = None,
    rule: Rule = RULE,
    most: int = 12,
) -> pd.DataFrame:
    """Compare levels twice where either lost runs: without these runs, and with them as the worst.

    Args:
        trials: The contract's table.
        factors: By default those that vary.
        score: A share, more is better.
        floor: Accuracy up to which a completed run counts as collapsed.
        strata: As in `compare_levels`.
        hits: As in `compare_levels`.
        rule: What a verdict must satisfy.
        most: Pairs of levels, those whose shares of lost runs differ most; each way is one family.

    Returns:
        One row per two levels of which one lost a run: `factor, a, b` (`a` is ahead without them), `n_lost_a,
        n_lost_b`, then for `without` and `worst` what `compare_levels` says: `effect_pp_, effect_low_pp_,
        effect_high_pp_, answer_, method_, unit_, n_pairs_, n_units_, p_value_, more_, more_of_, confounded_`.
    """
    lost = share_lost(trials, factors, floor)
    names = list(dict.fromkeys(lost["factor"]))
    search = trials[trials["phase"] == "search"].reset_index(drop=True)
    tables = {
        kind: gather_by_level(
            search,
            [*varied_parameters(trials, parameter_columns(trials)), *names],
            score,
            states=("completed",),
            hits=hits,
            rule=rule,
            rng=np.random.default_rng(0),
            lost_runs=kind,
            floor=floor,
        )
        for kind in KINDS
    }
    pairs = _most_unlike(lost, most)
    answered = {}
    for kind, table in tables.items():
        rows = []
        for factor, a, b in pairs:
            contrast, notes, confounded = table.compare(factor, a, b)
            if factor not in set(strata) and table.was_chosen(search, factor)[[a, b]].any():
                confounded = confounded or CHOSEN
            row = as_row({"factor": factor, "a": a, "b": b}, contrast, notes, hits is not None)
            rows.append(row | {"confounded": confounded})
        answered[kind] = finish_table(rows, ("factor", "a", "b"), rule)
    n_lost = {
        (row["factor"], row["level"]): int(row["n_failed"] + row["n_diverged"] + row["n_collapsed"])
        for row in as_records(lost)
    }
    found = [
        _set_side_by_side(without, worst, n_lost)
        for without, worst in zip(*(as_records(answered[kind]) for kind in KINDS), strict=True)
    ]
    columns = ["factor", "a", "b", "n_lost_a", "n_lost_b"]
    columns += [f"{name}_{how}" for how in ("without", "worst") for name in _TOLD]
    return pd.DataFrame(found, columns=columns)


def _most_unlike(lost: pd.DataFrame, most: int) -> list[tuple[str, Any, Any]]:
    """The pairs of levels of which one lost a run, those whose shares of lost runs differ most first."""
    pairs = [
        (abs(a["share"] - b["share"]), a, b)
        for _, own in lost.groupby("factor", sort=False)
        for a, b in combinations(as_records(own), 2)
        if a["share"] > 0 or b["share"] > 0
    ]
    ordered = sorted(pairs, key=lambda pair: -np.nan_to_num(pair[0]))[:most]
    return [(a["factor"], a["level"], b["level"]) for _, a, b in ordered]


def _set_side_by_side(
    without: dict[str, Any], worst: dict[str, Any], n_lost: dict[tuple[str, Any], int]
) -> dict[str, Any]:
    sign = 1 if worst["a"] == without["a"] else -1
    ends = sorted(sign * worst[name] for name in ("effect_low_pp", "effect_high_pp"))
    sides = {f"n_lost_{side}": n_lost.get((without["factor"], without[side]), 0) for side in ("a", "b")}
    return (
        {name: without[name] for name in ("factor", "a", "b")}
        | sides
        | {f"{name}_without": without[name] for name in _TOLD}
        | {f"{name}_worst": worst[name] for name in _AS_IS}
        | {"effect_pp_worst": sign * worst["effect_pp"]}
        | {"effect_low_pp_worst": ends[0], "effect_high_pp_worst": ends[1]}
    )

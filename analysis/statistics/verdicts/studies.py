"""Studies compared over the settings that they share."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.records.schema import StudyFacts
from analysis.statistics.comparisons.pairing import contrast_pairs, find_pairs
from analysis.statistics.comparisons.rules import RULE, Rule
from analysis.statistics.intervals import Seed
from analysis.statistics.settings import parameter_columns, scored_runs
from analysis.statistics.verdicts.fairness import find_differences, say_differences
from analysis.statistics.verdicts.table import as_row, finish_table
from analysis.words.numbers import count


def compare_studies(
    studies: Mapping[str, pd.DataFrame],
    score: str = "val_accuracy",
    *,
    facts: Mapping[str, StudyFacts] | None = None,
    rule: Rule = RULE,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Compare studies over the settings that they share, each study with each.

    Args:
        studies: `trials` tables by name.
        score: A share, more is better.
        facts: By name; what two studies differ in besides their settings, the note says.
        rule: What a verdict must satisfy.
        seed: Starts the bootstrap.

    Returns:
        One row per two studies: `a, b`, then the columns of evidence.
    """
    rng = np.random.default_rng(seed)
    studies = {name: trials[trials["phase"] == "search"] for name, trials in studies.items()}
    rows = []
    for a, b in combinations(studies, 2):
        runs = [scored_runs(studies[name], score) for name in (a, b)]
        shared = [name for name in parameter_columns(runs[0]) if name in parameter_columns(runs[1])]
        pairs = find_pairs(runs[0], runs[1], shared)
        notes = _judge_fairness(facts or {}, a, b)
        if not pairs.n_blocks:
            notes.append("no setting completed in both")
        elif pairs.coverage < 1:
            notes.append("only settings that both completed are compared")
        ends = pd.concat([studies[name]["state"] for name in (a, b)]).value_counts()
        unmeasured = int(ends.get("completed", 0)) - sum(map(len, runs))
        if unmeasured:
            notes.append(f"{count(unmeasured, 'completed run has', 'completed runs have')} no {_name(score)}")
        left_out = int(ends.drop(["completed", "running"], errors="ignore").sum())
        contrast = contrast_pairs(pairs, rule, rng)
        row = as_row({"a": a, "b": b}, contrast, notes, knows_texts=False)
        rows.append(row | {"n_left_out": left_out})
    return finish_table(rows, ("a", "b"), rule)


def _name(score: str) -> str:
    return score.replace("val_", "validation ").replace("_", " ")


def _judge_fairness(facts: Mapping[str, StudyFacts], a: str, b: str) -> list[str]:
    if a not in facts or b not in facts:
        return []
    other = [found for found in find_differences({name: facts[name] for name in (a, b)}) if found.is_of_runs]
    return [f"not like for like: the studies differ in {say_differences(other)}"] if other else []

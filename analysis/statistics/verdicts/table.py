"""Tables of verdicts: one row per comparison, turned so that `a` is ahead, corrected and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.comparisons.contrasts import Contrast
from analysis.statistics.comparisons.rules import Rule, correct_p_values, decide
from analysis.words.numbers import count, listing

KINDS = {
    "method": "object",
    "unit": "object",
    "balanced": "bool",
    "n_pairs": "int64",
    "n_units": "int64",
    "n_settings": "int64",
    "n_seeds": "int64",
    "n_left_out": "int64",
    "mean_a": "float64",
    "mean_b": "float64",
    "effect_pp": "float64",
    "error_pp": "float64",
    "freedom": "float64",
    "effect_low_pp": "float64",
    "effect_high_pp": "float64",
    "p_better": "float64",
    "p_better_error": "float64",
    "p_better_low": "float64",
    "p_better_high": "float64",
    "p_value": "float64",
    "p_corrected": "float64",
    "p_best": "float64",
    "n_comparisons": "int64",
    "answer": "object",
    "more": "Int64",
    "more_of": "object",
    "scope": "object",
    "confounded": "object",
    "by_setting": "float64",
    "by_seed": "float64",
    "by_both": "float64",
    "by_texts": "float64",
    "note": "object",
}
"""Columns of every table of verdicts, behind those that name what was compared."""

_DECIDED = ("p_corrected", "n_comparisons", "answer", "more", "more_of")


def as_row(
    names: dict[str, Any], contrast: Contrast, notes: Sequence[str], knows_texts: bool
) -> dict[str, Any]:
    """One comparison, turned so that `a` is ahead."""
    if contrast.effect < 0:
        names = {**names, "a": names["b"], "b": names["a"]}
        contrast = contrast.reverse()
    half = contrast.half_width
    if contrast.method == "regression":
        adjusted = "not balanced: other parameters held equal by an additive model, not by the design"
        notes = [*notes, adjusted]
    return {
        **names,
        **asdict(contrast),
        "balanced": contrast.method != "regression",
        "n_left_out": 0,
        "effect_pp": 100 * contrast.effect,
        "error_pp": 100 * contrast.error,
        "effect_low_pp": 100 * (contrast.effect - half),
        "effect_high_pp": 100 * (contrast.effect + half),
        "scope": _scope(contrast, knows_texts, "factor" in names),
        "confounded": "",
        "p_best": np.nan,
        "note": "; ".join(notes),
    }


def _scope(contrast: Contrast, knows_texts: bool, is_of_levels: bool) -> str:
    """What a verdict is about where a source of chance could not be estimated: `for this seed`."""
    if contrast.method == "none":
        return ""
    held = []
    if is_of_levels and contrast.n_settings == 1:
        held.append("this setting of all else")
    if contrast.method != "unpaired" and contrast.n_seeds == 1:
        held.append("this seed")
    if not knows_texts or np.isnan(contrast.by_texts):
        held.append("this validation split")
    return f"for {listing(held)}" if held else ""


def _say_left_out(n: int) -> str:
    return f"{count(n, 'run')} that did not complete {'is' if n == 1 else 'are'} left out"


def finish_table(
    rows: list[dict[str, Any]],
    names: tuple[str, ...],
    rule: Rule,
    *,
    family_size: int = 0,
    corrected: bool = False,
) -> pd.DataFrame:
    """The comparisons of one family as a table, corrected unless they are already, and answered."""
    for row in rows:
        if row["n_left_out"]:
            parts = [row["note"], _say_left_out(row["n_left_out"])]
            row["note"] = "; ".join(part for part in parts if part)
    table = pd.DataFrame(
        {
            name: pd.Series([row[name] for row in rows], dtype=KINDS.get(name, "object"))
            for name in (*names, *KINDS)
            if name not in _DECIDED
        }
    )
    p_values = table["p_value"].to_numpy()
    table["p_corrected"] = p_values if corrected else correct_p_values(p_values, family_size)
    table["n_comparisons"] = max(int((~np.isnan(p_values)).sum()), family_size)
    return decide(table, rule)[[*names, *KINDS]]

"""The rule that verdicts follow: how sure, how large, how many runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import stdtrit

from analysis.errors import AnalysisError
from analysis.records.files import as_records
from analysis.statistics.intervals import MIN_BOOTSTRAPPED, RESAMPLES, Floats
from analysis.words.verdicts import MIN_UNITS

ANSWERS = ("better", "equivalent", "inside the noise", "not enough runs", "cannot be told apart")

_SIGN_TEST, _MANN_WHITNEY = 4, 6
"""Noether's factors: of pairs, and of runs on each of two equal sides."""

_MOST_TIMES = 100.0
"""Nobody repeats a study more often than this to settle one difference."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a verdict must satisfy.

    Attributes:
        alpha: Chance of calling anything better where nothing is, over all comparisons made at once.
        power: Chance of finding a meaningful difference that the number of pairs asked for gives.
        meaningful: P(A>B) from which a difference is worth knowing (Bouthillier et al., 2021).
        margin: Difference in scores under which nobody would act: half a point unless a study says otherwise.
        min_units: Fewer pairs than this support no verdict but "not enough runs".
        resamples: Bootstrap draws for each interval.
    """

    alpha: float = 0.05
    power: float = 0.9
    meaningful: float = 0.75
    margin: float = 0.005
    min_units: int = MIN_UNITS
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        """Check each value.

        Raises:
            AnalysisError: If one is out of range.
        """
        for name, low, high in (("alpha", 0, 1), ("power", 0, 1), ("meaningful", 0.5, 1), ("margin", 0, 1)):
            value = getattr(self, name)
            if not low < value < high:
                raise AnalysisError(
                    f"{name} lies between {low} and {high}, not {value!r}: give one in between"
                )
        for name, least in (("min_units", 2), ("resamples", 1)):
            value = getattr(self, name)
            if value < least:
                raise AnalysisError(f"{name} is at least {least}, not {value!r}: raise it")


RULE = Rule()
"""The rule that reports judge by, but for a study's own margin."""


def rule_of(spec: Mapping[str, Any]) -> Rule:
    """The rule for a study: its spec's `margin` is in points.

    Raises:
        AnalysisError: If that is no number above 0 and below 100.
    """
    margin = spec.get("margin", 100 * RULE.margin)
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 < margin < 100:
        raise AnalysisError(
            f"the margin under which nobody would act is above 0 and below 100 points, not {margin!r}: "
            "give e.g. 0.5"
        )
    return replace(RULE, margin=margin / 100)


def pairs_needed(rule: Rule = RULE, n_comparisons: int = 1) -> int:
    """Pairs at which the sign test finds P(A>B) = `rule.meaningful` with the rule's power.

    Args:
        rule: The rule.
        n_comparisons: Made at once: each then has an n-th of `rule.alpha`.

    Source: Noether (1987), sign test: (z_{1 - alpha/2} + z_power)^2 / (4 (p - 1/2)^2).
    """
    return int(_noether(rule, n_comparisons, _SIGN_TEST))


def runs_needed(rule: Rule = RULE, n_comparisons: int = 1) -> int:
    """Runs on each side, without pairs, at which the Mann-Whitney test does the same.

    Source: Noether (1987), two samples of equal size: (z_{1 - alpha/2} + z_power)^2 / (6 (p - 1/2)^2). With
        alpha one-sided it is the formula, and the 29 runs, of Bouthillier et al. (2021).
    """
    return int(_noether(rule, n_comparisons, _MANN_WHITNEY))


def _noether(rule: Rule, n_comparisons: ArrayLike, factor: ArrayLike) -> Floats:
    z_alpha = stats.norm.isf(rule.alpha / (2 * np.maximum(n_comparisons, 1)))
    spread = (z_alpha + stats.norm.ppf(rule.power)) / (rule.meaningful - 0.5)
    return np.asarray(np.ceil(spread**2 / factor))


def correct_p_values(p_values: ArrayLike, family_size: int = 0) -> Floats:
    """P-values corrected for all comparisons of a family, NaN where there is none.

    Args:
        p_values: Shape (n,); NaN is no comparison.
        family_size: Number of comparisons that these were picked from, if more than these; the others count
            as comparisons with p = 1.

    Source: Holm (1979): the i-th smallest times m - i + 1, never below the one before, at most 1. By hand,
        for statsmodels' `multipletests` collects garbage at each call, which costs more than all the rest.
    """
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)[: int((~np.isnan(p_values)).sum())]
    factors = max(len(order), family_size) - np.arange(len(order))
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected


def decide(comparisons: pd.DataFrame, rule: Rule = RULE) -> pd.DataFrame:
    """Answer each comparison.

    - Cannot be told apart: what was compared always went together with something else (`confounded`).
    - Equivalent: the 90% interval of the effect lies inside of plus and minus `rule.margin`.
    - Better: the corrected p-value is at most `rule.alpha`, and the interval of P(A>B) lies above 1/2.
    - Inside the noise: neither, with at least ten units, and the 90% interval of P(A>B) lies inside of
      (1 - meaningful, meaningful): a difference worth knowing would have shown.
    - Not enough runs: anything else, with what is missing in `more` and `more_of`.

    Args:
        comparisons: With `method, n_units, n_settings, n_seeds, effect_pp, error_pp, freedom, by_setting,
            by_seed, by_both, by_texts, p_better, p_better_error, p_better_low, p_corrected, n_comparisons,
            confounded`.
        rule: The rule.

    Returns:
        The same with `answer`, `more` (Int64, missing where more of the same would not help) and `more_of`
        (`seed`, `setting` or `run`).

    Source: two one-sided tests, Schuirmann (1987), each at `rule.alpha`: hence 90% intervals.
    """
    table = comparisons
    low, corrected, n_units, share, share_error, freedom, effect, error = (
        table[name].to_numpy(dtype=float)
        for name in (
            "p_better_low", "p_corrected", "n_units", "p_better", "p_better_error", "freedom", "effect_pp",
            "error_pp",
        )
    )  # fmt: skip
    reach = stdtrit(np.where(np.isfinite(freedom), freedom, 1e9), 1 - rule.alpha)
    is_confounded = (table["confounded"] != "").to_numpy(dtype=bool)
    equivalent = (np.abs(effect) + reach * error <= 100 * rule.margin) & (error > 0)
    equivalent &= n_units >= rule.min_units
    better = (corrected <= rule.alpha) & (low > 0.5)
    excluded = np.abs(share - 0.5) + reach * share_error < rule.meaningful - 0.5
    excluded &= n_units >= MIN_BOOTSTRAPPED
    answer = np.select(
        [is_confounded, equivalent, better, excluded],
        ["cannot be told apart", "equivalent", "better", "inside the noise"],
        default="not enough runs",
    )
    texts = pd.Series(answer, index=table.index, dtype="object")
    plans = [
        plan_more(row, rule) if said == "not enough runs" else (None, "")
        for row, said in zip(as_records(table), answer, strict=True)
    ]
    return table.assign(
        answer=texts,
        more=pd.array([more for more, _ in plans], dtype="Int64"),
        more_of=pd.Series([of for _, of in plans], index=table.index, dtype="object"),
    )


def plan_more(row: Mapping[str, Any], rule: Rule = RULE) -> tuple[int | None, str]:
    """How many more, and of what, until a comparison is likely to be answered.

    Either way counts: a difference of the size that was seen would be called better with the rule's power,
    or what was seen would be found inside the noise with it. Parts of the variance that more of the same does
    not lessen stay, so that seeds are not asked for where settings differ, nor anything where texts decide.
    Below `rule.min_units` it is what makes up that number, and more where the little that is known asks for
    it.

    Args:
        row: One comparison, as `decide` takes it.
        rule: The rule.

    Returns:
        None where no number would do, or nothing is known.

    Source: n for a given power from the normal approximation, (z_{1 - alpha/2} + z_power)^2 V / effect^2,
        with Student's quantiles for the freedom that the larger study would have. The variance is taken as it
        was seen: of very few runs, the larger study tells less often.
    """
    if row["method"] == "none":
        return None, ""
    least = max(rule.min_units - int(row["n_units"]), 1)
    is_known = row["error_pp"] > 0
    more, of = _plan(row, rule) if is_known else (None, "")
    if more is not None:
        return max(more, least), of
    return (least, str(row["unit"])) if row["n_units"] < rule.min_units or not is_known else (None, "")


def _plan(row: Mapping[str, Any], rule: Rule) -> tuple[int | None, str]:
    unit = str(row["unit"])
    counts = {"seed": row["n_seeds"], "setting": row["n_settings"]}
    if unit == "run":
        counts = {"run": row["n_units"]}
    choices = []
    for of, n in counts.items():
        factor = _times_needed(row, of, rule) if n >= 2 or of == unit else None
        if factor is not None:
            size = max(int(n), 1)
            choices.append((max(math.ceil(size * factor) - size, 1), of))
    return min(choices, default=(None, ""))


def _times_needed(row: Mapping[str, Any], of: str, rule: Rule) -> float | None:
    """By how much seeds, settings or runs must be multiplied; None where no hundredfold would do."""
    own = row["by_setting"] if of == "setting" else row["by_seed"]
    lessened = own + row["by_both"]
    total = (row["error_pp"] / 100) ** 2
    stays = max(total - lessened, 0.0)
    effect, share = abs(row["effect_pp"]) / 100, abs(row["p_better"] - 0.5)
    gap = rule.meaningful - 0.5 - share
    alpha = rule.alpha / (2 * max(row["n_comparisons"], 1))
    for factor in np.geomspace(1.0, _MOST_TIMES, 120):
        freedom = max(row["freedom"] * factor, 1.0)
        variance = stays + lessened / factor
        error = row["p_better_error"] * np.sqrt(variance / total)
        often = stdtrit(freedom, rule.power)
        # "Better" asks for both: a small p-value, and an interval of P(A>B) above one half.
        is_told = (stdtrit(freedom, 1 - alpha) + often) ** 2 * variance <= effect**2
        if is_told and (stdtrit(freedom, 1 - rule.alpha / 2) + often) * error <= share:
            return float(factor)
        enough = row["n_units"] * factor >= MIN_BOOTSTRAPPED
        if enough and gap > 0 and (stdtrit(freedom, 1 - rule.alpha) + often) * error < gap:
            return float(factor)
    return None

"""The best setting against simple models: on the same texts, and with the luck of having been picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from analysis.records.lines import LineAnswers
from analysis.records.predictions import RunKey, classes_of, keys_of
from analysis.records.schema import Objective
from analysis.statistics.comparisons.crossed import quantile_t, two_sided_p
from analysis.statistics.comparisons.macro_f1 import macro_f1, resample_macro_f1
from analysis.statistics.comparisons.texts import Hits, paired_text_variance
from analysis.statistics.intervals import LEVEL, Floats
from analysis.statistics.settings import scored_runs

COLUMNS = (
    "name", "accuracy", "setting", "mean", "n_runs", "n_settings", "paired", "luck",
    "difference", "low", "high", "low_alone", "high_alone", "p_value", "by_luck", "answer",
    "f1_line", "f1", "f1_difference", "f1_low", "f1_high", "f1_answer", "objective", "objective_line",
)  # fmt: skip

_MOST_RUNS = 10
"""Runs of the setting whose answers are read: more would tell little more."""

_MOST_SETTINGS = 500
"""Settings above which Bonferroni's bound stands for what they have in common."""

_DRAWS = 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Answered:
    """What is known of the texts that all were judged on.

    Attributes:
        labels: True classes, shape (n_texts,).
        n_classes: How many there are.
        predictions: Of runs, by (trial, phase, replicate), as they were kept.
        lines: Classes that lines take the texts for, by name.
        hits: Which texts every run got right; None where that is not known of all.
    """

    labels: NDArray[np.integer[Any]]
    n_classes: int
    predictions: Mapping[RunKey, NDArray[np.floating[Any]]]
    lines: LineAnswers
    hits: Hits | None = None

    def classes_by(self, runs: pd.DataFrame) -> NDArray[np.int64] | None:
        """What runs take the texts for, shape (n_runs, n_texts); None unless all of them were kept."""
        keys = keys_of(runs.head(_MOST_RUNS))
        if not all(key in self.predictions for key in keys):
            return None
        return np.array([classes_of(self.predictions[key]) for key in keys])


@dataclass(frozen=True)
class _Seeds:
    """What seeds move the mean of a setting's runs by: a variance, and its degrees of freedom."""

    variance: float
    freedom: float

    @classmethod
    def of(cls, values: pd.Series[float], groups: pd.Series[int], setting: int) -> _Seeds:
        """By the setting's own runs; of a single run, by how far those of the others lie apart."""
        own = values[groups == setting]
        if len(own) > 1:
            return cls(float(own.var()) / len(own), len(own) - 1)
        return cls(*_pool(values, groups.to_numpy()))

    def join(self, by_texts: float) -> tuple[float, float]:
        """Standard error and freedom with the texts' part (Satterthwaite, 1946)."""
        total = self.variance + by_texts
        if not self.variance:
            return float(np.sqrt(total)), np.inf
        return float(np.sqrt(total)), self.freedom * (total / self.variance) ** 2


def _pool(values: pd.Series[float], group: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Variance between runs of a setting, over all settings, and its freedom; 0 where none has two runs."""
    freedom = len(values) - len(np.unique(group))
    if freedom < 1:
        return 0.0, np.inf
    apart = values - values.groupby(group).transform("mean")
    return float((apart**2).sum() / freedom), freedom


@dataclass(frozen=True, eq=False)
class _Race:
    """The settings that the best was picked from, compared with one line.

    Attributes:
        n: How many.
        correlation: Of their differences from the line, shape (n, n); None where it is not known.
    """

    n: int
    correlation: Floats | None = field(default=None, repr=False)

    @cached_property
    def _leads(self) -> Floats | None:
        """Draws of all settings' standardized leads where none is better than the line, (n_draws, n)."""
        if self.correlation is None or self.n < 2:
            return None
        values, vectors = np.linalg.eigh(self.correlation)
        root = vectors * np.sqrt(np.clip(values, 0, None))
        return np.asarray(np.random.default_rng(0).normal(size=(_DRAWS, self.n)) @ root.T)

    def share(self, alpha: float) -> float:
        """The error rate that each setting may have, that all together have one of `alpha`."""
        if self._leads is None:
            return alpha / self.n
        reach = float(np.quantile(np.abs(self._leads).max(axis=1), 1 - alpha))
        return float(np.clip(2 * special.ndtr(-reach), alpha / self.n, alpha))

    def chance(self, one_sided: float) -> float:
        """How often the luckiest leads by as much as one setting alone would in a share of `one_sided`."""
        if self._leads is None:
            return float(-np.expm1(self.n * np.log1p(-min(one_sided, 1 - 1e-12))))
        found = float((self._leads.max(axis=1) >= -special.ndtri(one_sided)).mean())
        return float(np.clip(found, one_sided, min(self.n * one_sided, 1.0)))


def compare_with_lines(
    trials: pd.DataFrame,
    lines: pd.DataFrame,
    n_texts: int,
    *,
    objective: Objective = "val_accuracy",
    answered: Answered | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """The best setting against simple models that read the same texts.

    The setting was picked, so that what is said of it holds for any of as many: fresh seeds, where it has
    some, pick nothing. Where answers were kept, all is paired by text; else errors count as independent, and
    settings as having nothing in common, both of which is wide.

    Args:
        trials: The contract's table; a `score` in it is the accuracy less the luck of its best epoch.
        lines: `BASELINE_COLUMNS`, of which `name, val_accuracy` are needed, and the objective if it is known.
        n_texts: Texts that all were judged on.
        objective: By what the setting was picked.
        answered: What runs and lines said of each text, if known.
        level: Coverage of the intervals.

    Returns:
        One row per line, the most accurate first, `COLUMNS`: `name, accuracy, setting, mean` (of the
        setting), `n_runs` (seeds that judge it), `n_settings` (it was picked from), `paired` (by text),
        `luck` (of the best epoch, taken off the difference), `difference, low, high` (for the best of all
        settings; the `_alone` ends for one that was not picked), `p_value` (of one that was not picked;
        McNemar's exact test for one run), `by_luck` (how often the luckiest of as many settings, all as good
        as the line, would lead it by as much), `answer` (`above`, `below`, or `not told`); then the same of
        macro-F1, missing where answers were not kept; then the `objective` of the setting's runs and
        `objective_line`, missing where it is not known.

    Source: seeds by Student's variance of the mean; texts by `paired_text_variance`, for one run as in
        Agresti & Min (2005), half a text added to each kind; McNemar (1947), exact; the best of many settings
        by the maximum of their correlated differences from one line (Dunnett, 1955); macro-F1 by a bootstrap
        over texts, with Bonferroni's correction. Without answers a difference of independent shares, after
        Agresti & Caffo (2000).
    """
    fresh, runs = (scored_runs(trials, objective, phase=phase) for phase in ("confirm", "search"))
    judged = fresh if len(fresh) else runs
    judged = judged[judged["val_accuracy"].notna()]
    if judged.empty or lines.empty or not n_texts:
        return pd.DataFrame(columns=list(COLUMNS))
    means = judged.groupby("setting")["score"].mean()
    position = means.to_numpy().argmin() if objective == "val_loss" else means.to_numpy().argmax()
    setting = int(means.index.to_numpy()[position])
    own = judged[judged["setting"] == setting]
    mean = float(own["val_accuracy"].mean())
    settled = trials["score"].reindex(own.index) if "score" in trials else own["val_accuracy"]
    shared = {
        "setting": setting,
        "mean": mean,
        "n_runs": len(own),
        "n_settings": len(means),
        "luck": mean - float(settled.mean()),
        "objective": float(means.iloc[position]),
    }
    seeds = _Seeds.of(judged["val_accuracy"], judged["setting"], setting)
    classes = None if answered is None else answered.classes_by(own)
    rows = []
    ordered = lines.sort_values("val_accuracy", ascending=False, kind="stable")
    for name, accuracy in zip(ordered["name"], ordered["val_accuracy"].astype(float), strict=True):
        race, p_exact = _Race(len(means)), None
        paired = answered is not None and classes is not None and name in answered.lines
        if answered is not None and classes is not None and paired:
            right = classes == answered.labels
            by_texts, p_exact = _pair(right, answered.lines[name] == answered.labels)
            race = _Race(len(means), _correlate(judged, answered, name))
        else:
            by_texts = _part(mean, accuracy, n_texts)
        error = seeds.join(by_texts)
        told = _tell(mean - shared["luck"] - accuracy, *error, p_exact, race, level)
        rows.append({"name": name, "accuracy": accuracy, "paired": paired, **shared, **told})
    table = pd.DataFrame(rows)
    if objective in lines:
        table["objective_line"] = ordered[objective].to_numpy(dtype=float)
    if answered is not None and classes is not None:
        table = table.join(_compare_f1(judged, setting, answered, classes, level), on="name")
    return table.reindex(columns=list(COLUMNS))


def _pair(right: NDArray[np.bool_], line: NDArray[np.bool_]) -> tuple[float, float | None]:
    """The texts' variance of the difference, and for one run McNemar's exact p-value."""
    n_runs, n = right.shape
    if n_runs > 1:
        numbers = np.arange(n_runs)
        difference = right.astype(float) - line
        # What a single run gets right by luck shows between runs already.
        found = paired_text_variance(difference, np.zeros(n_runs, dtype=np.int64), numbers, n)
        return max(float(np.nan_to_num(found)), 1 / (n + 2) ** 2), None
    ahead, behind = int((right[0] & ~line).sum()), int((~right[0] & line).sum())
    apart = ahead + behind
    variance = (apart + 1 - (ahead - behind) ** 2 / (n + 2)) / (n + 2) ** 2
    return variance, float(stats.binomtest(ahead, apart).pvalue) if apart else 1.0


def _part(mean: float, accuracy: float, n_texts: int) -> float:
    shares = np.array([(share * n_texts + 1) / (n_texts + 2) for share in (mean, accuracy)])
    return float((shares * (1 - shares)).sum() / (n_texts + 2))


def _correlate(judged: pd.DataFrame, answered: Answered, name: str) -> Floats | None:
    """How the settings' differences from a line move together when other texts are read, and other seeds."""
    hits = answered.hits
    group, labels = pd.factorize(judged["setting"])
    if hits is None or len(labels) > _MOST_SETTINGS:
        return None
    rows = hits.find(judged)
    if (rows < 0).any():
        return None
    shares = hits.mean_by_group(rows, group, len(labels))
    line = (answered.lines[name] == answered.labels)[:: hits.step]
    covariance = np.atleast_2d(np.cov(shares - line)) / hits.n_texts
    # A setting's seeds are its own luck: what they add beyond the texts is shared with no other.
    by_setting = judged["val_accuracy"].groupby(group)
    seeds = (by_setting.var() / by_setting.size()).fillna(_pool(judged["val_accuracy"], group)[0])
    alone = np.maximum(np.diag(covariance), 1 / (hits.n_texts + 2) ** 2) + seeds.to_numpy()
    np.fill_diagonal(covariance, alone)
    scale = np.sqrt(alone)
    return np.asarray(covariance / np.outer(scale, scale))


def _tell(
    difference: float, error: float, freedom: float, p_exact: float | None, race: _Race, level: float
) -> dict[str, Any]:
    """What is said of a difference for a setting alone, and for the best of many."""
    t_value = difference / error
    p_value = two_sided_p(t_value, freedom) if p_exact is None else p_exact
    share = race.share(1 - level)
    alone, reach = (quantile_t(1 - alpha / 2, freedom) * error for alpha in (1 - level, share))
    p_ahead = two_sided_p(t_value, freedom) / 2
    answer = "not told"
    if abs(difference) > reach and p_value <= share:
        answer = "above" if difference > 0 else "below"
    return {
        "difference": difference,
        "low": difference - reach,
        "high": difference + reach,
        "low_alone": difference - alone,
        "high_alone": difference + alone,
        "p_value": p_value,
        "by_luck": race.chance(p_ahead if difference > 0 else 1 - p_ahead),
        "answer": answer,
    }


def _compare_f1(
    judged: pd.DataFrame, setting: int, answered: Answered, classes: NDArray[np.int64], level: float
) -> pd.DataFrame:
    """The same of macro-F1, by the line's name; seeds by `val_macro_f1` of all runs, where it is known."""
    names, n_runs = list(answered.lines), len(classes)
    everyone = np.vstack([classes, *(answered.lines[name] for name in names)])
    scores = macro_f1(answered.labels, everyone, answered.n_classes)
    draws = resample_macro_f1(answered.labels, everyone, answered.n_classes)
    apart = draws[:, :n_runs].mean(axis=1, keepdims=True) - draws[:, n_runs:]
    mean = float(scores[:n_runs].mean())
    known = judged[judged["val_macro_f1"].notna()]
    own = pd.Series(scores[:n_runs])
    seeds = _Seeds.of(own, pd.Series(0, index=own.index), 0)
    if n_runs == 1 and len(known):
        seeds = _Seeds.of(known["val_macro_f1"], known["setting"], setting)
    race, rows = _Race(int(judged["setting"].nunique())), []
    for index, name in enumerate(names):
        line = float(scores[n_runs + index])
        least = 1 / (len(answered.labels) + 2) ** 2
        error = seeds.join(max(float(apart[:, index].var(ddof=1)), least))
        told = _tell(mean - line, *error, None, race, level)
        kept = {f"f1_{key}": told[key] for key in ("difference", "low", "high", "answer")}
        rows.append({"name": name, "f1_line": line, "f1": mean, **kept})
    return pd.DataFrame(rows).set_index("name")

"""How much each parameter mattered, by Optuna's evaluators, with the uncertainty that they do not give."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.errors import MissingLibraryError
from analysis.statistics.boundaries import read_domains
from analysis.statistics.intervals import LEVEL, Seed, percentile_interval
from analysis.statistics.settings import parameter_columns, scored_runs
from analysis.words.labels import varied_parameters
from search_spaces import Domain, Fixed

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution

EVALUATORS = ("fANOVA", "PED-ANOVA")
MIN_SETTINGS = 20
"""Settings below which a forest and a density of the best tenth say nothing."""

_REPEATS = 10
_TREES = 5
_MAX_FOREST = 150
"""Settings per forest: its cost grows faster than their number, and the repeats use others."""

_MAX_SETTINGS = 1000
"""Settings looked at: a random part of more, for the shares are settled to a few per cent by then."""

_MIN_TOP = 5
"""Settings that PED-ANOVA's density of the best needs (its documentation)."""

_LOG_RATIO = 100.0
_COLUMNS = ["evaluator", "parameter", "importance", "sd", "low", "high", "repeats", "n_settings"]


def parameter_importance(
    trials: pd.DataFrame,
    space: Mapping[str, Any] | None = None,
    score: str = "val_accuracy",
    *,
    repeats: int = _REPEATS,
    level: float = LEVEL,
    seed: Seed = 0,
) -> pd.DataFrame:
    """Importance of each parameter that varied, by fANOVA and PED-ANOVA.

    fANOVA: the share of the score's variance over the whole space that a parameter explains by itself.
    PED-ANOVA: how far the best tenth of the settings differs from all in a parameter, as a share of the
    sum over parameters. Each repeat sees a random half of the settings under a seed of its own, for half
    samples spread as much around the whole as whole samples do around the truth. fANOVA sees at most 150
    settings at a time, and both at most 1,000 in all: beyond, the spread is an upper figure.

    Completed runs only: of a setting that was cut short, the score is not that of its parameters.

    Args:
        trials: The contract's table.
        space: The space's document, for ranges and log scales; without it they are read from the values.
        score: More is better.
        repeats: Number of halves.
        level: Coverage of `low` and `high`, percentiles over the repeats.
        seed: Starts the draws.

    Returns:
        `evaluator, parameter, importance` (mean over repeats), `sd, low, high, repeats, n_settings`, most
        important first. Missing where a parameter is not set in every setting. Empty below 20 settings, and
        where all scores are the same.

    Raises:
        MissingLibraryError: If Optuna or scikit-learn is not installed.

    Source: Hutter, Hoos & Leyton-Brown (2014); Watanabe, Bansal & Hutter (2023); half samples: Politis,
        Romano & Wolf (1999), section 2.2.
    """
    _require_optuna()
    rng = np.random.default_rng(seed)
    runs = scored_runs(trials, score)
    names = varied_parameters(runs, parameter_columns(trials))
    settings = runs.drop_duplicates("setting").set_index("setting")[list(names)]
    scores = runs.groupby("setting")["score"].mean().reindex(settings.index)
    if len(settings) < MIN_SETTINGS or not names or np.ptp(scores.to_numpy()) == 0:
        return pd.DataFrame(columns=_COLUMNS).astype(dict.fromkeys(_COLUMNS[2:], "float64"))
    usable = [name for name in names if settings[name].notna().all()]
    looked_at = np.sort(rng.permutation(len(settings))[:_MAX_SETTINGS])
    candidates = _as_trials(settings[usable].iloc[looked_at], scores.iloc[looked_at], space)
    draws: dict[str, list[dict[str, float]]] = {evaluator: [] for evaluator in EVALUATORS}
    with _quiet_optuna():
        for _ in range(repeats):
            half = rng.permutation(len(candidates))[: len(candidates) // 2]
            state = int(rng.integers(2**31))
            study = _as_study([candidates[i] for i in half])
            few = half[:_MAX_FOREST]
            forest = study if len(few) == len(half) else _as_study([candidates[i] for i in few])
            draws["fANOVA"].append(_run_fanova(forest, state))
            draws["PED-ANOVA"].append(_run_ped_anova(study))
    tables = [_summarize(evaluator, draws[evaluator], names, level) for evaluator in EVALUATORS]
    return pd.concat(tables, ignore_index=True).assign(repeats=repeats, n_settings=len(settings))[_COLUMNS]


def _require_optuna() -> None:
    for name in ("optuna", "sklearn"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise MissingLibraryError(
                f"parameter importance needs Optuna and scikit-learn, not without {name}: "
                "pip install 'recurrent-study[optuna]'"
            ) from error


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Without Optuna's notes on studies in memory and on evaluators that it still calls experimental."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _as_trials(
    settings: pd.DataFrame, scores: pd.Series[float], space: Mapping[str, Any] | None
) -> list[optuna.trial.FrozenTrial]:
    """The settings as Optuna's trials, their scores negated: both evaluators take less for better."""
    import optuna

    domains = read_domains(space)
    values = {name: settings[name].tolist() for name in settings.columns}
    distributions = {name: _distribution(column, domains.get(name)) for name, column in values.items()}
    return [
        optuna.trial.create_trial(
            params=dict(zip(values, row, strict=True)), distributions=distributions, value=-score
        )
        for row, score in zip(zip(*values.values(), strict=True), scores.tolist(), strict=True)
    ]


def _distribution(values: list[Any], domain: Domain | None) -> BaseDistribution:
    """The distribution that a parameter was drawn from; read from its values where the space does not say."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    from search_spaces.adapters.optuna import to_distribution

    distinct = list(dict.fromkeys(values))
    if domain is not None and not isinstance(domain, Fixed) and all(map(domain.contains, distinct)):
        return to_distribution(domain)
    kinds = {type(value) for value in distinct}
    if not kinds <= {int, float}:
        return CategoricalDistribution(distinct)
    low, high = min(distinct), max(distinct)
    is_log = low > 0 and high / low >= _LOG_RATIO
    if kinds == {int}:
        return IntDistribution(low, high, log=is_log)
    return FloatDistribution(float(low), float(high), log=is_log)


def _run_fanova(study: optuna.Study, seed: int) -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator

    if len({trial.value for trial in study.get_trials(deepcopy=False)}) == 1:
        return {}
    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
    return dict(evaluator.evaluate(study))


def _run_ped_anova(study: optuna.Study) -> dict[str, float]:
    from optuna.importance import PedAnovaImportanceEvaluator

    n_trials = len(study.get_trials(deepcopy=False))
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, _MIN_TOP / n_trials))
    importances = evaluator.evaluate(study)
    total = sum(importances.values())
    return {name: value / total for name, value in importances.items()} if total > 0 else {}


def _as_study(trials: list[optuna.trial.FrozenTrial]) -> optuna.Study:
    import optuna

    study = optuna.create_study(direction="minimize")
    study.add_trials(trials)
    return study


def _summarize(
    evaluator: str, draws: list[dict[str, float]], names: tuple[str, ...], level: float
) -> pd.DataFrame:
    table = pd.DataFrame(draws, columns=list(names), dtype=float)
    low, high = percentile_interval(table.to_numpy(), level)
    summary = pd.DataFrame(
        {
            "evaluator": evaluator,
            "parameter": list(names),
            "importance": table.mean().to_numpy(),
            "sd": table.std().to_numpy(),
            "low": low,
            "high": high,
        }
    )
    return summary.sort_values("importance", ascending=False, kind="stable", na_position="last")

"""What a study's records say, each statistic computed once and kept: figures and sentences share it."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.files import as_records
from analysis.records.loading import Study
from analysis.records.predictions import Predictions, keys_of, read_hits
from analysis.records.schema import RUN_KEY
from analysis.records.texts import TextView
from analysis.statistics.amounts import TRAIN_SIZE, accuracy_by_amount, curves_of, more_text
from analysis.statistics.boundaries import check_boundaries
from analysis.statistics.calibration import calibration_by_replicate, reliability_curve
from analysis.statistics.comparisons.lines import Answered, compare_with_lines
from analysis.statistics.comparisons.macro_f1 import macro_f1
from analysis.statistics.comparisons.rules import Rule, rule_of
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.confirmation import confirmation_by_setting
from analysis.statistics.effects import best_by_level, cell_means, interactions, marginal_effects
from analysis.statistics.epoch_luck import without_luck
from analysis.statistics.expected_best import expected_best
from analysis.statistics.fronts import Cost, accuracy_cost_front
from analysis.statistics.gradients import gradient_reach
from analysis.statistics.importance import parameter_importance
from analysis.statistics.mistakes import (
    Judgements,
    accuracy_by_range,
    confident_mistakes,
    confusion,
    judge,
    scores_by_class,
    wrong_in_all,
)
from analysis.statistics.onset_times import onset_times
from analysis.statistics.optimism import accuracy_half_width, selection_optimism
from analysis.statistics.overfitting import curve_noise, overfitting_by_replicate
from analysis.statistics.overfitting_summaries import overfitting_by_factor, overfitting_by_setting
from analysis.statistics.pruning_audit import audit_by_run, summarize_audit
from analysis.statistics.settings import (
    scored_runs,
    scores_at_epoch,
    summarize_settings,
    with_settings,
    without_audit,
)
from analysis.statistics.verdicts import (
    collapse_floor,
    compare_best_by_level,
    compare_levels,
    compare_lost,
    compare_settings,
    compare_within,
    judge_factors,
    settings_in_the_running,
    share_lost,
)
from analysis.words.labels import label_factor, label_setting, label_value, varied_parameters
from analysis.words.literature import IMDB, concerns

_MEANS = (
    "val_accuracy",
    "val_accuracy_last",
    "val_loss",
    "val_loss_last",
    "train_accuracy",
    "train_accuracy_last",
    "best_epoch",
    "epochs_run",
)

logger = logging.getLogger(__name__)

_CUT_SHORT = ("pruned", "timeout")

_REPEATS, _FEW_REPEATS, _MANY_SETTINGS = 10, 5, 300
"""Halves of the study that importance is taken from: with many settings they differ less and take longer."""

_NAMED = 6
"""Parameters that name a setting where none was varied: the standard space starts with its six factors."""

_MOST_PAIRS = 3
"""Pairs of factors that are compared within each other, each both ways; of many settings one."""

_MIN_SETTINGS = 3
"""Settings at a level from which an interval is shown."""

_MAX_CALIBRATED = 30
"""Runs whose predictions are read: a file of 25,000 texts and 200 classes weighs 10 MB each."""

_MAX_EXAMINED = 10
"""Runs of one setting whose predictions are read: more would tell little more."""

N_SHOWN = 20
"""Mistakes of a kind that a report shows with their texts."""


class Evidence:
    """The statistics of one study.

    Attributes:
        recorded: The study as it was recorded.
        study: The same without runs of the pruning audit, which count for nothing else.
    """

    def __init__(self, study: Study) -> None:
        self.recorded, self.facts = study, study.facts
        trials = without_audit(study.trials)
        self.study = study
        if len(trials) < len(study.trials):
            keys = pd.MultiIndex.from_frame(trials[list(RUN_KEY)])
            is_kept = pd.MultiIndex.from_frame(study.epochs[list(RUN_KEY)]).isin(keys)
            self.study = replace(study, trials=trials, epochs=study.epochs[is_kept])

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Parameters that took more than one value, in the space's order."""
        return varied_parameters(self.study.trials, self.study.parameters)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The trials table with `setting` and its `label`."""
        runs = with_settings(self.study.trials)
        named = self.varied or self.study.parameters[:_NAMED]
        names = {
            row["setting"]: label_setting(row, named) for row in as_records(runs.drop_duplicates("setting"))
        }
        return runs.assign(label=runs["setting"].map(names))

    @cached_property
    def completed(self) -> pd.DataFrame:
        """Runs that went to their end, with `setting`, `label` and the objective as `score`."""
        scored = scored_runs(self.study.trials, self.facts.objective, phase="any")
        return scored.assign(label=self.runs["label"].reindex(scored.index))

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """One row per setting with a completed run, best first: means at the best and at the last epoch.

        Of the search alone: settings that were confirmed have fairer figures, which would push them down.
        """
        table = summarize_settings(self.study.trials, self.facts.objective, phase="search")
        table = table[table["n_completed"] > 0]
        searched = self.completed[self.completed["phase"] == "search"]
        means = searched.groupby("setting")[list(_MEANS)].mean()
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        table = table.join(means, on="setting").join(labels, on="setting")
        spread = searched.groupby("setting")["val_accuracy"].std().rename("spread")
        spread = table.join(spread, on="setting")["spread"]
        half = accuracy_half_width(
            table["val_accuracy"], spread, table["n_completed"], self.facts.n_validation
        )
        table = table.assign(half_width=half)
        table = table.sort_values("mean", ascending=not self.facts.maximizes, kind="stable")
        return table.reset_index(drop=True).assign(rank=range(1, len(table) + 1))

    @property
    def knows_seeds(self) -> bool:
        """Whether margins of accuracies count other seeds: one setting with two runs shows what these do."""
        return bool((self.ranking["n_completed"] > 1).any())

    @cached_property
    def half_width(self) -> float:
        """What other seeds and texts could move the best accuracy by (95%), NaN if none completed."""
        return float("nan") if self.ranking.empty else float(self.ranking["half_width"].iloc[0])

    @cached_property
    def optimism(self) -> pd.DataFrame:
        """One row on the luck of having been picked; none if nothing completed."""
        return selection_optimism(self.study.trials, self.facts.n_validation)

    @cached_property
    def confirmation(self) -> pd.DataFrame:
        """Search, fresh seeds and test of each confirmed setting, as `confirmation_by_setting` gives it."""
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        table = confirmation_by_setting(self.study.trials, self.facts.n_validation, self.facts.n_test)
        return table.join(labels, on="setting")

    @cached_property
    def test_verdicts(self) -> pd.DataFrame:
        """Confirmed settings compared on the test split: over fresh seeds and other texts of its number."""
        if len(self.confirmation.dropna(subset="test")) < 2:
            return pd.DataFrame()
        table = compare_settings(
            self.study.trials,
            score="test_accuracy",
            hits=self._hits_on_test,
            n_texts=self.facts.n_test,
            rule=self.rule,
        )
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        return table.assign(
            name=[f"{labels[a]} over {labels[b]}" for a, b in zip(table["a"], table["b"], strict=True)]
        )

    @property
    def _hits_on_test(self) -> Hits | None:
        """What validation texts tell of how differently two models err, for as many texts as test."""
        return None if self.hits is None else replace(self.hits, n_texts=self.facts.n_test)

    @cached_property
    def best_of_levels(self) -> pd.DataFrame:
        """The best setting of each level over fresh seeds, on both splits, with `split` and `name`.

        Of the factors for which the best of each level was confirmed, and of the scientific ones.
        """
        openings = self.study.manifest.get("data", {}).get("test_openings", [])
        asked = [opening["per"] for opening in openings if opening.get("per")]
        ranked = self.ranking["setting"].tolist()
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        tables = []
        for factor in dict.fromkeys((*asked, *self._strata)):
            if factor not in self.study.parameters:
                continue
            for split, trials, score, hits, n_texts in (
                ("validation", self.settled, "score", self.hits, 0),
                ("test", self.study.trials, "test_accuracy", self._hits_on_test, self.facts.n_test),
            ):
                table = compare_best_by_level(
                    trials, factor, ranked, score, hits=hits, n_texts=n_texts, rule=self.rule
                )
                names = [
                    f"{labels[a]} over {labels[b]}, {split}"
                    for a, b in zip(table["setting_a"], table["setting_b"], strict=True)
                ]
                tables.append(table.assign(split=split, name=names))
        filled = [table for table in tables if len(table)]
        return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()

    @cached_property
    def audit(self) -> pd.DataFrame:
        """Stopped runs that were finished, as `audit_by_run` gives them, with `label`."""
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        return audit_by_run(self.recorded.trials, self.facts.objective).join(labels, on="setting")

    @cached_property
    def audit_summary(self) -> pd.DataFrame:
        """One row on how often stopping was wrong; none without an audit."""
        return summarize_audit(self.recorded.trials, self.audit)

    @cached_property
    def overfitting(self) -> pd.DataFrame:
        """Onset, gaps and costs of each replicate."""
        return overfitting_by_replicate(self.study.epochs, self.study.trials, objective=self.facts.objective)

    @property
    def has_onsets(self) -> bool:
        """Whether any completed run was found to overfit."""
        judged = self.overfitting.merge(self.completed[list(RUN_KEY)], on=list(RUN_KEY))
        return bool(judged["onset_epoch"].notna().any())

    @cached_property
    def overfitting_by_setting(self) -> pd.DataFrame:
        """The same by setting: one row per setting and statistic."""
        return overfitting_by_setting(self.overfitting, self.study.trials)

    @cached_property
    def overfitting_by_factor(self) -> pd.DataFrame:
        """The same by factor and level; intervals from `_MIN_SETTINGS` settings on."""
        table = overfitting_by_factor(self.overfitting, self.study.trials, self.factors)
        return _without_wild_intervals(table, ["low", "high"])

    @cached_property
    def onset_times(self) -> pd.DataFrame:
        """When runs begin to overfit, those that ended too soon to tell as such."""
        return onset_times(self.overfitting, self.study.trials, self.factors)

    @cached_property
    def expected_best(self) -> pd.DataFrame:
        """Expected best objective by number of trials, one curve per cell where cells vary."""
        by = "cell" if "cell" in self.factors else None
        return expected_best(self.study.trials, by, self.facts.objective)

    @cached_property
    def expected_best_overall(self) -> pd.DataFrame:
        """The same over all trials."""
        return expected_best(self.study.trials, None, self.facts.objective)

    @cached_property
    def fronts(self) -> dict[Cost, pd.DataFrame]:
        """Accuracy against each cost of each setting, with `label`."""
        labels = self.ranking.set_index("setting")["label"]
        costs: tuple[Cost, ...] = get_args(Cost)
        return {
            cost: accuracy_cost_front(self.study.trials, cost).join(labels, on="setting") for cost in costs
        }

    @property
    def time_cost(self) -> Cost:
        """Seconds that settings are compared by: a whole run's where none to the best epoch are known."""
        return "to_best_s" if self.ranking["to_best_s"].notna().any() else "wall_s"

    @cached_property
    def gradient_reach(self) -> pd.DataFrame:
        """How much of the gradient each cell carries back, as `gradient_reach` gives it."""
        return gradient_reach(self.study.gradients, self.study.trials)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """Calibration of the best completed runs whose predictions were kept, best first, with `label`."""
        columns = [*RUN_KEY, "label", "score", *(["cell"] if "cell" in self.completed else [])]
        ordered = self.completed.sort_values("score", ascending=not self.facts.maximizes, kind="stable")
        kept = ordered[columns].loc[[key in self.study.predictions for key in keys_of(ordered)]]
        kept = kept.head(_MAX_CALIBRATED)
        if kept.empty or self.study.labels is None:
            return pd.DataFrame()
        predictions = {key: self.study.predictions[key] for key in keys_of(kept)}
        return kept.merge(calibration_by_replicate(predictions, self.study.labels), on=list(RUN_KEY))

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """Reliability of the best run of each cell whose predictions were kept: `label, cell`, the curve."""
        table, labels = self.calibration, self.study.labels
        if table.empty or labels is None:
            return pd.DataFrame()
        leaders = table.drop_duplicates("cell") if "cell" in table else table.head(1)
        curves = [
            reliability_curve(self.study.predictions[key], labels).assign(
                label=row["label"], cell=row.get("cell", "")
            )
            for key, row in zip(keys_of(leaders), as_records(leaders), strict=True)
        ]
        return pd.concat(curves, ignore_index=True)

    @cached_property
    def examined(self) -> pd.DataFrame:
        """Completed runs of one setting whose predictions were kept: of them a report tells the mistakes.

        The setting is the one that is best on fresh seeds, under these; where none was confirmed, the best of
        the search.
        """
        confirmed = not self.confirmation.empty
        chosen = self.confirmation if confirmed else self.ranking
        if chosen.empty or self.study.labels is None:
            return self.completed.head(0)
        is_of_it = self.completed["setting"] == chosen["setting"].iloc[0]
        is_of_it &= self.completed["phase"] == ("confirm" if confirmed else "search")
        runs: pd.DataFrame = self.completed[is_of_it]
        return runs.loc[[key in self.study.predictions for key in keys_of(runs)]].head(_MAX_EXAMINED)

    @cached_property
    def judgements(self) -> Judgements | None:
        """What the examined runs say of each validation text, and what is true; None without any."""
        if self.examined.empty or self.study.labels is None or not self.study.labels.size:
            return None
        return judge([self.study.predictions[key] for key in keys_of(self.examined)], self.study.labels)

    @cached_property
    def confusion(self) -> pd.DataFrame:
        """What texts of each class are taken for; none without predictions."""
        return pd.DataFrame() if self.judgements is None else confusion(self.judgements)

    @cached_property
    def class_scores(self) -> pd.DataFrame:
        """Precision, recall and F1 of each class; none without predictions."""
        return pd.DataFrame() if self.judgements is None else scores_by_class(self.judgements)

    @cached_property
    def line_class_scores(self) -> tuple[str, pd.DataFrame]:
        """The line to beat that finds most classes best, by macro-F1, and its scores as `class_scores`.

        No name and no row where no line's answers were kept.
        """
        answers = self.study.line_answers.get("validation", {})
        labels, n_classes = self.study.labels, len(self.facts.classes)
        if labels is None or not answers or self.judgements is None:
            return "", pd.DataFrame()
        scores = macro_f1(labels, np.vstack(list(answers.values())), n_classes)
        name = list(answers)[int(scores.argmax())]
        judged = judge([np.eye(n_classes, dtype=np.float32)[answers[name]]], labels)
        return name, scores_by_class(judged)

    @cached_property
    def confident_mistakes(self) -> pd.DataFrame:
        """Texts that are got wrong, the most confident first; none without predictions."""
        return pd.DataFrame() if self.judgements is None else confident_mistakes(self.judgements)

    @cached_property
    def wrong_in_all(self) -> pd.DataFrame:
        """Texts that all examined runs get wrong; none without predictions."""
        return pd.DataFrame() if self.judgements is None else wrong_in_all(self.judgements)

    @property
    def shown_rows(self) -> list[int]:
        """Places, in the split that validates, of the texts that a report shows."""
        if self.judgements is None:
            return []
        tables = (self.confident_mistakes, self.wrong_in_all)
        return sorted({int(row) for table in tables for row in table["row"].head(N_SHOWN)})

    @property
    def text_numbers(self) -> dict[str, NDArray[np.float64]]:
        """What may make a text hard: its `tokens`, and the share of those seen that is `unknown`."""
        view = self.text_view
        if view is None:
            return {}
        return {"tokens": view.n_tokens.astype(float), "unknown": view.n_unknown / np.maximum(view.n_seen, 1)}

    @cached_property
    def accuracy_by_text(self) -> pd.DataFrame:
        """Accuracy by ranges of `text_numbers`, as `accuracy_by_range` gives it, with `by`; none without."""
        if self.judgements is None:
            return pd.DataFrame()
        parts = [
            accuracy_by_range(self.judgements, values).assign(by=by)
            for by, values in self.text_numbers.items()
        ]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    @property
    def text_view(self) -> TextView | None:
        """What the examined runs saw of the texts, where that is kept: read anew, for a leg may just add it.

        Raises:
            AnalysisError: If what is kept is broken.
        """
        if self.judgements is None:
            return None
        params = self.examined.iloc[0].reindex(["vocab_size", "sequence_length"]).dropna()
        return self.study.texts.view({str(name): int(value) for name, value in params.items()})

    @cached_property
    def importance(self) -> pd.DataFrame:
        """How much each parameter mattered; empty for few settings, or where Optuna is not installed."""
        try:
            repeats = _FEW_REPEATS if len(self.ranking) > _MANY_SETTINGS else _REPEATS
            return parameter_importance(self.study.trials, self.facts.space, repeats=repeats)
        except AnalysisError as error:
            logger.info("importance is left out of the report: %s", error)
            return pd.DataFrame()

    @cached_property
    def boundaries(self) -> pd.DataFrame:
        """How many of the best settings lie at each end of the space."""
        table = check_boundaries(self.study.trials, self.facts.space)
        # More text is no wider range: what it would bring has a chapter of its own.
        return table[table["parameter"] != TRAIN_SIZE]

    @cached_property
    def settled(self) -> pd.DataFrame:
        """The trials table with a `score`: accuracy at the best epoch less what it owes to the jitter."""
        if self.facts.objective != "val_accuracy":
            # Another measure chose the epoch: its luck is not the accuracy's.
            return self.study.trials.assign(score=self.study.trials["val_accuracy"])
        return without_luck(self.study.trials, self.study.epochs)

    @cached_property
    def rule(self) -> Rule:
        """What a verdict must satisfy: the spec says under which difference nobody would act."""
        return rule_of(self.facts.spec)

    @property
    def most_accurate(self) -> int:
        """The setting with the highest mean accuracy in the search."""
        return int(self.ranking.nlargest(1, "val_accuracy")["setting"].iloc[0])

    @cached_property
    def epoch_luck(self) -> float:
        """Mean of what the completed runs owe to the luck of their best epoch, NaN where none completed."""
        gone = self.settled["val_accuracy"] - self.settled["score"]
        return float(gone.reindex(self.completed.index).mean())

    @cached_property
    def level_verdicts(self) -> pd.DataFrame:
        """Levels of the factors compared, each with each, by accuracy."""
        return compare_levels(
            self.settled, self.factors, "score", strata=self._strata, hits=self.hits, rule=self.rule
        )

    @property
    def _strata(self) -> tuple[str, ...]:
        """The factors among whose levels the scheduler did not choose."""
        design = self.facts.spec.get("design", {})
        return tuple(design.get("scientific", ())) if isinstance(design, dict) else ()

    @cached_property
    def factor_tests(self) -> pd.DataFrame:
        """One test per factor, as `judge_factors` gives it."""
        return judge_factors(
            self.settled, self.factors, "score", strata=self._strata, hits=self.hits, rule=self.rule
        )

    @cached_property
    def collapse_floor(self) -> float:
        """Accuracy up to which a run cannot be told from saying one class always."""
        lines = self.study.baselines
        own = lines.loc[lines["name"] == "majority class", "val_accuracy"]
        share = float(own.iloc[0]) if len(own) else float("nan")
        return collapse_floor(share, self.facts.n_validation, float(self.completed["val_accuracy"].max()))

    @cached_property
    def lost_shares(self) -> pd.DataFrame:
        """Runs that came to nothing at each level, as `share_lost` gives them."""
        varied = varied_parameters(self.study.trials, self.study.parameters)
        return share_lost(self.study.trials, varied, self.collapse_floor)

    @cached_property
    def lost_verdicts(self) -> pd.DataFrame:
        """Levels compared without the runs that came to nothing and with them as the worst."""
        return compare_lost(
            self.settled,
            self.factors,
            "score",
            floor=self.collapse_floor,
            strata=self._strata,
            hits=self.hits,
            rule=self.rule,
        )

    @cached_property
    def simple_effects(self) -> pd.DataFrame:
        """Factors that work together, each compared at each level of the other, as `compare_within` does."""
        most = _MOST_PAIRS if len(self.ranking) <= _MANY_SETTINGS else 1
        known = self.interactions[self.interactions["p_corrected"] <= self.rule.alpha].head(most)
        one_way = list(zip(known["factor_a"], known["factor_b"], strict=True))
        both_ways = [*one_way, *((b, a) for a, b in one_way)]
        return compare_within(
            self.settled, both_ways, "score", strata=self._strata, hits=self.hits, rule=self.rule
        )

    @cached_property
    def setting_verdicts(self) -> pd.DataFrame:
        """The most accurate setting compared with the next ones."""
        return compare_settings(self.settled, score="score", hits=self.hits, rule=self.rule)

    @cached_property
    def in_the_running(self) -> pd.DataFrame:
        """The settings that may be the most accurate and those that may not, with `label`."""
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        field = settings_in_the_running(self.settled, "score", hits=self.hits, rule=self.rule)
        return field.join(labels, on="setting")

    @cached_property
    def hits(self) -> Hits | None:
        """Which validation texts each run got right; None where that was not kept of every completed run."""
        predictions, labels = self.study.predictions, self.study.labels
        if labels is None or not isinstance(predictions, Predictions):
            return None
        right = read_hits(predictions, labels)
        known = all(key in right for key in keys_of(self.completed))
        return Hits.of(right) if right and known else None

    @cached_property
    def named_level_verdicts(self) -> pd.DataFrame:
        """The same with a `name` for readers."""
        return _name_levels(self.level_verdicts)

    @cached_property
    def equal_epochs(self) -> int | None:
        """Epochs that every run cut short by a scheduler ran too; None where none was, or after no epoch."""
        cut = self.runs[self.runs["state"].isin(_CUT_SHORT)]
        least = 0 if cut.empty else int(cut["epochs_run"].min())
        return least if 0 < least < self.facts.max_epochs else None

    @cached_property
    def early_level_verdicts(self) -> pd.DataFrame:
        """Levels compared by the best accuracy within `equal_epochs`, runs cut short included."""
        if self.equal_epochs is None:
            return pd.DataFrame()
        trials = scores_at_epoch(self.study.epochs, self.study.trials, self.equal_epochs)
        factors = varied_parameters(self.study.trials, self.study.parameters)
        states = ("completed", *_CUT_SHORT)
        return _name_levels(compare_levels(trials, factors, "score", states=states, rule=self.rule))

    @cached_property
    def noise(self) -> pd.DataFrame:
        """How much each replicate's validation curves jitter from epoch to epoch."""
        return curve_noise(self.study.epochs)

    @cached_property
    def named_setting_verdicts(self) -> pd.DataFrame:
        """The same with a `name` for readers."""
        table = self.setting_verdicts
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        best = self.ranking.sort_values("val_accuracy", ascending=False, kind="stable")["setting"].head(1)
        names = [
            f"over {labels[b]}" if a in set(best) else f"{labels[a]} over {labels[b]}"
            for a, b in zip(table["a"], table["b"], strict=True)
        ]
        return table.assign(name=names)

    def map_gap(self, down: str, across: str) -> pd.DataFrame:
        """Mean gap at the last epoch over two factors: `row, column, n_settings, mean`."""
        return cell_means(self.overfitting, self.study.trials, (down, across), "gap_last")

    def map_accuracy(self, down: str, across: str) -> pd.DataFrame:
        """Mean accuracy at the best epoch over two factors: `row, column, n_settings, mean`."""
        return cell_means(self.study.trials, self.study.trials, (down, across), "val_accuracy")

    @cached_property
    def effects(self) -> pd.DataFrame:
        """Mean and best accuracy at each level of each factor, as tried and with all else held equal."""
        keys = ["factor", "level"]
        means = marginal_effects(self.study.trials, self.factors)
        best = best_by_level(self.study.trials, self.factors).drop(columns="n_settings")
        table = means.merge(best, on=keys)
        return _without_wild_intervals(table, ["low", "high", "adjusted_low", "adjusted_high"])

    @cached_property
    def interactions(self) -> pd.DataFrame:
        """Pairs of factors that work together, strongest first."""
        return interactions(self.study.trials, self.factors)

    @cached_property
    def against_lines(self) -> pd.DataFrame:
        """The best setting against each simple model on the same split, as `compare_with_lines` gives it."""
        fair = self._fair_lines
        labels, lines = self.study.labels, self.study.line_answers.get("validation", {})
        answered = None
        if labels is not None and lines and fair is self.study.baselines:
            answered = Answered(
                labels=labels,
                n_classes=len(self.facts.classes),
                predictions=self.study.predictions,
                lines=lines,
                hits=self.hits,
            )
        return compare_with_lines(
            self.settled,
            fair,
            self.facts.n_validation,
            objective=self.facts.objective,
            answered=answered,
        )

    @property
    def _fair_lines(self) -> pd.DataFrame:
        """The lines to beat, fitted on as many texts as the most accurate setting was trained on."""
        fitted = self.study.lines_by_amount
        if self.ranking.empty or TRAIN_SIZE not in self.ranking or fitted.empty:
            return self.study.baselines
        best = self.ranking.nlargest(1, "val_accuracy")[TRAIN_SIZE].iloc[0]
        means: pd.Series[float] = (
            fitted[fitted[TRAIN_SIZE] == best].groupby("name", sort=False)["val_accuracy"].mean()
        )
        return means.reset_index()

    @cached_property
    def lines_to_beat(self) -> pd.DataFrame:
        """Best of each cell, baselines, published figures: `label, kind, cell, accuracy, half_width`."""
        ranking = self.ranking
        leaders = ranking.drop_duplicates("cell") if "cell" in ranking else ranking.head(1)
        here = pd.DataFrame(
            {
                "label": "this study: " + leaders["label"].astype(str),
                "kind": "here",
                "cell": leaders.get("cell", ""),
                "accuracy": leaders["val_accuracy"],
                "half_width": leaders["half_width"],
            }
        )
        baselines = self._fair_lines
        lines = [
            (name, "baseline", value)
            for name, value in zip(baselines["name"], baselines["val_accuracy"], strict=True)
        ]
        if concerns(self.facts.source):
            lines += [(f"{entry.model} (published, test)", "published", entry.accuracy) for entry in IMDB]
        others = pd.DataFrame(lines, columns=["label", "kind", "accuracy"]).assign(cell="", half_width=np.nan)
        return pd.concat([frame for frame in (here, others) if len(frame)] or [here], ignore_index=True)[
            list(here)
        ]

    @cached_property
    def by_amount(self) -> pd.DataFrame:
        """Accuracy by amount of training text, as `accuracy_by_amount` gives it, with `label` and `cell`."""
        runs = curves_of(self.study.trials, self.study.parameters)
        table = accuracy_by_amount(runs, self.study.lines_by_amount, self.facts.n_validation)
        return table.merge(self._name_curves(runs), on="curve")

    @cached_property
    def more_text(self) -> pd.DataFrame:
        """What twice as many training texts would bring to each curve, with `label` and `cell`."""
        runs = curves_of(self.study.trials, self.study.parameters)
        return more_text(runs).merge(self._name_curves(runs), on="curve")

    def _name_curves(self, runs: pd.DataFrame) -> pd.DataFrame:
        """The label of each curve: all that varied but the amount of text."""
        named = [name for name in self.varied if name != TRAIN_SIZE] or self.study.parameters[:_NAMED]
        first = runs.drop_duplicates("curve")
        labels = [label_setting(row, named) for row in as_records(first)]
        return pd.DataFrame({"curve": first["curve"], "label": labels, "cell": first.get("cell", "")})

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Parameters that took more than one value among completed runs."""
        return varied_parameters(self.completed, self.study.parameters)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """The epochs table with `setting`, `cell` and `state` of each replicate."""
        known = [name for name in ("cell",) if name in self.runs]
        keys = self.runs[[*RUN_KEY, "setting", "state", *known]]
        return self.study.epochs.merge(keys, on=list(RUN_KEY))


def _name_levels(verdicts: pd.DataFrame) -> pd.DataFrame:
    names = [
        f"{label_factor(row['factor'])}: {label_value(row['factor'], row['a'])} over "
        f"{label_value(row['factor'], row['b'])}"
        for row in as_records(verdicts)
    ]
    return verdicts.assign(name=names)


@lru_cache(maxsize=4)
def _remember(study: Study) -> Evidence:
    return Evidence(study)


def gather(study: Study | Evidence) -> Evidence:
    """The evidence of a study, the same object for the same study; evidence is its own."""
    return study if isinstance(study, Evidence) else _remember(study)


def _without_wild_intervals(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Leave intervals of one or two settings out: Student's is many times as wide as they lie apart."""
    return table.assign(**{name: table[name].where(table["n_settings"] >= _MIN_SETTINGS) for name in columns})

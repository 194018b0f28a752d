"""Verdicts on levels, factors and settings, by accuracy on the split that validates."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from analysis.records.files import as_records
from analysis.statistics.comparisons.rules import Rule, rule_of
from analysis.statistics.epoch_luck import without_luck
from analysis.statistics.evidence.answers import Answers
from analysis.statistics.evidence.effects import MANY_SETTINGS, Effects
from analysis.statistics.settings import scores_at_epoch
from analysis.statistics.verdicts import (
    collapse_floor,
    compare_levels,
    compare_lost,
    compare_settings,
    compare_within,
    judge_factors,
    settings_in_the_running,
    share_lost,
)
from analysis.words.labels import label_factor, label_value

_CUT_SHORT = ("pruned", "timeout")

_MOST_PAIRS = 3
"""Pairs of factors that are compared within each other, each both ways; of many settings one."""


class Verdicts(Effects, Answers):
    """What is better than what, by one rule, over other seeds and other texts."""

    @cached_property
    def rule(self) -> Rule:
        """What a verdict must satisfy: the spec says under which difference nobody would act."""
        return rule_of(self.facts.spec)

    @cached_property
    def settled(self) -> pd.DataFrame:
        """The trials table with a `score`: accuracy at the best epoch less what luck that epoch had."""
        if self.facts.objective != "val_accuracy":
            # Another measure chose the epoch: its luck is not the accuracy's.
            return self.study.trials.assign(score=self.study.trials["val_accuracy"])
        return without_luck(self.study.trials, self.study.epochs, self.facts.n_validation, self.hits)

    @cached_property
    def _luck(self) -> pd.Series[float]:
        """What each completed run of the search owes to the luck of its best epoch."""
        gone = self.settled["val_accuracy"] - self.settled["score"]
        return gone.reindex(self.completed.index)

    @property
    def epoch_luck(self) -> float:
        """Its mean, NaN where none completed."""
        return float(self._luck.mean())

    @property
    def luck_by_setting(self) -> dict[int, float]:
        """Its mean over the runs of each setting."""
        means = self._luck.groupby(self.completed["setting"]).mean()
        return dict(zip(means.index.astype(int).tolist(), means.tolist(), strict=True))

    @property
    def _strata(self) -> tuple[str, ...]:
        """The factors among whose levels the scheduler did not choose."""
        design = self.facts.spec.get("design", {})
        return tuple(design.get("scientific", ())) if isinstance(design, dict) else ()

    @cached_property
    def level_verdicts(self) -> pd.DataFrame:
        """Levels of the factors compared, each with each, by accuracy."""
        return compare_levels(
            self.settled, self.factors, "score", strata=self._strata, hits=self.hits, rule=self.rule
        )

    @cached_property
    def named_level_verdicts(self) -> pd.DataFrame:
        """The same with a `name` for readers."""
        return _name_levels(self.level_verdicts)

    @cached_property
    def equal_epochs(self) -> int | None:
        """Epochs that every run cut short by a scheduler ran too; None where none was, or after no epoch."""
        cut = self.searched[self.searched["state"].isin(_CUT_SHORT)]
        least = 0 if cut.empty else int(cut["epochs_run"].min())
        return least if 0 < least < self.facts.max_epochs else None

    @cached_property
    def early_level_verdicts(self) -> pd.DataFrame:
        """Levels compared by the best accuracy within `equal_epochs`, runs cut short included."""
        if self.equal_epochs is None:
            return pd.DataFrame()
        trials = scores_at_epoch(self.study.epochs, self.study.trials, self.equal_epochs)
        states = ("completed", *_CUT_SHORT)
        return _name_levels(compare_levels(trials, self.varied, "score", states=states, rule=self.rule))

    @cached_property
    def factor_tests(self) -> pd.DataFrame:
        """One test per factor, as `judge_factors` gives it."""
        return judge_factors(
            self.settled, self.factors, "score", strata=self._strata, hits=self.hits, rule=self.rule
        )

    @cached_property
    def simple_effects(self) -> pd.DataFrame:
        """Factors that work together, each compared at each level of the other, as `compare_within` does."""
        most = _MOST_PAIRS if len(self.ranking) <= MANY_SETTINGS else 1
        known = self.interactions[self.interactions["p_corrected"] <= self.rule.alpha].head(most)
        one_way = list(zip(known["factor_a"], known["factor_b"], strict=True))
        both_ways = [*one_way, *((b, a) for a, b in one_way)]
        return compare_within(
            self.settled, both_ways, "score", strata=self._strata, hits=self.hits, rule=self.rule
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
        return share_lost(self.study.trials, self.varied, self.collapse_floor)

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
    def setting_verdicts(self) -> pd.DataFrame:
        """The most accurate setting compared with the next ones."""
        return compare_settings(self.settled, score="score", hits=self.hits, rule=self.rule)

    @cached_property
    def named_setting_verdicts(self) -> pd.DataFrame:
        """The same with a `name` for readers."""
        table, labels = self.setting_verdicts, self.setting_labels
        best = self.ranking.sort_values("val_accuracy", ascending=False, kind="stable")["setting"].head(1)
        names = [
            f"over {labels[b]}" if a in set(best) else f"{labels[a]} over {labels[b]}"
            for a, b in zip(table["a"], table["b"], strict=True)
        ]
        return table.assign(name=names)

    @cached_property
    def in_the_running(self) -> pd.DataFrame:
        """The settings that may be the most accurate and those that may not, with `label`."""
        field = settings_in_the_running(self.settled, "score", hits=self.hits, rule=self.rule)
        return field.join(self.setting_labels, on="setting")


def _name_levels(verdicts: pd.DataFrame) -> pd.DataFrame:
    names = [
        f"{label_factor(row['factor'])}: {label_value(row['factor'], row['a'])} over "
        f"{label_value(row['factor'], row['b'])}"
        for row in as_records(verdicts)
    ]
    return verdicts.assign(name=names)

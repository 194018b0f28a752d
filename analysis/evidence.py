"""What a study's records say, each statistic computed once and kept: figures and sentences share it."""

from __future__ import annotations

from functools import cached_property, lru_cache

import pandas as pd

from analysis.labels import label_setting, varied_parameters
from analysis.loading import Study
from analysis.optimism import binomial_half_width, selection_optimism
from analysis.overfitting import overfitting_by_replicate
from analysis.overfitting_summaries import overfitting_by_factor, overfitting_by_setting
from analysis.settings import scored_runs, summarize_settings, with_settings
from analysis.tables import as_records

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


class Evidence:
    """The statistics of one study."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.facts = study.facts

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Parameters that took more than one value, in the space's order."""
        return varied_parameters(self.study.trials, self.study.parameters)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The trials table with `setting` and its `label`."""
        runs = with_settings(self.study.trials)
        names = {
            row["setting"]: label_setting(row, self.varied)
            for row in as_records(runs.drop_duplicates("setting"))
        }
        return runs.assign(label=runs["setting"].map(names))

    @cached_property
    def completed(self) -> pd.DataFrame:
        """Runs that went to their end, with `setting`, `label` and the objective as `score`."""
        scored = scored_runs(self.study.trials, self.facts.objective)
        return scored.assign(label=self.runs["label"].reindex(scored.index))

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """One row per setting with a completed run, best first: means at the best and at the last epoch."""
        table = summarize_settings(self.study.trials, self.facts.objective)
        table = table[table["n_completed"] > 0]
        means = self.completed.groupby("setting")[list(_MEANS)].mean()
        labels = self.runs.drop_duplicates("setting").set_index("setting")["label"]
        table = table.join(means, on="setting").join(labels, on="setting")
        table = table.sort_values("mean", ascending=not self.facts.maximizes, kind="stable")
        return table.reset_index(drop=True).assign(rank=range(1, len(table) + 1))

    @cached_property
    def half_width(self) -> float:
        """What chance alone could move the best accuracy on this split (95%), NaN if nothing completed."""
        if self.ranking.empty:
            return float("nan")
        return float(binomial_half_width(self.ranking["val_accuracy"].iloc[0], self.facts.n_validation))

    @cached_property
    def optimism(self) -> pd.DataFrame:
        """One row on the luck of having been picked; none if nothing completed."""
        return selection_optimism(self.study.trials, self.facts.n_validation)

    @cached_property
    def overfitting(self) -> pd.DataFrame:
        """Onset, gaps and costs of each replicate."""
        return overfitting_by_replicate(self.study.epochs, self.study.trials, objective=self.facts.objective)

    @cached_property
    def overfitting_by_setting(self) -> pd.DataFrame:
        """The same by setting: one row per setting and statistic."""
        return overfitting_by_setting(self.overfitting, self.study.trials)

    @cached_property
    def overfitting_by_factor(self) -> pd.DataFrame:
        """The same by factor and level."""
        return overfitting_by_factor(self.overfitting, self.study.trials, self.factors)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Parameters that took more than one value among completed runs."""
        return varied_parameters(self.completed, self.study.parameters)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """The epochs table with `setting`, `cell` and `state` of each replicate."""
        known = [name for name in ("cell",) if name in self.runs]
        keys = self.runs[["trial", "replicate", "setting", "state", *known]]
        return self.study.epochs.merge(keys, on=["trial", "replicate"])


@lru_cache(maxsize=4)
def gather(study: Study) -> Evidence:
    """The evidence of a study, the same object for the same study."""
    return Evidence(study)

"""The runs of a study and its settings, named, and what each setting reached."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import pandas as pd

from analysis.records.files import as_records
from analysis.records.loading import Study
from analysis.records.schema import RUN_KEY, Phase
from analysis.statistics.confirmation import confirmation_by_setting
from analysis.statistics.optimism import accuracy_half_width
from analysis.statistics.settings import (
    scored_runs,
    search_alone,
    summarize_settings,
    with_settings,
    without_audit,
)
from analysis.words.labels import label_setting, varied_parameters

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

N_NAMED = 6
"""Parameters that name a setting where none was varied: the standard space starts with its six factors."""


class Runs:
    """What was run, by run and by setting: all else stands on it.

    Attributes:
        recorded: The study as it was recorded.
        study: The same without runs of the pruning audit, which count for nothing else.
        facts: What its reader must know of it.
    """

    def __init__(self, study: Study) -> None:
        self.recorded, self.facts = study, study.facts
        trials = without_audit(study.trials)
        self.study = study
        if len(trials) < len(study.trials):
            keys = pd.MultiIndex.from_frame(trials[list(RUN_KEY)])
            is_kept = pd.MultiIndex.from_frame(study.epochs[list(RUN_KEY)]).isin(keys)
            self.study = replace(study, trials=trials, epochs=study.epochs[is_kept])

    @property
    def has_curves(self) -> bool:
        """Whether runs were followed by epoch; of another tool there may be one figure a run, of no epoch."""
        return not self.facts.made_by or self.facts.max_epochs > 1

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """Parameters that took more than one value, in the space's order."""
        return varied_parameters(self.study.trials, self.study.parameters)

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Parameters that took more than one value among completed runs of the search."""
        return varied_parameters(self.completed, self.study.parameters)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The trials table with `setting` and its `label`."""
        runs = with_settings(self.study.trials)
        named = self.varied or self.study.parameters[:N_NAMED]
        names = {
            row["setting"]: label_setting(row, named) for row in as_records(runs.drop_duplicates("setting"))
        }
        return runs.assign(label=runs["setting"].map(names))

    @cached_property
    def setting_labels(self) -> pd.Series[str]:
        """What each setting is called, by its number."""
        return self.runs.drop_duplicates("setting").set_index("setting")["label"]

    @cached_property
    def completed(self) -> pd.DataFrame:
        """Runs of the search that went to their end, with `setting`, `label` and the objective as `score`.

        Without those of the confirmation, `fresh`: never put together, or chosen settings count for more.
        """
        return self._scored("search")

    @cached_property
    def fresh(self) -> pd.DataFrame:
        """The same of the confirmation: chosen settings, trained again on fresh seeds."""
        return self._scored("confirm")

    @property
    def of_search(self) -> str:
        """What to say behind runs that are the search's alone; nothing where there are no others."""
        return "" if self.fresh.empty else " of the search"

    def _scored(self, phase: Phase) -> pd.DataFrame:
        scored = scored_runs(self.study.trials, self.facts.objective, phase=phase)
        return scored.assign(label=self.runs["label"].reindex(scored.index))

    @property
    def searched(self) -> pd.DataFrame:
        """Runs of the search, whatever their end, with `setting` and `label`."""
        return search_alone(self.runs)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """The epochs table of the search with `setting`, `cell` and `state` of each replicate."""
        known = [name for name in ("cell",) if name in self.runs]
        keys = self.searched[[*RUN_KEY, "setting", "state", *known]]
        return self.study.epochs.merge(keys, on=list(RUN_KEY))

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """One row per setting with a completed run, best first: means at the best and at the last epoch.

        `mean, sd, low, high` are the objective's, `half_width` is the accuracy's.
        Of the search alone: settings that were confirmed have fairer figures, which would push them down.
        """
        table = summarize_settings(self.study.trials, self.facts.objective, phase="search")
        table = table[table["n_completed"] > 0]
        goal = self.facts.objective
        columns = list(dict.fromkeys((*_MEANS, goal, f"{goal}_last")))
        means = self.completed.groupby("setting")[columns].mean()
        table = table.join(means, on="setting").join(self.setting_labels, on="setting")
        spread = self.completed.groupby("setting")["val_accuracy"].std().rename("spread")
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

    @property
    def most_accurate(self) -> int:
        """The setting with the highest mean accuracy in the search."""
        return int(self.ranking.nlargest(1, "val_accuracy")["setting"].iloc[0])

    @cached_property
    def confirmation(self) -> pd.DataFrame:
        """Search, fresh seeds and test of each confirmed setting, as `confirmation_by_setting` gives it."""
        facts = self.facts
        table = confirmation_by_setting(self.study.trials, facts.n_validation, facts.n_test, facts.objective)
        return table.join(self.setting_labels, on="setting")

"""Accuracy by amount of training text, and what more of it would bring."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from analysis.records.files import as_records
from analysis.statistics.amounts import TRAIN_SIZE, accuracy_by_amount, curves_of, more_text
from analysis.statistics.evidence.runs import N_NAMED, Runs
from analysis.words.labels import label_setting


class Amounts(Runs):
    """Curves over amounts of text: settings that differ in nothing else."""

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
        named = [name for name in self.varied if name != TRAIN_SIZE] or self.study.parameters[:N_NAMED]
        first = runs.drop_duplicates("curve")
        labels = [label_setting(row, named) for row in as_records(first)]
        return pd.DataFrame({"curve": first["curve"], "label": labels, "cell": first.get("cell", "")})

"""Verdicts on the settings that were confirmed: over fresh seeds, on both splits."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from analysis.statistics.evidence.verdicts import Verdicts
from analysis.statistics.verdicts import compare_best_by_level, compare_settings


class Confirmed(Verdicts):
    """Confirmed settings compared with each other, all of them and the best of each level."""

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
        labels = self.setting_labels
        return table.assign(
            name=[f"{labels[a]} over {labels[b]}" for a, b in zip(table["a"], table["b"], strict=True)]
        )

    @cached_property
    def best_of_levels(self) -> pd.DataFrame:
        """The best setting of each level over fresh seeds, on both splits, with `split` and `name`.

        Of the factors for which the best of each level was confirmed, and of the scientific ones.
        """
        openings = self.study.manifest.get("data", {}).get("test_openings", [])
        asked = [opening["per"] for opening in openings if opening.get("per")]
        ranked = self.ranking["setting"].tolist()
        labels = self.setting_labels
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

"""The search itself: its luck, what more trials would bring, what accuracy costs, the ends of the space."""

from __future__ import annotations

from functools import cached_property
from typing import get_args

import pandas as pd

from analysis.statistics.amounts import TRAIN_SIZE
from analysis.statistics.boundaries import check_boundaries
from analysis.statistics.evidence.runs import Runs
from analysis.statistics.expected_best import expected_best
from analysis.statistics.fronts import Cost, accuracy_cost_front
from analysis.statistics.optimism import selection_optimism
from analysis.statistics.pruning_audit import audit_by_run, summarize_audit


class Search(Runs):
    """How the search went, and what stopping runs early cost it."""

    @cached_property
    def optimism(self) -> pd.DataFrame:
        """One row on the luck of having been picked; none if nothing completed."""
        return selection_optimism(self.study.trials, self.facts.n_validation)

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
    def boundaries(self) -> pd.DataFrame:
        """How many of the best settings lie at each end of the space."""
        table = check_boundaries(self.study.trials, self.facts.space)
        # More text is no wider range: what it would bring has a chapter of its own.
        return table[table["parameter"] != TRAIN_SIZE]

    @cached_property
    def audit(self) -> pd.DataFrame:
        """Stopped runs that were finished, as `audit_by_run` gives them, with `label`."""
        audited = audit_by_run(self.recorded.trials, self.facts.objective)
        return audited.join(self.setting_labels, on="setting")

    @cached_property
    def audit_summary(self) -> pd.DataFrame:
        """One row on how often stopping was wrong; none without an audit."""
        return summarize_audit(self.recorded.trials, self.audit)

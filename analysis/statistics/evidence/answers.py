"""What models said of the texts that validate: which they got right, and how sure they were."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import pandas as pd

from analysis.records.files import as_records
from analysis.records.predictions import Predictions, keys_of, read_hits
from analysis.records.schema import RUN_KEY
from analysis.statistics.calibration import calibration_by_replicate, reliability_curve
from analysis.statistics.comparisons.texts import Hits
from analysis.statistics.evidence.runs import Runs

_MAX_CALIBRATED = 30
"""Runs whose predictions are read: a file of 25,000 texts and 200 classes weighs 10 MB each."""


class Answers(Runs):
    """Of runs whose predictions were kept."""

    @cached_property
    def hits(self) -> Hits | None:
        """Which validation texts each run got right; None where that was not kept of every completed run."""
        predictions, labels = self.study.predictions, self.study.labels
        if labels is None or not isinstance(predictions, Predictions):
            return None
        right = read_hits(predictions, labels)
        known = all(key in right for key in keys_of(pd.concat([self.completed, self.fresh])))
        return Hits.of(right) if right and known else None

    @property
    def _hits_on_test(self) -> Hits | None:
        """What validation texts tell of how differently two models err, for as many texts as test."""
        return None if self.hits is None else replace(self.hits, n_texts=self.facts.n_test)

    @cached_property
    def calibration(self) -> pd.DataFrame:
        """Calibration of the search's best runs whose predictions were kept, best first, with `label`."""
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

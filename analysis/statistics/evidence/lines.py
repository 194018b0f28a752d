"""The lines to beat: simple models on the same texts, and published figures."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from analysis.statistics.amounts import TRAIN_SIZE
from analysis.statistics.comparisons.lines import Answered, compare_with_lines
from analysis.statistics.evidence.verdicts import Verdicts
from analysis.words.literature import IMDB, concerns


class Lines(Verdicts):
    """The best of the study beside what is simpler or known."""

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
    def is_imdb(self) -> bool:
        """Whether the texts are the reviews of which there are published figures."""
        reading = self.study.manifest.get("data", {}).get("reading") or {}
        return concerns(self.facts.source, len(self.facts.classes), reading.get("rows_read"))

    @property
    def _fair_lines(self) -> pd.DataFrame:
        """The lines to beat, fitted on as many texts as the best setting was trained on."""
        fitted = self.study.lines_by_amount
        if self.ranking.empty or TRAIN_SIZE not in self.ranking or fitted.empty:
            return self.study.baselines
        best = self.ranking[TRAIN_SIZE].iloc[0]
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
        if self.is_imdb:
            lines += [(f"{entry.model} (published, test)", "published", entry.accuracy) for entry in IMDB]
        others = pd.DataFrame(lines, columns=["label", "kind", "accuracy"]).assign(cell="", half_width=np.nan)
        return pd.concat([frame for frame in (here, others) if len(frame)] or [here], ignore_index=True)[
            list(here)
        ]

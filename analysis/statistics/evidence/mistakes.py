"""The mistakes of the setting that a report would have used."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.records.predictions import keys_of
from analysis.records.texts import TextView
from analysis.statistics.comparisons.macro_f1 import macro_f1
from analysis.statistics.evidence.runs import Runs
from analysis.statistics.mistakes import (
    Judgements,
    accuracy_by_range,
    confident_mistakes,
    confusion,
    judge,
    scores_by_class,
    wrong_in_all,
)

_MAX_EXAMINED = 10
"""Runs of one setting whose predictions are read: more would tell little more."""

N_SHOWN = 20
"""Mistakes of a kind that a report shows with their texts."""


class Mistakes(Runs):
    """What a few runs of one setting get wrong, by class and by text."""

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
        ended = self.fresh if confirmed else self.completed
        runs: pd.DataFrame = ended[ended["setting"] == chosen["setting"].iloc[0]]
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
    def mean_macro_f1(self) -> float:
        """Macro-F1 of the examined runs, each by itself, on average; NaN without predictions.

        That of their mean counts is another.
        """
        judged = self.judgements
        if judged is None:
            return float("nan")
        return float(macro_f1(judged.labels, judged.predicted, judged.n_classes).mean())

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
        """Indices, in the split that validates, of the texts that a report shows."""
        if self.judgements is None:
            return []
        tables = (self.confident_mistakes, self.wrong_in_all)
        return sorted({int(row) for table in tables for row in table["row"].head(N_SHOWN)})

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

"""The lines to beat as records have them: how good a simple model is, and what it takes each text for."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.records.schema import BASELINE_COLUMNS, LINE_FIGURES, StudyFacts
from analysis.records.upgrade import list_columns

LineAnswers: TypeAlias = Mapping[str, NDArray[np.uint16]]
"""The class that each line takes each text of a split for, by the line's name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What a line to beat makes of one split.

    Attributes:
        predicted: The class that it takes each text for, uint16, shape (n_texts,).
        accuracy: Share of texts whose class is found, in [0, 1]; the other figures as those of an epoch, None
            where the line has none: a loss needs probabilities, areas two classes.
    """

    predicted: NDArray[np.uint16]
    accuracy: float
    loss: float | None
    macro_f1: float
    balanced_accuracy: float
    roc_auc: float | None = None
    average_precision: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A line to beat.

    Attributes:
        name: As the report calls it.
        fit_s: Seconds that fitting it took.
        answers: By split; `test` only where that was opened.
    """

    name: str
    fit_s: float
    answers: Mapping[str, Answers]


def read_lines(
    connection: sqlite3.Connection, path: Path, facts: StudyFacts
) -> tuple[pd.DataFrame, dict[str, LineAnswers]]:
    """Read the lines to beat, weakest first, with what they say of the texts; earlier releases kept less.

    Returns:
        A table of `BASELINE_COLUMNS`, and the lines' answers by split.

    Raises:
        AnalysisError: If what is kept fits no such study.
    """
    query = "SELECT name, val_accuracy, val_loss, fit_s FROM baselines ORDER BY val_accuracy"
    table = pd.DataFrame(connection.execute(query).fetchall(), columns=list(BASELINE_COLUMNS[:4]))
    answers: dict[str, dict[str, NDArray[np.uint16]]] = {}
    figures: dict[str, dict[str, float | None]] = {}
    if "lines" in list_columns(connection):
        kept = connection.execute(f"SELECT name, split, predicted, {', '.join(LINE_FIGURES)} FROM lines")  # noqa: S608 - ours
        for name, split, blob, *values in kept:
            prefix = "val" if split == "validation" else split
            own = {f"{prefix}_{figure}": value for figure, value in zip(LINE_FIGURES, values, strict=True)}
            figures.setdefault(name, {}).update(own)
            answers.setdefault(split, {})[name] = _read_answers(blob, path, facts, split)
    known = [figures.get(name, {}) for name in table["name"]]
    for column in BASELINE_COLUMNS[4:]:
        table[column] = [own.get(column) for own in known]
    return as_baselines(table), dict(answers)


def as_baselines(table: pd.DataFrame) -> pd.DataFrame:
    """A table of lines with all `BASELINE_COLUMNS`, numbers as such; what is not known is missing."""
    whole = table.reindex(columns=list(BASELINE_COLUMNS))
    return whole.astype({**dict.fromkeys(BASELINE_COLUMNS[1:], "float64"), "name": "object"})


def _read_answers(blob: bytes, path: Path, facts: StudyFacts, split: str) -> NDArray[np.uint16]:
    n_texts = facts.n_validation if split == "validation" else facts.n_test
    predicted = np.frombuffer(blob, dtype="<u2") if len(blob) == 2 * n_texts else None
    if predicted is None or predicted.max(initial=0) >= len(facts.classes):
        raise AnalysisError(
            f"{path}: what a line to beat says of {n_texts} {split} texts is broken: "
            "run `study verify`, or restore the file from a copy"
        )
    return predicted

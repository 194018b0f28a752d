"""The lines to beat on fewer training texts: fitted on just those that each run was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from analysis.records.amounts import AmountLine
from study.data import TRAIN_SIZE, EncodedCorpus, take_texts
from study.training.baselines import fit_lines
from study.trial import Assignment

MAX_FITTED = 64
"""Amounts and seeds that lines are fitted for: where every run has an amount of its own, none are."""

Amount: TypeAlias = tuple[int, int]
"""How many texts, and the seed that draws them."""


def list_amounts(assignments: Iterable[Assignment]) -> list[Amount]:
    """Return what texts the runs of a search were trained on, in order; none where they are too many."""
    found = {
        (int(a.params[TRAIN_SIZE]), a.seed)
        for a in assignments
        if TRAIN_SIZE in a.params and a.phase == "search"
    }
    return sorted(found) if len(found) <= MAX_FITTED else []


def fit_lines_by_amount(
    corpus: EncodedCorpus,
    amounts: Iterable[Amount],
    cache_folder: Path,
    on_fault: Callable[[str, Exception], Any],
) -> list[AmountLine]:
    """Fit the lines to beat on each of these parts of the training split, or return what was fitted before.

    Args:
        corpus: With all training texts.
        amounts: As `list_amounts` gives them.
        cache_folder: Where figures are kept by fingerprint.
        on_fault: Hears of each that cannot be fitted, by name, and why; the others are fitted all the same.
    """
    lines = []
    for size, seed in amounts:
        part = take_texts(corpus, {TRAIN_SIZE: size}, seed)

        def note(name: str, error: Exception, size: int = size) -> None:
            on_fault(f"{name} on {size:,} texts", error)

        for line in fit_lines(part, cache_folder, note):
            accuracy = line.answers["validation"].accuracy
            lines.append(AmountLine(line.name, size, seed, accuracy, line.fit_s))
    return lines

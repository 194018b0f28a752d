"""The order of runs that are known beforehand: the end of a leg should find every worker at work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from study.data import TRAIN_SIZE
from study.forecast.costs import guess_text_s
from study.spec.schema import StudySpec

N_ROUNDS = 4
"""This many runs of each worker are taken to be the end of a leg."""


def order_settings(
    settings: Sequence[Mapping[str, Any]], n_runs: int, *, spec: StudySpec, n_slots: int
) -> list[int]:
    """Return settings in their order, but for the last few, of which the longest come first.

    Whoever is handed the longest run last works on while all others are done. All settings before keep the
    order of their design: where a study is broken off, that is even over its parameters.

    Args:
        settings: What is to be trained, in order.
        n_runs: Of each setting.
        spec: The study.
        n_slots: Runs at once.

    Returns:
        The index of each setting among `settings`, in the order in which they should be trained.

    Source: Graham (1969), Bounds on Multiprocessing Timing Anomalies: longest processing time first.
    """
    indices = list(range(len(settings)))
    if spec.resources.time_budget_s is not None:
        return indices  # it may be broken off anywhere
    first = max(len(indices) - math.ceil(N_ROUNDS * n_slots / n_runs), 0)
    has_own_model = spec.model is not None

    def guess(index: int) -> float:
        n_texts = int(settings[index].get(TRAIN_SIZE, 1))  # of all settings, or of none
        return n_texts * guess_text_s(settings[index], has_own_model=has_own_model)

    last = sorted(indices[first:], key=guess, reverse=True)
    return indices[:first] + last

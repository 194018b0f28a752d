"""The order of runs that are known beforehand: the end of a leg should find every worker at work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from study.forecast.costs import guess_text_s
from study.spec.schema import StudySpec

T = TypeVar("T")

N_ROUNDS = 4
"""So many runs of each worker are taken to be the end of a leg."""


def pack(
    runs: Iterable[T], params_of: Callable[[T], Mapping[str, Any]], n_last: int, spec: StudySpec
) -> list[T]:
    """Return runs in their order, but for the last few, of which the longest come first.

    Whoever is handed the longest run last works on while all others are done. All runs before keep the order
    of their design: where a study is broken off, that is even over its parameters.

    Args:
        runs: What is to be trained, in order.
        params_of: Returns the setting of a run.
        n_last: How many runs are the last few.
        spec: The study.

    Source: Graham (1969), Bounds on Multiprocessing Timing Anomalies: longest processing time first.
    """
    known = list(runs)
    if spec.resources.time_budget_s is not None:
        return known  # it may be broken off anywhere
    place = max(len(known) - n_last, 0)
    has_own_model = spec.model is not None
    last = sorted(known[place:], key=lambda run: -guess_text_s(params_of(run), has_own_model=has_own_model))
    return known[:place] + last

"""What other tools list side by side: settings, and the seeds that each was run under."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.imports.runs import ForeignRun
from analysis.values import is_number

SEEDS = ("seed", "random_seed", "random_state", "global_seed", "replicate", "repeat")
"""Parameters that stand for chance, not for a setting; the last part of a dotted name counts."""

MAX_LEVELS = 8
"""Numbers with more values than this in the runs are taken to be a range."""

_DECADE = 10.0
_TOO_LARGE = 2**63
_LARGEST = 2.0**53  # whole numbers beyond are not all floating ones


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run belongs.

    Attributes:
        trial: The number of its setting, from 0.
        replicate: Its number among the runs of that setting, from 1.
        seed: Its seed; that of `replicate` where none is known.
        params: Its setting, without the seed.
    """

    trial: int
    replicate: int
    seed: int
    params: dict[str, Any]


def find_seeds(runs: Sequence[ForeignRun], seed: str | None) -> list[str]:
    """Return the parameters that are seeds: the one that was named, or all that are called so.

    Raises:
        AnalysisError: If no run has the seed that was named.
    """
    if seed is not None and not any(seed in run.params for run in runs):
        known = ", ".join(sorted({name for run in runs for name in run.params})) or "none"
        raise AnalysisError(f"--seed {seed!r}: no run has such a parameter; there are: {known}")
    if seed is not None:
        return [seed]
    names = dict.fromkeys(name for run in runs for name in run.params)
    return [name for name in names if name.rpartition(".")[2].lower() in SEEDS]


def place_runs(runs: Sequence[ForeignRun], seeds: Collection[str]) -> list[Place]:
    """Group runs of one setting under the seeds that they differ by.

    Args:
        runs: In their order.
        seeds: The parameters that are seeds.
    """
    trials: dict[str, int] = {}
    n_replicates: Counter[int] = Counter()
    places = []
    for run in runs:
        params = {name: _as_plain(value) for name, value in run.params.items() if name not in seeds}
        trial = trials.setdefault(json.dumps(params, sort_keys=True), len(trials))
        n_replicates[trial] += 1
        chance = next((run.params[name] for name in seeds if name in run.params), None)
        number = _read_seed(chance, n_replicates[trial])
        places.append(Place(trial=trial, replicate=n_replicates[trial], seed=number, params=params))
    return places


def _as_plain(value: Any) -> Any:
    """A value that a column and a space can hold: what is nested, not finite or too large is its text."""
    if isinstance(value, str | bool | None):
        return value
    if is_number(value) and math.isfinite(value) and abs(value) < _LARGEST:
        return value.item() if isinstance(value, np.generic) else value
    return json.dumps(value, default=str)


def _read_seed(value: Any, otherwise: int) -> int:
    """A seed as a whole number; `otherwise` where it is none, or too large for a database."""
    if is_number(value) and math.isfinite(value) and float(value).is_integer() and abs(value) < _TOO_LARGE:
        return int(value)
    return otherwise


def infer_space(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe the space that settings were drawn from by the values that they have.

    Few values are a choice, many numbers a range from the least to the largest, on a log scale where they
    span more than a decade. A range that was asked for wider than it was tried cannot be seen.

    Returns:
        A document, as `Space.to_document` gives it.
    """
    from search_spaces import Choice, Fixed, Integer, Real, Space
    from search_spaces.domains import Domain

    domains: dict[str, Domain] = {}
    for name in dict.fromkeys(name for params in settings for name in params):
        values = [params[name] for params in settings if params.get(name) is not None]
        kinds = {type(value) for value in values}
        levels = list(dict.fromkeys(values))
        if len(levels) <= 1:
            domains[name] = Fixed(levels[0] if levels else None)
        elif not kinds <= {int, float}:
            domains[name] = Choice(levels)
        elif len(levels) <= MAX_LEVELS:
            domains[name] = Choice(sorted(levels), ordered=True)
        else:
            low, high = min(levels), max(levels)
            log = low > 0 and high / low > _DECADE
            domains[name] = Integer(low, high, log=log) if kinds == {int} else Real(low, high, log=log)
    return Space(domains).to_document()

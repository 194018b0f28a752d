"""What a worker keeps from one trial to the next. Loads no TensorFlow, so that a forecast may ask."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

N_PROGRAMS = 3
"""Classifiers with their traced functions."""

N_VIEWS = 4
"""Encodings of all texts, each at one vocabulary and length."""

GRAPH_INPUTS = ("learning_rate", "batch_size", "class_weight", "train_size")
"""Parameters that are arguments of the traced functions, or say what these are given."""


def program_of(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return what the traced functions of a setting depend on: settings that share it share them."""
    return tuple(sorted((k, v) for k, v in params.items() if k not in GRAPH_INPUTS))


def count_traced(settings: Sequence[Mapping[str, Any]], n_seeds: int, n_workers: int) -> int:
    """Return how many of a list's runs find no program to take over.

    Args:
        settings: In the order in which they are trained.
        n_seeds: Runs of each.
        n_workers: Runs at once; each worker traces for itself.
    """
    programs = [program_of(setting) for setting in settings]
    if len(set(programs)) <= N_PROGRAMS:
        programs.sort(key=repr)  # none is forgotten, whatever their order
    groups = [len(list(group)) for _, group in itertools.groupby(programs)]
    return sum(min(n_settings * n_seeds, n_workers) for n_settings in groups)

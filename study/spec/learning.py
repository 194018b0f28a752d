"""The study of how much a recurrent classifier gains from more text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from study.data import TRAIN_SIZE, DataSpec, load_corpus
from study.data.messages import quoted
from study.errors import StudyError
from study.spec.derived import derive_document

N_SIZES = 4
"""Amounts that are tried unless others are named, each about twice the one before; the last is all."""

MIN_TEXTS, TEXTS_A_CLASS = 50, 5
"""Fewer texts in all, or of a class on average, teach a recurrent model nothing."""


def learning_document(data: Mapping[str, Any], sizes: Iterable[int] | None = None) -> dict[str, Any]:
    """Return the document of a study that trains two cells on several amounts of text.

    LSTM and GRU of one layer, at a vocabulary and a length that suit the texts; as many epochs as they need.

    Args:
        data: The `data` section.
        sizes: Amounts of training text; None for an eighth, a quarter, a half and all there is.

    Raises:
        StudyError: If sizes are no amounts, the section is not valid, or there are too few texts to try
            several amounts of.
        DataError: If the texts cannot be used.
    """
    named = None if sizes is None else _check_sizes(sizes)
    document = derive_document(data)
    space = document["space"]
    lengths = space["sequence_length"]
    chosen = named or _choose_sizes(DataSpec.model_validate(data))
    return document | {
        "name": f"{document['name'][:55]}-amounts",
        "description": "How much does accuracy gain from more text, and do simple models stay ahead?",
        "seeds": 3,
        "space": space
        | {
            "cell": ["lstm", "gru"],
            "bidirectional": False,
            "units": 32,
            "layers": 1,
            "vocab_size": max(space["vocab_size"]),
            "sequence_length": lengths[len(lengths) // 2],
            TRAIN_SIZE: {"choice": chosen, "ordered": True},
        },
        "design": {"kind": "sizes"},
        # A small amount takes more epochs than a large one: each run ends where it gains no more.
        "training": {"max_epochs": 20, "patience": 3},
    }


def _check_sizes(sizes: object) -> list[int]:
    given = [] if isinstance(sizes, str | bytes | Mapping) or not isinstance(sizes, Iterable) else list(sizes)
    if not given or not all(isinstance(n, int | np.integer) and n >= 1 for n in given):
        raise StudyError(
            f"sizes are amounts of training text, whole numbers from 1 on: {quoted(sizes)} are not; give "
            "e.g. [2000, 4000, 8000], or leave them out"
        )
    return sorted({int(n) for n in given})


def _choose_sizes(data: DataSpec) -> list[int]:
    corpus = load_corpus(data)
    n_train = len(corpus.splits.train)
    least = max(MIN_TEXTS, TEXTS_A_CLASS * len(corpus.classes))
    sizes = [_round(n_train / 2**halvings) for halvings in range(1, N_SIZES)]
    chosen = sorted({n_train, *(size for size in sizes if size >= least)})
    if len(chosen) < 2:
        raise StudyError(
            f"a learning curve takes several amounts of text, {least} at least: there are {n_train} texts to "
            "train on; name sizes, or bring more texts"
        )
    return chosen


def _round(size: float) -> int:
    """A number to two digits: what a reader can keep in mind."""
    return int(float(f"{size:.2g}"))

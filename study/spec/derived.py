"""A study of texts that nobody wrote a spec for: the factors in ranges that follow from the data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from search_spaces import SpaceError
from search_spaces.recurrent import CELLS
from study.data import FIRST_WORD, DataSpec, EncodedCorpus, encode, load_corpus
from study.data.messages import explain
from study.designs import SearchDesign
from study.errors import StudyError
from study.spec.schema import StudySpec

LENGTHS = (10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600)
VOCAB_SIZES = (200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)

_SMALL, _LARGE = 2_000, 20_000
_NAME_LENGTH = 64


def derive_document(data: Mapping[str, Any], max_epochs: object = None) -> dict[str, Any]:
    """Return the document of a study on texts: a name, a question, a space and a design that suit them.

    The six factors are searched: cell, direction, units and layers; as lengths such that a half, three
    quarters and nearly all of the training texts are whole; as vocabularies the words that occur at least
    twice in training, a half and a quarter of them. What else there is stays as in the presets.

    Args:
        data: The `data` section.
        max_epochs: As it is asked for, if it is: a short study cannot wait as long before it stops runs.

    Raises:
        StudyError: If it is no valid section.
        DataError: If the texts cannot be used.
    """
    try:
        spec = DataSpec.model_validate(data)
    except ValidationError as error:
        raise StudyError(f"data: {explain(error, DataSpec)}") from error
    corpus = load_corpus(spec)
    encoded = encode(corpus, spec)
    n_train, n_classes = len(corpus.splits.train), len(corpus.classes)
    name = name_after(spec.source)
    return {
        "name": name,
        "description": f"Which recurrent classifier tells the {n_classes} classes of {spec.source_name} "
        "apart best, and when does it overfit?",
        "data": dict(data),
        "space": {
            "cell": list(CELLS),
            "bidirectional": [False, True],
            "units": [16, 32] if n_train < _SMALL else [16, 32, 64],
            "layers": [1, 2],
            "vocab_size": _vocab_sizes(encoded),
            "sequence_length": _lengths(encoded),
            "embedding_dim": 32 if n_train < _SMALL else 64,
            "learning_rate": 0.003,
        },
        "design": {
            "kind": "search",
            "trials": 18,
            "scientific": ["cell"],
            "sampler": "tpe",
            "scheduler": "asha",
            "grace_period_epochs": max(1, min(3, max_epochs)) if isinstance(max_epochs, int) else 3,
        },
        "training": {"max_epochs": 12 if n_train < _SMALL else 8 if n_train < _LARGE else 6},
    }


def leave_out_fixed(document: dict[str, Any]) -> None:
    """Make no question of a factor that a derived study was given one value of."""
    design = document["design"]
    scientific = design.get("scientific") if isinstance(design, Mapping) else None
    if scientific and _count_levels(document, scientific) is None:
        document["design"] = {**document["design"], "scientific": []}


def share_trials(document: dict[str, Any]) -> str | None:
    """Raise the trials of a search so that each level of its scientific parameters gets equally many.

    Returns:
        What was done, None where it need not be; whatever is wrong is said when the spec is checked.
    """
    asked = document["design"]["trials"]
    levels = _count_levels(document, document["design"].get("scientific", ()))
    if levels is None or not isinstance(asked, int) or asked <= 0 or asked % levels == 0:
        return None
    shared = math.ceil(asked / levels) * levels
    document["design"] = {**document["design"], "trials": shared}
    names = ", ".join(document["design"]["scientific"])
    return f"{asked} trials cannot be shared by {levels} levels of {names}: {shared} are taken"


def _count_levels(document: Mapping[str, Any], scientific: Sequence[str]) -> int | None:
    """Return how many levels parameters have together, None where they cannot be scientific in a search."""
    plain = {key: value for key, value in document["design"].items() if key not in ("trials", "scientific")}
    try:
        spec = StudySpec.from_document({**document, "design": plain})
        if not isinstance(spec.design, SearchDesign):
            return None
        return len(spec.design.model_copy(update={"scientific": tuple(scientific)}).strata(spec.space))
    except (StudyError, SpaceError, LookupError, TypeError):
        return None


def name_after(source: str) -> str:
    """A study's name from the file's or folder's; `texts` where nothing of it can be a name."""
    name = Path(source).name.split(".")[0] or Path(source).name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:_NAME_LENGTH] or "texts"


def _lengths(encoded: EncodedCorpus) -> list[int]:
    n_tokens = np.diff(encoded.offsets)[encoded.splits.train]  # the start counts: it takes a place
    wanted = np.quantile(n_tokens, (0.5, 0.75, 0.95))
    return sorted({_at_least(LENGTHS, float(length)) for length in wanted})


def _vocab_sizes(encoded: EncodedCorpus) -> list[int]:
    is_training = np.zeros(len(encoded.offsets) - 1, dtype=bool)
    is_training[encoded.splits.train] = True
    ids = encoded.ids[np.repeat(is_training, np.diff(encoded.offsets))]
    n_recurring = int((np.bincount(ids, minlength=encoded.n_ids)[FIRST_WORD:] > 1).sum()) + FIRST_WORD
    return sorted({_at_least(VOCAB_SIZES, n_recurring / share) for share in (1, 2, 4)})


def _at_least(levels: Sequence[int], wanted: float) -> int:
    return next((level for level in levels if level >= wanted), levels[-1])

"""How much a text of each class counts in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from search_spaces.errors import hint_name
from study.errors import StudyError
from study.spec.parameters import extremes
from study.spec.schema import ClassWeight, StudySpec


def check_class_weight(choice: ClassWeight, classes: Sequence[str]) -> None:
    """Refuse weights of classes that the data do not have.

    Raises:
        StudyError: At the first name that is no class.
    """
    for name in choice if isinstance(choice, Mapping) else ():
        if name not in classes:
            raise StudyError(
                "training.class_weight weighs classes of the data: "
                f"{name!r} is none; {hint_name(name, classes)}"
            )


def class_weights_of(spec: StudySpec) -> tuple[ClassWeight, ...]:
    """Return all class weights that runs of a study are trained under."""
    domain = spec.space.parameters.get("class_weight")
    return (spec.training.class_weight,) if domain is None else tuple(extremes(domain))


def weigh_classes(
    choice: ClassWeight, labels: npt.NDArray[np.integer[Any]], classes: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Return what a text's loss is multiplied by, by class.

    Args:
        choice: As in the spec; `balanced` gives n / (k * n_c) for the k classes that training texts have, n_c
            of n each, so that the mean over texts is 1 (King & Zeng 2001; as scikit-learn has it).
        labels: Class numbers of the training texts, shape (n,).
        classes: Their names.

    Returns:
        Shape (len(classes),).
    """
    weights = np.ones(len(classes), dtype=np.float32)
    if choice == "balanced":
        counts = np.bincount(labels, minlength=len(classes))
        occurs = counts > 0
        weights[occurs] = len(labels) / (occurs.sum() * counts[occurs])
    elif isinstance(choice, Mapping):
        weights[:] = [choice.get(name, 1.0) for name in classes]
    return weights

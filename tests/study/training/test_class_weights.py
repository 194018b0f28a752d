from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from study.errors import StudyError
from study.training.class_weights import check_class_weight, weigh_classes

LABELS = np.array([0] * 8 + [1] * 4 + [2] * 3)


def test_balanced_weights_are_scikit_learns() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)

    assert weigh_classes("balanced", LABELS, ["a", "b", "c"]) == pytest.approx(expected)


def test_a_class_that_no_training_text_has_takes_no_weight_from_the_others() -> None:
    weights = weigh_classes("balanced", LABELS, ["a", "b", "c", "never"])

    assert float(weights[LABELS].mean()) == pytest.approx(1.0)


def test_a_class_that_is_not_named_counts_as_it_is() -> None:
    assert weigh_classes({"b": 2.5}, LABELS, ["a", "b", "c"]).tolist() == [1.0, 2.5, 1.0]
    assert weigh_classes("none", LABELS, ["a", "b", "c"]).tolist() == [1.0, 1.0, 1.0]


def test_a_weight_of_no_class_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(StudyError, match="'spma' is none; did you mean 'spam'"):
        check_class_weight({"spma": 2.0}, ["ham", "spam"])

"""A study that asks what more text would bring, made for texts that nobody wrote a spec for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.cli.options import gather_spec
from study.errors import StudyError
from study.spec.learning import learning_document
from study.spec.schema import StudySpec
from tests.study.pretend.reviews import make_reviews


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "reviews.csv"
    make_reviews(1000).to_csv(path, index=False)  # of which 700 are trained on
    return str(path)


def test_a_curve_has_an_eighth_a_quarter_a_half_and_all_of_the_texts(texts: str) -> None:
    spec = StudySpec.from_document(learning_document({"source": texts}))

    plan = spec.design.plan(spec.space, spec.seed) or ()

    assert [(setting["train_size"], setting["cell"]) for setting in plan] == [
        (size, cell) for size in (88, 180, 350, 700) for cell in ("lstm", "gru")
    ]
    assert spec.seeds == 3
    assert spec.name == "reviews-amounts"
    assert spec.training.patience is not None


def test_amounts_are_those_that_are_named_and_options_go_over_what_was_made(texts: str) -> None:
    derive = partial(learning_document, sizes=[200, 100])

    spec = gather_spec(None, {"data.source": texts, "training.max_epochs": 2}, ["space.cell=rnn"], derive)

    plan = spec.design.plan(spec.space, spec.seed) or ()
    assert [(setting["train_size"], setting["cell"]) for setting in plan] == [(100, "rnn"), (200, "rnn")]
    assert spec.training.max_epochs == 2


def test_too_few_texts_for_a_curve_are_refused_with_the_way_out(texts: str) -> None:
    with pytest.raises(StudyError, match="there are 60 texts to train on; name sizes, or"):
        learning_document({"source": texts, "limit_train": 60})


@pytest.mark.parametrize("sizes", [[], "40,80", [0, 40], [40.5], 40, ["40"], {40: 80}, [None]])
def test_sizes_that_are_no_amounts_are_refused_before_a_text_is_read(sizes: Any) -> None:
    with pytest.raises(StudyError, match=r"whole numbers from 1 on: .* are not; give e"):
        learning_document({"source": "nowhere.csv"}, sizes)


def test_sizes_may_be_numpys(texts: str) -> None:
    document = learning_document({"source": texts}, np.array([200, 100]))

    assert document["space"]["train_size"]["choice"] == [100, 200]

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import keras
import pytest

from search_spaces import Choice, SpaceError
from study.errors import StudyError
from study.training.model import Recipe, build_classifier
from study.training.program import ProgramCache
from study.training.trainer import Trainer
from tests.study.pretend.small_study import SMALL_SPACE, make_spec
from tests.study.training.test_trainer import PARAMS, make_rows

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def builders(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the user's with builders that are wrong in a way each."""
    module = ModuleType("users_builders")
    vars(module).update(
        none=lambda params, n_outputs: None,
        wide=lambda params, n_outputs: keras.Sequential(
            [keras.Input((6,)), keras.layers.Dense(n_outputs + 1)]
        ),
        number=3,
    )
    monkeypatch.setitem(sys.modules, "users_builders", module)
    return module


@pytest.mark.parametrize("attention", [False, True])
def test_the_example_of_an_own_model_trains(monkeypatch: pytest.MonkeyPatch, attention: bool) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    recipe = Recipe(n_classes=2, builder="attention:build")
    trainer = Trainer(PARAMS | {"attention": attention}, 1, make_rows(), "val_loss", ProgramCache(), recipe)

    losses = [trainer.train_epoch().train_loss for _ in range(15)]

    assert losses[-1] < losses[0]
    has_attention = any(isinstance(layer, keras.layers.Softmax) for layer in trainer.classifier.logits.layers)
    assert has_attention is attention


def test_an_own_parameter_belongs_to_the_space_of_an_own_model() -> None:
    spec = make_spec(model="attention:build", space=SMALL_SPACE | {"attention": [False, True]})

    assert spec.space.parameters["attention"] == Choice([False, True])
    assert (
        make_spec(**{k: v for k, v in spec.to_document().items() if k in ("model", "space")}).space
        == spec.space
    )


def test_an_own_parameter_without_an_own_model_is_a_misspelling() -> None:
    with pytest.raises((SpaceError, StudyError), match="attention"):
        make_spec(space=SMALL_SPACE | {"attention": [False, True]})


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        ("users_builders:none", "returned NoneType"),
        ("users_builders:wide", r"returned \(None, 2\); end it with Dense\(1\)"),
        ("users_builders:number", "is a int"),
        ("users_builders:missing", "cannot be"),
        ("no_such_module:build", "No module named 'no_such_module'"),
    ],
)
def test_a_builder_that_cannot_be_used_says_why(builders: ModuleType, builder: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        build_classifier(PARAMS, Recipe(n_classes=2, builder=builder))


def test_a_model_that_is_no_import_path_is_refused_by_the_spec() -> None:
    with pytest.raises(StudyError, match="model"):
        make_spec(model="attention.py")


def test_constraints_may_mention_standard_parameters_that_are_not_given() -> None:
    spec = make_spec(space={"parameters": {"units": [8, 64]}, "constraints": ["units * layers <= 64"]})

    assert spec.space.violated({"units": 64, "layers": 2}) is not None

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from study.errors import EnvironmentFaultError
from study.forecast.disk import Footprint, bound_footprint, count_weights
from study.spec.schema import StudySpec
from tests.study.pretend.small_study import make_spec

BIG = {"vocab_size": 20_000, "embedding_dim": 128, "units": 64, "layers": 2, "cell": "lstm"}


def bound(spec: StudySpec, n_slots: int = 2, n_validation: int = 1000, n_classes: int = 2) -> Footprint:
    return bound_footprint(spec, n_validation=n_validation, n_classes=n_classes, n_slots=n_slots)


def test_the_notebooks_weights_are_counted_by_hand() -> None:
    # Embedding 15,000 x 128; two directions of 4 gates of 64 units on 128 inputs, then again; a score of 128.
    params = {"vocab_size": 15_000, "embedding_dim": 128, "units": 64, "layers": 2, "cell": "lstm"}
    layer = 2 * 4 * 64 * (128 + 64 + 1)

    assert count_weights(params | {"bidirectional": True}, 1) == 15_000 * 128 + 2 * layer + 129


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_weights_are_as_many_as_keras_makes(cell: str) -> None:
    from study.training.model import Recipe, build_classifier

    fixed = {"vocab_size": 20, "sequence_length": 6, "embedding_dim": 5, "dropout": 0.2, "cell": cell}
    for bidirectional, layers, n_classes in itertools.product([False, True], [1, 2], [2, 3]):
        params = fixed | {"units": 4, "bidirectional": bidirectional, "layers": layers}
        recipe = Recipe(n_classes)

        model = build_classifier(params, recipe).logits

        weights = sum(int(w.numpy().size) for w in model.trainable_variables)
        assert count_weights(params, recipe.n_outputs) == weights


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamax", "nadam"])
def test_no_checkpoint_or_model_is_larger_than_its_bound(tmp_path: Path, optimizer: str) -> None:
    from study.training.program import ProgramCache
    from tests.study.training.test_trainer import PARAMS, make_trainer

    trainer = make_trainer(ProgramCache(), optimizer=optimizer)
    trainer.train_epoch()
    trainer.save_best(str(tmp_path / "model.keras"))
    space = {**PARAMS, "optimizer": optimizer}
    spec = make_spec(space=space, keep_models=1)

    footprint = bound(spec, n_slots=1, n_validation=30)

    assert footprint.checkpoints_bytes is not None
    assert footprint.models_bytes is not None
    checkpoint = len(trainer.to_bytes())
    assert checkpoint <= footprint.checkpoints_bytes / 2  # one more may be there for a moment
    assert (tmp_path / "model.keras").stat().st_size <= footprint.models_bytes / 2


def test_more_runs_at_once_more_models_and_more_seeds_need_more_room() -> None:
    few = bound(make_spec(space=BIG, keep_models=1))
    many = bound(make_spec(space=BIG, keep_models=2, seeds=5), n_slots=4)

    assert (few.n_running, many.n_running) == (2, 4)
    assert few.checkpoints_bytes is not None
    assert many.checkpoints_bytes == few.checkpoints_bytes // 3 * 5
    assert few.models_bytes is not None
    assert many.models_bytes == few.models_bytes // 2 * 3
    assert many.records_bytes > few.records_bytes


def test_never_more_runs_at_once_than_there_are() -> None:
    assert bound(make_spec(), n_slots=1000).n_running == 6


def test_of_a_model_of_ones_own_the_rest_is_said(tmp_path: Path) -> None:
    footprint = bound(make_spec(model="mine:build", space={"width": [1, 2]}))

    assert footprint.models_bytes is None
    assert "not counted, for the model is your own" in footprint.check(tmp_path / "new")


def test_what_the_folder_may_grow_to_and_what_is_free_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10**12, free=66e9))
    footprint = Footprint(
        records_bytes=5_000_000,
        checkpoints_bytes=31_000_000,
        models_bytes=25_000_000,
        n_running=2,
        n_models=3,
    )

    assert footprint.check(tmp_path / "studies" / "new") == (
        "The study's folder may grow to 61 MB (records, tables and report 5.0 MB, checkpoints of 2 runs "
        "31 MB, 3 models 25 MB); 66 GB are free there."
    )


def test_too_little_room_is_refused_but_what_the_folder_holds_is_there_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10**12, free=3e6))
    footprint = Footprint(
        records_bytes=5_000_000, checkpoints_bytes=0, models_bytes=0, n_running=1, n_models=0
    )

    with pytest.raises(EnvironmentFaultError, match=r"grow by 5\.0 MB .* 3\.0 MB are free; make room"):
        footprint.check(tmp_path)

    (tmp_path / "records.db").write_bytes(b"\0" * 2_500_000)
    assert "may grow to 5.0 MB" in footprint.check(tmp_path)

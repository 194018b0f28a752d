from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tensorflow.python.framework import ops

from study.training.metrics import evaluate, to_probabilities
from study.training.model import Recipe, build_classifier
from study.training.program import ProgramCache, read_values
from study.training.trainer import Rows, Trainer

PARAMS: dict[str, Any] = {
    "cell": "lstm",
    "bidirectional": True,
    "units": 4,
    "layers": 1,
    "vocab_size": 20,
    "sequence_length": 6,
    "embedding_dim": 5,
    "dropout": 0.0,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "batch_size": 16,
}


def make_rows(n_classes: int = 2) -> Rows:
    rng = np.random.default_rng(0)
    train = rng.integers(3, 20, (70, 6), dtype=np.int32)
    validation = rng.integers(3, 20, (30, 6), dtype=np.int32)
    return Rows(
        train=train,
        train_labels=train[:, -1] % n_classes,
        probe=np.arange(30),
        validation=validation,
        validation_labels=validation[:, -1] % n_classes,
    )


def make_trainer(
    programs: ProgramCache, seed: int = 1, rows: Rows | None = None, n_classes: int = 2, **params: Any
) -> Trainer:
    return Trainer(PARAMS | params, seed, rows or make_rows(), "val_loss", programs, Recipe(n_classes))


@pytest.fixture(scope="module")
def programs() -> ProgramCache:
    """Traced graphs are shared, as they are in a worker: each costs a second."""
    return ProgramCache(n_programs=8)


def losses(trainer: Trainer, n_epochs: int) -> list[tuple[float, float]]:
    figures = [trainer.train_epoch() for _ in range(n_epochs)]
    return [(f.train_loss, f.val_loss) for f in figures]


def test_the_notebooks_model_has_the_notebooks_number_of_weights() -> None:
    params = PARAMS | {
        "units": 64,
        "layers": 2,
        "vocab_size": 15_000,
        "sequence_length": 150,
        "embedding_dim": 128,
    }

    classifier = build_classifier(params, Recipe(n_classes=2))

    assert classifier.logits.count_params() == 2_117_761


def test_parameters_and_seed_repeat_a_training_to_the_last_bit(programs: ProgramCache) -> None:
    first = losses(make_trainer(programs), 3)

    assert losses(make_trainer(programs), 3) == first
    assert losses(make_trainer(programs, seed=2), 3) != first


def test_a_graph_that_is_used_again_trains_as_a_new_one_does(programs: ProgramCache) -> None:
    losses(make_trainer(programs, seed=5, learning_rate=0.1, batch_size=8), 2)

    used_again = losses(make_trainer(programs), 2)

    assert used_again == losses(make_trainer(ProgramCache()), 2)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_training_continued_from_a_checkpoint_is_the_one_that_was_not_interrupted(
    programs: ProgramCache, dropout: float
) -> None:
    uninterrupted = make_trainer(programs, dropout=dropout)
    expected = losses(uninterrupted, 4)
    first_half = make_trainer(programs, dropout=dropout)
    losses(first_half, 2)
    content = first_half.to_bytes()

    second_half = make_trainer(programs, dropout=dropout)
    second_half.restore(content)

    assert losses(second_half, 2) == expected[2:]
    assert second_half.best_epoch == uninterrupted.best_epoch
    assert np.array_equal(second_half.best_probabilities(), uninterrupted.best_probabilities())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_class_of_weight_two_counts_as_if_each_of_its_texts_came_twice(
    programs: ProgramCache, n_classes: int
) -> None:
    # One batch an epoch by plain descent: twice the texts of class 1, at a rate that makes up for the mean.
    rows = make_rows(n_classes)
    again = rows.train_labels == 1
    twice = replace(
        rows,
        train=np.concatenate([rows.train, rows.train[again]]),
        train_labels=np.concatenate([rows.train_labels, rows.train_labels[again]]),
    )
    weights = np.ones(n_classes, dtype=np.float32)
    weights[1] = 2.0
    setting = PARAMS | {"optimizer": "sgd", "batch_size": 500}
    recipe = Recipe(n_classes)
    rate = 0.5 * len(twice.train) / len(rows.train)
    weighted = Trainer(setting | {"learning_rate": 0.5}, 1, rows, "val_loss", programs, recipe, weights)
    expected = losses(weighted, 2)

    repeated = Trainer(setting | {"learning_rate": rate}, 1, twice, "val_loss", programs, recipe)

    assert losses(repeated, 2) == [pytest.approx(pair, rel=1e-4) for pair in expected]
    assert expected != losses(make_trainer(programs, rows=rows, n_classes=n_classes, **setting), 2)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_figures_are_those_that_keras_evaluates(programs: ProgramCache, n_classes: int) -> None:
    rows = make_rows(n_classes)
    trainer = make_trainer(programs, rows=rows, n_classes=n_classes)
    figures = trainer.train_epoch()
    model = trainer.classifier.probabilities
    loss = "binary_crossentropy" if n_classes == 2 else "sparse_categorical_crossentropy"
    model.compile(loss=loss, metrics=["accuracy"])

    expected = model.evaluate(rows.validation, rows.validation_labels, verbose=0)

    assert (figures.val_loss, figures.val_accuracy) == pytest.approx(expected, rel=1e-5)


def test_training_learns_what_can_be_learnt(programs: ProgramCache) -> None:
    trainer = make_trainer(programs)

    for _ in range(40):
        figures = trainer.train_epoch()

    assert figures.train_accuracy > 0.95
    assert figures.train_loss < 0.3


def test_the_best_epochs_model_loads_in_plain_keras_and_predicts_the_same(
    programs: ProgramCache, tmp_path: Path
) -> None:
    trainer = make_trainer(programs)
    losses(trainer, 3)
    path = tmp_path / "model.keras"

    speed = trainer.save_best(str(path))

    assert list(speed) == ["1", "256"]
    assert min(speed.values()) > 0
    model = keras.saving.load_model(path, custom_objects={}, compile=False)
    predicted = model.predict(trainer.rows.validation, verbose=0)[:, 0]
    assert type(model.get_layer("recurrent_1").forward_layer) is keras.layers.LSTM
    assert predicted == pytest.approx(trainer.best_probabilities(), abs=1e-3)  # float16


def test_compiled_cells_and_keras_train_alike(programs: ProgramCache) -> None:
    rows = make_rows()
    compiled = Trainer(PARAMS, 1, rows, "val_loss", programs, Recipe(2, "auto"))
    plain = Trainer(PARAMS, 1, rows, "val_loss", programs, Recipe(2, "keras"))

    assert compiled.classifier.cells == "compiled"
    assert plain.classifier.cells == "keras"
    assert np.array(losses(compiled, 3)) == pytest.approx(np.array(losses(plain, 3)), rel=1e-4)


def test_a_learning_rate_beyond_reason_is_seen_to_diverge(programs: ProgramCache) -> None:
    trainer = make_trainer(programs, optimizer="sgd", learning_rate=1e38)

    figures = [trainer.train_epoch() for _ in range(3)]

    assert not figures[-1].is_finite
    assert trainer.best_epoch in (None, 1, 2)


def test_scores_become_losses_and_accuracies_as_by_hand() -> None:
    labels = np.array([0, 1, 1])
    scores = np.array([[-1.0], [2.0], [-3.0]], np.float32)

    measures = evaluate(scores, labels)

    by_hand = (np.log1p(np.exp(-1)) + np.log1p(np.exp(-2)) + np.log1p(np.exp(3))) / 3
    assert (measures.loss, measures.accuracy) == pytest.approx((by_hand, 2 / 3))


def test_probabilities_of_several_classes_sum_to_one() -> None:
    probabilities = to_probabilities(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 90.0]], np.float32))

    assert probabilities.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert probabilities[1, 2] == pytest.approx(1.0)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_gradient_norms_are_those_of_finite_differences(programs: ProgramCache, cell: str) -> None:
    trainer = make_trainer(programs, cell=cell, bidirectional=False)
    model = trainer.classifier.logits
    embedding = model.get_layer("embedding")
    rest = keras.Model(embedding.output, model.output)
    ids, labels = trainer.rows.validation[:1], trainer.rows.validation_labels[:1]
    embedded = np.array(embedding(ids))
    steps = [np.zeros_like(embedded) for _ in range(embedded.shape[2])]
    for coordinate, step in enumerate(steps):
        step[0, 0, coordinate] = 1e-2

    by_differences = [
        (
            evaluate(np.array(rest(embedded + h)), labels).loss
            - evaluate(np.array(rest(embedded - h)), labels).loss
        )
        / 2e-2
        for h in steps
    ]

    assert trainer.gradient_norms(n_rows=1)[-1] == pytest.approx(np.linalg.norm(by_differences), rel=2e-2)


def test_padding_has_no_gradient_norm(programs: ProgramCache) -> None:
    rows = make_rows()
    rows.validation[:, :2] = 0
    trainer = make_trainer(programs, rows=rows)

    norms = trainer.gradient_norms()

    assert np.isnan(norms[-2:]).all()
    assert (norms[:-2] > 0).all()


def test_tensorflow_remembers_no_graph_that_nobody_uses() -> None:
    registered = ops.gradient_registry._registry
    before = set(registered)

    make_trainer(ProgramCache()).train_epoch()

    assert set(registered) == before  # a gradient that is registered holds its graph for good


def test_first_weights_follow_from_the_seed_however_many_are_asked_for(programs: ProgramCache) -> None:
    def first_weights(seed: int, cache: ProgramCache) -> list[Any]:
        return read_values(make_trainer(cache, seed=seed).classifier.logits.variables)

    firsts = {seed: first_weights(seed, programs) for seed in range(7)}

    for seed, cache in ((0, programs), (6, programs), (0, ProgramCache())):
        again = first_weights(seed, cache)
        assert all(np.array_equal(a, b) for a, b in zip(firsts[seed], again, strict=True))
    assert not np.array_equal(firsts[0][0], firsts[1][0])

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from study.training.cells import chosen, embedding_layer, plain_model, recurrent_layer
from study.training.cells.layers import LAYERS, Layers
from study.training.loops import batch
from study.training.loops.compilation import prepare
from study.training.loops.time import backward, forward
from study.training.loops.words import number_words

pytestmark = pytest.mark.filterwarnings(
    # Keras saves a TensorFlow variable by numpy.array(), to whose copy=False TensorFlow has no answer yet.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

CELLS = tuple(cell for cell, layers in LAYERS.items() if layers.compiled is not None)
# Relative to the largest element; float32 itself is good for 6e-8 an operation.
TOLERANCE = 1e-5

Values = list[npt.NDArray[np.float32]]


@pytest.fixture(scope="session", autouse=True)
def compiled_loops() -> None:
    """Has the loops compiled before the first test is timed."""
    prepare()


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Draws the same weights every time: with some, a gradient nearly cancels and has no accuracy left."""
    keras.utils.set_random_seed(0)


def make_layer(cell: str, units: int, cells: str, direction: str, *, return_sequences: bool) -> keras.Layer:
    layer = recurrent_layer(
        cell,
        units,
        return_sequences=return_sequences,
        cells=cells,
        bidirectional=direction == "both",
        go_backwards=direction == "backward",
        bias_initializer="random_normal",
    )
    return keras.layers.Bidirectional(layer) if direction == "wrapped" else layer


def outputs_and_gradients(
    layer: keras.Layer, x: tf.Tensor, loss: Callable[[tf.Tensor], tf.Tensor], *, training: bool = True
) -> tuple[Values, Values]:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        value = loss(y)
    gradients = tape.gradient(value, [x, *[v.value for v in layer.trainable_variables]])
    return [y.numpy()], [g.numpy() for g in gradients]


def largest_difference(one: Values, other: Values) -> float:
    return max(
        float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-6)) for a, b in zip(one, other, strict=True)
    )


def wavy(y: tf.Tensor) -> tf.Tensor:
    """A loss whose gradient differs from output to output."""
    return tf.reduce_sum(tf.sin(3 * y + tf.cast(tf.range(tf.shape(y)[-1]), y.dtype)))


def keras_and_compiled(
    cell: str, direction: str, return_sequences: bool, shape: tuple[int, int, int], units: int
) -> list[keras.Layer]:
    layers = [
        make_layer(cell, units, cells, direction, return_sequences=return_sequences)
        for cells in ("keras", "auto")
    ]
    for layer in layers:
        layer.build(shape)
    layers[1].set_weights(layers[0].get_weights())
    return layers


def assert_equal_to_keras(
    cell: str, direction: str, return_sequences: bool, shape: tuple[int, int, int], units: int
) -> None:
    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    layers = keras_and_compiled(cell, direction, return_sequences, shape, units)
    (y, gradients), (fast_y, fast_gradients) = (outputs_and_gradients(layer, x, wavy) for layer in layers)
    assert largest_difference(y, fast_y) < TOLERANCE
    assert largest_difference(gradients, fast_gradients) < TOLERANCE


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("direction", ["forward", "backward", "both", "wrapped"])
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_equal_those_of_keras(
    cell: str, direction: str, return_sequences: bool
) -> None:
    assert_equal_to_keras(cell, direction, return_sequences, shape=(5, 7, 6), units=9)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 2), (4, 1, 2), (3, 2, 1)])
@pytest.mark.parametrize("cell", CELLS)
def test_a_batch_a_length_and_a_unit_of_one_equal_keras(cell: str, shape: tuple[int, int, int]) -> None:
    assert_equal_to_keras(cell, "both", True, shape, units=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_rows", "length", "units"),
    [(1, 50, 16), (7, 50, 1), (64, 2, 33), (300, 1, 16), (129, 20, 3), (64, 50, 64)],
)
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("cell", CELLS)
def test_every_size_is_as_near_as_keras_to_the_results_in_float64(
    cell: str, direction: str, return_sequences: bool, n_rows: int, length: int, units: int
) -> None:
    # Sums of thousands of terms of either sign may come near zero and have no relative accuracy in float32.
    shape = (n_rows, length, 12)
    x = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    layers = keras_and_compiled(cell, direction, return_sequences, shape, units)
    config = layers[0].get_config()
    inner = (config["layer"]["config"], config["backward_layer"]["config"]) if direction == "both" else ()
    for part in (config, *inner):
        part["dtype"] = "float64"
    wide = type(layers[0]).from_config(config)
    wide.build(shape)
    wide.set_weights(layers[0].get_weights())
    (y, gradients), (fast_y, fast_gradients) = (outputs_and_gradients(layer, x, wavy) for layer in layers)
    true_y, true_gradients = outputs_and_gradients(wide, tf.cast(x, tf.float64), wavy)
    for true, of_keras, fast in ((true_y, y, fast_y), (true_gradients, gradients, fast_gradients)):
        assert largest_difference(true, fast) < TOLERANCE + 4 * largest_difference(true, of_keras)


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_is_right_when_only_the_last_output_is_used(cell: str) -> None:
    x = tf.constant(np.random.default_rng(1).normal(size=(4, 6, 3)), tf.float32)
    layer = make_layer(cell, 5, "auto", "forward", return_sequences=True)
    layer(x)
    last = make_layer(cell, 5, "auto", "forward", return_sequences=False)
    last(x)
    last.set_weights(layer.get_weights())
    _, of_sequence = outputs_and_gradients(layer, x, lambda y: wavy(y[:, -1]))
    _, of_last = outputs_and_gradients(last, x, wavy)
    assert largest_difference(of_sequence, of_last) < TOLERANCE


def test_a_gradient_outside_of_training_is_the_same() -> None:
    x = tf.constant(np.random.default_rng(1).normal(size=(4, 6, 3)), tf.float32)
    layer = make_layer("gru", 5, "auto", "both", return_sequences=True)
    (y, gradients), (other_y, other_gradients) = (
        outputs_and_gradients(layer, x, wavy, training=training) for training in (True, False)
    )
    assert np.array_equal(y, other_y)
    assert largest_difference(gradients, other_gradients) == 0


def test_rows_in_blocks_are_computed_as_rows_alone() -> None:
    x = np.random.default_rng(1).normal(size=(300, 3, 2)).astype(np.float32)
    layer = make_layer("lstm", 3, "auto", "both", return_sequences=False)
    alone = np.concatenate([layer(x[i : i + 1]) for i in (0, 127, 128, 299)])
    np.testing.assert_allclose(layer(x).numpy()[[0, 127, 128, 299]], alone, atol=1e-6)


def embed_and_run(embedding: keras.layers.Embedding, layer: keras.Layer) -> tuple[Values, Values]:
    """Outputs and gradients by table and weights over texts whose words repeat, in three blocks of rows."""
    ids = tf.constant(np.random.default_rng(6).integers(0, 11, (300, 7)), tf.int32)
    with tf.GradientTape() as tape:
        y = layer(embedding(ids), training=True)
        loss = wavy(y)
    variables = [*embedding.trainable_variables, *layer.trainable_variables]
    of_table, *of_weights = tape.gradient(loss, [v.value for v in variables])
    # Each occurrence has a gradient of its own: optimizers make more of it than a sum.
    return [y.numpy()], [of_table.values.numpy(), *(g.numpy() for g in of_weights)]


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("direction", ["forward", "backward", "both", "wrapped"])
@pytest.mark.parametrize("cell", CELLS)
def test_repeated_words_of_an_embedding_equal_those_of_keras(
    cell: str, direction: str, return_sequences: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    projections = []
    monkeypatch.setattr(batch, "forward", lambda *a: (projections.append(a[6].shape[0]), forward(*a)))
    embeddings = [embedding_layer(11, 6, cells=cells) for cells in ("keras", "auto")]
    layers = keras_and_compiled(cell, direction, return_sequences, (300, 7, 6), 9)
    for embedding in embeddings:
        embedding.build((300, 7))
    embeddings[1].set_weights(embeddings[0].get_weights())
    (y, gradients), (fast_y, fast_gradients) = (
        embed_and_run(*pair) for pair in zip(embeddings, layers, strict=True)
    )
    assert largest_difference(y, fast_y) < TOLERANCE
    assert largest_difference(gradients, fast_gradients) < 2 * TOLERANCE  # sums of 2,100 terms
    assert set(projections) == {11}


def test_what_is_made_of_an_embedding_is_not_taken_for_it() -> None:
    ids = tf.zeros((2, 5), tf.int32)
    embedding = embedding_layer(3, 4, cells="auto")
    layer = make_layer("gru", 3, "auto", "forward", return_sequences=False)
    embedded = embedding(ids)
    for changed in (
        keras.layers.Dropout(0.5, seed=1)(embedded, training=True),
        embedded + tf.random.normal((2, 5, 4)),
    ):
        copy = tf.constant(changed.numpy())
        np.testing.assert_allclose(layer(changed), layer(copy), atol=1e-6)


def classifier(cell: str, cells: str, length: int) -> keras.Model:
    """Two layers, each of both directions; the same seed gives the same weights whatever computes them."""
    keras.utils.set_random_seed(3)
    ids = keras.Input((length,), dtype="int32")
    x = embedding_layer(30, 6, cells=cells)(ids)
    for return_sequences in (True, False):
        x = recurrent_layer(cell, 4, return_sequences=return_sequences, cells=cells, bidirectional=True)(x)
    return keras.Model(ids, keras.layers.Dense(1)(x))


def rows(n: int, length: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    rng = np.random.default_rng(4)
    return rng.integers(0, 30, (n, length), np.int32), rng.integers(0, 2, (n, 1)).astype(np.float32)


def train_in_one_call(model: keras.Model, batch_size: int) -> Values:
    """Trains an epoch as one graph with a loop over its batches, the last of which is smaller."""
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    @tf.function
    def epoch(ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        for start in tf.range(0, tf.shape(ids)[0], batch_size):
            with tf.GradientTape() as tape:
                scores = model(ids[start : start + batch_size], training=True)
                target = labels[start : start + batch_size]
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(target, scores))
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            losses = losses.write(losses.size(), loss)
        return losses.stack()

    losses = epoch(*(tf.constant(a) for a in rows(10 * batch_size - 3, 8)))
    return [losses.numpy(), *model.get_weights()]


def test_training_calls_what_was_prepared() -> None:
    for cell in CELLS:
        x = tf.ones((3, 4, 5))
        layer = make_layer(cell, 2, "auto", "both", return_sequences=True)
        outputs_and_gradients(layer, x, wavy)
        embed_and_run(embedding_layer(11, 5, cells="auto"), layer)
    for function in (forward, backward, number_words):
        assert len(function.signatures) == 1


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_ten_training_steps_in_a_traced_loop_equal_those_of_keras(cell: str) -> None:
    one, other = (train_in_one_call(classifier(cell, cells, 8), 5) for cells in ("keras", "auto"))
    assert (
        largest_difference(one, other) < 1e-4
    )  # ten steps of Adam, which divides small numbers by small numbers


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_keras_fit_trains_as_with_kerass_own_cells(cell: str) -> None:
    losses = []
    for cells in ("keras", "auto"):
        model = classifier(cell, cells, 8)
        model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
        history = model.fit(*rows(23, 8), batch_size=5, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_initial_weights_are_those_of_keras() -> None:
    one, other = (classifier("lstm", cells, 8).get_weights() for cells in ("keras", "auto"))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_nan_in_the_input_reaches_the_output(cell: str) -> None:
    layer = make_layer(cell, 3, "auto", "forward", return_sequences=False)
    x = np.zeros((2, 4, 3), np.float32)
    x[1, 2, 0] = np.nan
    y = layer(tf.constant(x)).numpy()
    assert np.isfinite(y[0]).all()
    assert np.isnan(y[1]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"recurrent_dropout": 0.1},
        {"dropout": 0.1},
        {"reset_after": False},
        {"use_bias": False},
        {"stateful": True},
        {"unroll": True},
        {"dtype": "float64"},
    ],
)
def test_other_options_are_left_to_keras(options: dict[str, Any]) -> None:
    assert chosen("gru", cells="auto", **options) == "keras"
    layer = recurrent_layer("gru", 3, return_sequences=False, cells="auto", **options)
    assert type(layer) is keras.layers.GRU


def test_default_options_given_by_name_or_as_functions_are_compiled() -> None:
    assert chosen("gru", cells="auto", activation="tanh", recurrent_activation=keras.ops.sigmoid) == "keras"
    assert chosen("gru", cells="auto", activation=keras.activations.tanh, dropout=0) == "compiled"


def test_compiled_cells_can_be_switched_off() -> None:
    assert chosen("lstm", cells="keras") == "keras"
    assert type(recurrent_layer("lstm", 3, return_sequences=True, cells="keras")) is keras.layers.LSTM


def test_a_cell_without_a_compiled_loop_is_left_to_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYERS, "new", Layers(keras.layers.GRU))  # type: ignore[arg-type]
    assert chosen("new", cells="auto") == "keras"
    both = recurrent_layer("new", 3, return_sequences=True, cells="auto", bidirectional=True)
    assert type(both) is keras.layers.Bidirectional
    assert type(both.forward_layer) is keras.layers.GRU


@pytest.mark.parametrize("cell", CELLS)
def test_masked_sequences_are_left_to_keras(cell: str) -> None:
    x = tf.constant(np.random.default_rng(5).normal(size=(3, 4, 2)), tf.float32)
    mask = tf.constant([[True, True, False, False], [True] * 4, [True, False, False, False]])
    layers = [make_layer(cell, 3, cells, "forward", return_sequences=False) for cells in ("keras", "auto")]
    for layer in layers:
        layer.build(x.shape)
    layers[1].set_weights(layers[0].get_weights())
    one, other = (layer(x, mask=mask).numpy() for layer in layers)
    assert np.array_equal(one, other)


@pytest.mark.slow
def test_a_plain_model_loads_where_this_project_is_not_installed(tmp_path: Path) -> None:
    ids, _ = rows(6, 8)
    for cell in CELLS:
        model = classifier(cell, "auto", 8)
        plain_model(model).save(tmp_path / f"{cell}.keras")
        np.save(tmp_path / f"{cell}.npy", model(ids).numpy())
    np.save(tmp_path / "ids.npy", ids)
    code = """
import sys
sys.modules["study"] = None  # importing it fails
import keras, numpy as np
for cell in sys.argv[1:]:
    model = keras.saving.load_model(f"{cell}.keras", safe_mode=True)
    y = model(np.load("ids.npy")).numpy()
    assert np.allclose(y, np.load(f"{cell}.npy"), atol=1e-6), cell
    assert not any(type(layer).__module__.startswith("study") for layer in model._flatten_layers())
"""
    done = subprocess.run([sys.executable, "-c", code, *CELLS], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

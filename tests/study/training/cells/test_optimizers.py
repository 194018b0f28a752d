from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from study.training.cells import fused_optimizer

FASTER = [("Adam", {}), ("Adamax", {}), ("RMSprop", {}), ("Adam", {"weight_decay": 0.01})]
AS_THEY_ARE = [
    ("SGD", {}),
    ("Nadam", {}),
    ("Adam", {"amsgrad": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True}),
]


def make(name: str, options: dict[str, Any]) -> keras.optimizers.Optimizer:
    return keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.01, **options}})


def weights_after_ten_steps(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    """A table of 6 rows, of which each batch has 4 with repetitions, and a vector that every batch moves."""
    rng = np.random.default_rng(0)
    table = keras.Variable(rng.normal(size=(6, 3)).astype(np.float32))
    vector = keras.Variable(rng.normal(size=3).astype(np.float32))
    optimizer.build([table, vector])

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int32)])
    def step(rows: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(3 * tf.gather(table.value, rows) * vector.value))
        optimizer.apply(tape.gradient(loss, [table.value, vector.value]), [table, vector])

    for _ in range(10):
        step(tf.constant(rng.integers(0, 6, 4), tf.int32))
    return [v.value.numpy() for v in (table, vector, *optimizer.variables)]


@pytest.mark.parametrize(("name", "options"), FASTER)
def test_ten_steps_with_repeated_and_absent_rows_equal_those_of_keras(
    name: str, options: dict[str, Any]
) -> None:
    optimizer = make(name, options)
    fused = fused_optimizer(make(name, options))
    assert type(fused) is not type(optimizer)
    for one, other in zip(weights_after_ten_steps(optimizer), weights_after_ten_steps(fused), strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("name", "options"), AS_THEY_ARE)
def test_other_optimizers_are_returned_as_they_are(name: str, options: dict[str, Any]) -> None:
    optimizer = make(name, options)
    assert fused_optimizer(optimizer) is optimizer


def test_options_and_the_learning_rate_are_kept() -> None:
    fused = fused_optimizer(keras.optimizers.Adam(0.02, beta_1=0.8, clipnorm=1.0))
    assert float(fused.learning_rate) == pytest.approx(0.02)
    assert (fused.beta_1, fused.clipnorm) == (0.8, 1.0)

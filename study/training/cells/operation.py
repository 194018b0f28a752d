"""The compiled time loops as a differentiable TensorFlow operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from study.training.loops.batch import run_backward, run_forward
from study.training.loops.compilation import prepare


def recurrent(
    cell: int,
    x: tf.Tensor,
    weights: Sequence[tf.Tensor],
    backwards: Sequence[bool],
    *,
    return_sequences: bool,
    record: bool,
    ids: tf.Tensor | None = None,
) -> tf.Tensor:
    """Runs one cell type over the time of x in one or two directions, from states of zeros.

    Args:
        cell: RNN, GRU or LSTM, of `steps`.
        x: float32 of shape (batch, length, features).
        weights: Kernel, recurrent kernel and bias of each direction in turn, as Keras shapes them.
        backwards: For each direction, whether time runs from the last step to the first.
        return_sequences: Whether every state is returned or only the one reached last.
        record: Whether what the gradient needs is kept; else a gradient computes it again.
        ids: int32 of shape (batch, length), or None. Inputs of the same id are equal, so that each is
            multiplied by the kernel once.

    Returns:
        (batch, length, directions * units), each state at the time of its input, whatever the direction; or
        (batch, directions * units). Differentiable by x and weights, once.
    """
    prepare()
    if ids is None:
        ids = tf.zeros((0, 0), tf.int32)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(x: tf.Tensor, *weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def run(*, record: bool) -> tuple[tf.Tensor, tf.Tensor]:
            function = partial(run_forward, cell, tuple(backwards), return_sequences, record)
            y, saved = tf.numpy_function(
                function, [x, ids, *weights], [tf.float32] * 2, stateful=False, name="recurrent"
            )
            return y, saved

        def gradient(y_gradient: tf.Tensor) -> list[tf.Tensor]:
            gradients: list[tf.Tensor] = tf.numpy_function(
                partial(run_backward, cell, tuple(backwards)),
                [y_gradient, saved if record else run(record=True)[1], x, ids, *weights],
                [tf.float32] * (1 + len(weights)),
                stateful=False,
                name="recurrent_gradient",
            )
            for gradient, source in zip(gradients, (x, *weights), strict=True):
                gradient.set_shape(source.shape)
            return gradients

        y, saved = run(record=record)
        return y, gradient

    y = operation(x, *weights)
    n_units = len(backwards) * weights[1].shape[0]
    y.set_shape((x.shape[0], x.shape[1], n_units) if return_sequences else (x.shape[0], n_units))
    return y

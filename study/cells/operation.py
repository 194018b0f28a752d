"""The compiled time loops as a differentiable TensorFlow operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from study.cells.loops import backward, forward
from study.cells.planes import Array
from study.cells.steps import N_SAVED

BLOCK_ROWS = 128
"""Rows that go through time together: a step's planes then stay in the processor's second-level cache."""

_ALIGNMENT = 64  # bytes; TensorFlow copies an array that it is handed with less


def recurrent(
    cell: int, x: tf.Tensor, weights: Sequence[tf.Tensor], backwards: Sequence[bool], return_sequences: bool
) -> tf.Tensor:
    """Runs one cell type over the time of x in one or two directions, from states of zeros.

    Args:
        cell: RNN, GRU or LSTM, of `steps`.
        x: float32 of shape (batch, length, features).
        weights: Kernel, recurrent kernel and bias of each direction in turn, as Keras shapes them.
        backwards: For each direction, whether time runs from the last step to the first.
        return_sequences: Whether every state is returned or only the one reached last.

    Returns:
        (batch, length, directions * units), each state at the time of its input, whatever the direction; or
        (batch, directions * units). Differentiable by x and weights, once.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(x: tf.Tensor, *weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        y, saved = tf.numpy_function(
            partial(_run, cell, tuple(backwards), return_sequences),
            [x, *weights],
            [tf.float32, tf.float32],
            stateful=False,
            name="recurrent",
        )

        def gradient(y_gradient: tf.Tensor) -> list[tf.Tensor]:
            gradients = tf.numpy_function(
                partial(_run_back, cell, tuple(backwards)),
                [y_gradient, saved, x, *weights],
                [tf.float32] * (1 + len(weights)),
                stateful=False,
                name="recurrent_gradient",
            )
            for gradient, source in zip(gradients, (x, *weights), strict=True):
                gradient.set_shape(source.shape)
            return list(gradients)

        return y, gradient

    y = operation(x, *weights)
    n_units = len(backwards) * weights[1].shape[0]
    y.set_shape((x.shape[0], x.shape[1], n_units) if return_sequences else (x.shape[0], n_units))
    return y


def _run(
    cell: int, backwards: tuple[bool, ...], return_sequences: bool, x: Array, *weights: Array
) -> tuple[Array, Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y = _aligned((n_rows, length if return_sequences else 1, len(backwards) * units))
    saved = _aligned((len(backwards), n_rows * length * N_SAVED[cell] * units))
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, bias = _weights_of(weights, direction)
        for rows in _blocks(n_rows):
            forward(
                cell,
                x[rows],
                kernel,
                recurrent_kernel,
                bias,
                backward_in_time,
                y[rows],
                direction * units,
                _saved_of(saved[direction], rows, length, N_SAVED[cell], units),
            )
    return y if return_sequences else y[:, 0], saved


def _run_back(
    cell: int, backwards: tuple[bool, ...], y_gradient: Array, saved: Array, x: Array, *weights: Array
) -> list[Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y_gradient = y_gradient.reshape(n_rows, -1, len(backwards) * units)
    gradients = [_aligned(a.shape) for a in (x, *weights)]
    for gradient in gradients:
        gradient.fill(0)
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, _ = _weights_of(weights, direction)
        for rows in _blocks(n_rows):
            backward(
                cell,
                x[rows],
                kernel,
                recurrent_kernel,
                backward_in_time,
                y_gradient[rows],
                direction * units,
                _saved_of(saved[direction], rows, length, N_SAVED[cell], units),
                gradients[0][rows],
                *_weights_of(gradients[1:], direction),
            )
    return gradients


def _weights_of(weights: Sequence[Array], direction: int) -> tuple[Array, Array, Array]:
    kernel, recurrent_kernel, bias = weights[3 * direction : 3 * direction + 3]
    return kernel, recurrent_kernel, bias.reshape(-1, kernel.shape[1])


def _blocks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + BLOCK_ROWS, n_rows)) for start in range(0, n_rows, BLOCK_ROWS)]


def _saved_of(saved: Array, rows: slice, length: int, n_saved: int, units: int) -> Array:
    # A block's part lies together, so that the loops see one contiguous array.
    part = saved[rows.start * length * n_saved * units : rows.stop * length * n_saved * units]
    return part.reshape(length, n_saved, rows.stop - rows.start, units)


def _aligned(shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    spare = np.empty(size + _ALIGNMENT // 4, np.float32)
    start = -spare.ctypes.data % _ALIGNMENT // 4
    return spare[start : start + size].reshape(shape)

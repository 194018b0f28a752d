"""The compiled time loops as a differentiable TensorFlow operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from study.cells.loops import backward, forward
from study.cells.products import SGEMM, Array
from study.cells.steps import N_SAVED, RNN

# TensorFlow copies an array that it is handed with less; in bytes.
_ALIGNMENT = 64

# OpenBLAS computes a product of up to 10^6 multiplications in place; a larger one it packs first, which takes
# up to twice the time at these sizes. More rows than the second bound push a step out of the near caches.
_BLOCK_MULTIPLICATIONS = 800_000
_BLOCK_ROWS = 128


def recurrent(
    cell: int,
    x: tf.Tensor,
    weights: Sequence[tf.Tensor],
    backwards: Sequence[bool],
    *,
    return_sequences: bool,
    record: bool,
) -> tf.Tensor:
    """Runs one cell type over the time of x in one or two directions, from states of zeros.

    Args:
        cell: RNN, GRU or LSTM, of `steps`.
        x: float32 of shape (batch, length, features).
        weights: Kernel, recurrent kernel and bias of each direction in turn, as Keras shapes them.
        backwards: For each direction, whether time runs from the last step to the first.
        return_sequences: Whether every state is returned or only the one reached last.
        record: Whether what the gradient needs is kept; else a gradient computes it again.

    Returns:
        (batch, length, directions * units), each state at the time of its input, whatever the direction; or
        (batch, directions * units). Differentiable by x and weights, once.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(x: tf.Tensor, *weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def run(*, record: bool) -> tuple[tf.Tensor, tf.Tensor]:
            function = partial(_run, cell, tuple(backwards), return_sequences, record)
            y, saved = tf.numpy_function(
                function, [x, *weights], [tf.float32] * 2, stateful=False, name="recurrent"
            )
            return y, saved

        def gradient(y_gradient: tf.Tensor) -> list[tf.Tensor]:
            gradients: list[tf.Tensor] = tf.numpy_function(
                partial(_run_back, cell, tuple(backwards)),
                [y_gradient, saved if record else run(record=True)[1], x, *weights],
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


def prepare() -> None:
    """Loads the compiled loops from the cache, or compiles them, which takes ten seconds or more, but once.

    The first layer does so by itself; a worker may do it earlier, while it waits for its data.
    """
    ones = np.ones((1, 1), np.float32)
    y, saved = _run(RNN, (False,), True, True, ones[None], ones, ones, ones[0])
    _run_back(RNN, (False,), y, saved, ones[None], ones, ones, ones[0])


def _run(
    cell: int, backwards: tuple[bool, ...], return_sequences: bool, record: bool, x: Array, *weights: Array
) -> tuple[Array, Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y = _aligned((n_rows, length if return_sequences else 1, len(backwards) * units))
    n_slots = length if record else min(length, 2)
    saved = _aligned((len(backwards), n_rows * n_slots * N_SAVED[cell] * units))
    for direction, backward_in_time in enumerate(backwards):
        for rows in _blocks(x, units):
            forward(
                SGEMM,
                cell,
                x[rows],
                *_weights_of(weights, direction),
                backward_in_time,
                y[rows],
                direction * units,
                _saved_of(saved[direction], rows, n_slots, N_SAVED[cell], units),
            )
    return y if return_sequences else y[:, 0], saved


def _run_back(
    cell: int, backwards: tuple[bool, ...], y_gradient: Array, saved: Array, x: Array, *weights: Array
) -> list[Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y_gradient = y_gradient.reshape(n_rows, -1, len(backwards) * units)
    gradients = [_aligned(x.shape), *(np.zeros_like(w) for w in weights)]
    for direction, backward_in_time in enumerate(backwards):
        for rows in _blocks(x, units):
            backward(
                SGEMM,
                cell,
                x[rows],
                *_weights_of(weights, direction)[:2],
                backward_in_time,
                y_gradient[rows],
                direction * units,
                _saved_of(saved[direction], rows, length, N_SAVED[cell], units),
                float(direction > 0),
                gradients[0][rows],
                *_weights_of(gradients[1:], direction),
            )
    return gradients


def _weights_of(weights: Sequence[Array], direction: int) -> tuple[Array, Array, Array]:
    kernel, recurrent_kernel, bias = weights[3 * direction : 3 * direction + 3]
    return kernel, recurrent_kernel, bias.reshape(-1, kernel.shape[1])


def _blocks(x: Array, units: int) -> list[slice]:
    """Cuts the rows into blocks that go through time one after the other."""
    n_rows, _, width = x.shape
    largest = _BLOCK_MULTIPLICATIONS // (max(width, units) * units)
    size = min(max(largest // 16 * 16, 16), _BLOCK_ROWS)
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def _saved_of(saved: Array, rows: slice, n_slots: int, n_saved: int, units: int) -> Array:
    # A block's part lies together, so that the loops see one contiguous array.
    row_size = n_slots * n_saved * units
    part = saved[rows.start * row_size : rows.stop * row_size]
    return part.reshape(n_slots, n_saved, rows.stop - rows.start, units)


def _aligned(shape: tuple[int, ...]) -> Array:
    size = int(np.prod(shape))
    spare = np.empty(size + _ALIGNMENT // 4, np.float32)
    start = -spare.ctypes.data % _ALIGNMENT // 4
    return spare[start : start + size].reshape(shape)

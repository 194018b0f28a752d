"""The compiled time loops as a differentiable TensorFlow operation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from study.training.cells.alignment import aligned
from study.training.cells.loops import backward, forward
from study.training.cells.products import SGEMM, Array
from study.training.cells.steps import N_SAVED, RNN
from study.training.cells.words import Ids, add_kernel_gradient, number_words, project, sum_words

# OpenBLAS computes a product of up to 10^6 multiplications in place; a larger one it packs first, which takes
# up to twice the time at these sizes. More rows than the second bound push a step out of the near caches.
_BLOCK_MULTIPLICATIONS = 800_000
_BLOCK_ROWS = 128

# Inputs for each distinct one from which on it pays to project those alone and to take the results.
_LEAST_REPETITION = 2


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
    if ids is None:
        ids = tf.zeros((0, 0), tf.int32)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def operation(x: tf.Tensor, *weights: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def run(*, record: bool) -> tuple[tf.Tensor, tf.Tensor]:
            function = partial(_run, cell, tuple(backwards), return_sequences, record)
            y, saved = tf.numpy_function(
                function, [x, ids, *weights], [tf.float32] * 2, stateful=False, name="recurrent"
            )
            return y, saved

        def gradient(y_gradient: tf.Tensor) -> list[tf.Tensor]:
            gradients: list[tf.Tensor] = tf.numpy_function(
                partial(_run_back, cell, tuple(backwards)),
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


def prepare() -> None:
    """Loads the compiled loops from the cache, or compiles them, which takes ten seconds or more, but once.

    The first layer does so by itself; a worker may do it earlier, while it waits for its data.
    """
    ones = np.ones((1, 1), np.float32)
    ids = np.zeros((1, 2), np.int32)
    x = np.ones((1, 2, 1), np.float32)
    y, saved = _run(RNN, (False,), True, True, x, ids, ones, ones, ones[0])
    _run_back(RNN, (False,), y, saved, x, ids, ones, ones, ones[0])
    sum_words(ids[0], x[0], True, *np.empty((2, 1, 1), np.float32))


def _run(
    cell: int,
    backwards: tuple[bool, ...],
    return_sequences: bool,
    record: bool,
    x: Array,
    ids: Ids,
    *weights: Array,
) -> tuple[Array, Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y = aligned((n_rows, length if return_sequences else 1, len(backwards) * units))
    n_slots = length if record else min(length, 2)
    saved = aligned((len(backwards), n_rows * n_slots * N_SAVED[cell] * units))
    words, inputs = _distinct(x, ids)
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, bias = _weights_of(weights, direction)
        projected = np.empty((len(inputs), kernel.shape[1]), np.float32)
        project(SGEMM, inputs, kernel, projected)
        for rows in _blocks(x, units):
            forward(
                SGEMM,
                cell,
                x[rows],
                words[rows],
                projected,
                kernel,
                recurrent_kernel,
                bias,
                backward_in_time,
                y[rows],
                direction * units,
                _saved_of(saved[direction], rows, n_slots, N_SAVED[cell], units),
            )
    return y if return_sequences else y[:, 0], saved


def _run_back(
    cell: int,
    backwards: tuple[bool, ...],
    y_gradient: Array,
    saved: Array,
    x: Array,
    ids: Ids,
    *weights: Array,
) -> list[Array]:
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y_gradient = y_gradient.reshape(n_rows, -1, len(backwards) * units)
    gradients = [aligned(x.shape), *(np.zeros_like(w) for w in weights)]
    words, inputs = _distinct(x, ids)
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, _ = _weights_of(weights, direction)
        kernel_gradient, recurrent_gradient, bias_gradient = _weights_of(gradients[1:], direction)
        projected_gradient = np.zeros((len(inputs), kernel.shape[1]), np.float32)
        for rows in _blocks(x, units):
            backward(
                SGEMM,
                cell,
                x[rows],
                words[rows],
                kernel,
                recurrent_kernel,
                backward_in_time,
                y_gradient[rows],
                direction * units,
                _saved_of(saved[direction], rows, length, N_SAVED[cell], units),
                float(direction > 0),
                gradients[0][rows],
                projected_gradient,
                kernel_gradient,
                recurrent_gradient,
                bias_gradient,
            )
        add_kernel_gradient(SGEMM, inputs, projected_gradient, kernel_gradient)
    return gradients


def _distinct(x: Array, ids: Ids) -> tuple[Ids, Array]:
    """Numbers the inputs by what they are, (batch, length), and gives one of each number, (n, features).

    Both are empty where no ids are given or too few repeat.
    """
    width = x.shape[2]
    if ids.size:
        words, firsts = number_words(ids.reshape(-1))
        if len(firsts) * _LEAST_REPETITION < ids.size:
            return words.reshape(ids.shape), x.reshape(-1, width)[firsts]
    return np.empty((0, 0), np.int32), np.empty((0, width), np.float32)


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

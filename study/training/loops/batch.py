"""A batch through the loops: its directions one after the other, in blocks of rows that suit the caches."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import threadpoolctl

from study.training.loops.alignment import aligned
from study.training.loops.products import SGEMM, Array
from study.training.loops.steps import N_SAVED
from study.training.loops.time import backward, forward
from study.training.loops.words import Ids, add_kernel_gradient, number_words, project

# Where OpenBLAS has kernels for small products, it computes those of up to 10^6 multiplications in place; a
# larger one it packs first, which takes up to twice the time at these sizes. So there a gate is a product of
# its own, and blocks are small. Elsewhere it packs each, and larger ones are faster: docs/performance.md and
# benchmarks/products.py. More rows leave the near caches.
_IN_PLACE = ("SkylakeX", "Cooperlake", "Sapphirerapids")
_BLOCK_MULTIPLICATIONS = 800_000
_BLOCK_ROWS = 128

# Products with the inputs wait for no step before: where all are packed, several steps share one of this
# many rows; 128 to 1024 do about alike.
_CHUNK_ROWS = 512

# Inputs for each distinct one from which on it pays to project those alone and to take the results.
_LEAST_REPETITION = 2


def run_forward(
    cell: int,
    backwards: tuple[bool, ...],
    return_sequences: bool,
    record: bool,
    x: Array,
    ids: Ids,
    *weights: Array,
) -> tuple[Array, Array]:
    """Run one cell type over the time of x.

    Args:
        cell: RNN, GRU or LSTM, of `steps`.
        backwards: For each direction, whether time runs from the last step to the first.
        return_sequences: Whether every state is returned or only the one reached last.
        record: Whether all that `run_backward` needs is kept.
        x: Inputs, (batch, length, features).
        ids: Inputs of the same id are equal, (batch, length); or empty.
        *weights: Kernel, recurrent kernel and bias of each direction in turn, as Keras shapes them.

    Returns:
        The states, (batch, length, directions * units) or (batch, directions * units), and what was kept.
    """
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y = aligned((n_rows, length if return_sequences else 1, len(backwards) * units))
    n_slots = length if record else min(length, 2)
    saved = aligned((len(backwards), n_rows * n_slots * N_SAVED[cell] * units))
    words, inputs = _distinct(x, ids)
    n_steps = _count_steps(x)
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, bias = _weights_of(weights, direction)
        projected = np.empty((len(inputs), kernel.shape[1]), np.float32)
        project(SGEMM, inputs, kernel, projected)
        for rows in _blocks(x, units):
            forward(
                SGEMM,
                units if computes_in_place() else kernel.shape[1],
                n_steps,
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


def run_backward(
    cell: int,
    backwards: tuple[bool, ...],
    y_gradient: Array,
    saved: Array,
    x: Array,
    ids: Ids,
    *weights: Array,
) -> list[Array]:
    """Run back through the time of `run_forward`, which was given the same.

    Args:
        cell: See there.
        backwards: See there.
        y_gradient: Gradient of the loss by the states, as large as they are.
        saved: What it kept.
        x: See there.
        ids: See there.
        *weights: See there.

    Returns:
        Gradients by x and by each of the weights.
    """
    n_rows, length, _ = x.shape
    units = weights[1].shape[0]
    y_gradient = y_gradient.reshape(n_rows, -1, len(backwards) * units)
    gradients = [aligned(x.shape), *(np.zeros_like(w) for w in weights)]
    words, inputs = _distinct(x, ids)
    n_steps = _count_steps(x)
    for direction, backward_in_time in enumerate(backwards):
        kernel, recurrent_kernel, _ = _weights_of(weights, direction)
        kernel_gradient, recurrent_gradient, bias_gradient = _weights_of(gradients[1:], direction)
        projected_gradient = np.zeros((len(inputs), kernel.shape[1]), np.float32)
        for rows in _blocks(x, units):
            backward(
                SGEMM,
                units if computes_in_place() else kernel.shape[1],
                n_steps,
                cell,
                x[rows],
                words[rows],
                kernel,
                recurrent_kernel,
                backward_in_time,
                y_gradient[rows],
                direction * units,
                _saved_of(saved[direction], rows, length, N_SAVED[cell], units),
                direction > 0,
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


@functools.cache
def computes_in_place() -> bool:
    """Whether small products are computed without packing what they multiply."""
    kinds = [kind.get("architecture") for kind in threadpoolctl.threadpool_info()]
    return any(kind in _IN_PLACE for kind in kinds)


def _count_steps(x: Array) -> int:
    """Return how many steps share a product with their inputs."""
    n_rows, length, _ = x.shape
    return 1 if computes_in_place() else min(max(_CHUNK_ROWS // min(n_rows, _BLOCK_ROWS), 1), length)


def _blocks(x: Array, units: int) -> list[slice]:
    """Cuts the rows into blocks that go through time one after the other."""
    n_rows, _, width = x.shape
    size = _BLOCK_ROWS
    if computes_in_place():
        largest = _BLOCK_MULTIPLICATIONS // (max(width, units) * units)
        size = min(max(largest // 16 * 16, 16), size)
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


def _saved_of(saved: Array, rows: slice, n_slots: int, n_saved: int, units: int) -> Array:
    # A block's part lies together, so that the loops see one contiguous array.
    row_size = n_slots * n_saved * units
    part = saved[rows.start * row_size : rows.stop * row_size]
    return part.reshape(n_slots, n_saved, rows.stop - rows.start, units)

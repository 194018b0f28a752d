"""Words that stand in a batch more than once: what is the same for each of them is computed once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from study.training.loops.jit import cached, compiled
from study.training.loops.products import OVERWRITE, Array, add_inner_product, multiply

Ids = NDArray[np.int32]


@cached
def number_words(ids: Ids) -> tuple[Ids, Ids]:
    """Numbers the distinct ids in the order of their first appearance.

    Args:
        ids: Flat, not empty; within a range small enough for an array.

    Returns:
        The number of each id, as large as ids; and where each number appears first.
    """
    lowest, highest = ids[0], ids[0]
    for word in ids:
        lowest, highest = min(lowest, word), max(highest, word)
    known = np.full(highest - lowest + 1, -1, np.int32)
    numbers = np.empty(ids.size, np.int32)
    firsts = np.empty(ids.size, np.int32)
    n_words = 0
    for place in range(ids.size):
        word = ids[place] - lowest
        if known[word] < 0:
            known[word] = n_words
            firsts[n_words] = place
            n_words += 1
        numbers[place] = known[word]
    return numbers, firsts[:n_words]


@cached
def sum_words(numbers: Ids, values: Array, squared: bool, sums: Array, sizes: Array) -> None:
    """Adds up the rows of each word.

    Args:
        numbers: The word of each row, (rows,).
        values: (rows, width).
        squared: Whether the size of a value is its square, else its absolute value.
        sums: Written: the sums of the values, (words, width).
        sizes: Written: the sums of their sizes, (words, width).
    """
    sums[:] = 0
    sizes[:] = 0
    for row in range(numbers.size):
        _add_sizes(values[row], squared, sums[numbers[row]], sizes[numbers[row]])


@compiled
def _add_sizes(values: Array, squared: bool, sums: Array, sizes: Array) -> None:
    if squared:
        for i in range(values.size):
            sums[i] += values[i]
            sizes[i] += values[i] * values[i]
    else:
        for i in range(values.size):
            sums[i] += values[i]
            sizes[i] += abs(values[i])


@cached
def project(sgemm: int, inputs: Array, kernel: Array, projected: Array) -> None:
    """Computes projected <- inputs @ kernel; unlike NumPy, without a warning where training diverges."""
    multiply(sgemm, inputs, kernel, OVERWRITE, projected)


@cached
def add_kernel_gradient(sgemm: int, inputs: Array, projected_gradient: Array, kernel_gradient: Array) -> None:
    """Adds the gradient by the kernel of `project`."""
    add_inner_product(sgemm, inputs, projected_gradient, kernel_gradient)


@compiled
def take_step(projected: Array, numbers: Ids, time: int, planes: Array) -> None:
    """Copies planes[gate, row] <- the part of that gate in projected[numbers[row, time]]."""
    n_gates, n_rows, units = planes.shape
    for row in range(n_rows):
        word = numbers[row, time]
        for gate in range(n_gates):
            for unit in range(units):
                planes[gate, row, unit] = projected[word, gate * units + unit]


@compiled
def add_step(planes: Array, numbers: Ids, time: int, first_gate: int, projected: Array) -> None:
    """Adds planes to the rows of their words, the reverse of `take_step`; plane 0 is that of `first_gate`."""
    n_gates, n_rows, units = planes.shape
    for row in range(n_rows):
        word = numbers[row, time]
        for gate in range(n_gates):
            start = (gate + first_gate) % n_gates * units
            for unit in range(units):
                projected[word, start + unit] += planes[gate, row, unit]

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
    for index in range(ids.size):
        word = ids[index] - lowest
        if known[word] < 0:
            known[word] = n_words
            firsts[n_words] = index
            n_words += 1
        numbers[index] = known[word]
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
def take_rows(projected: Array, numbers: Ids, time: int, bias: Array, rows: Array) -> None:
    """Copies rows[row] <- projected[numbers[row, time]] + bias."""
    for row in range(rows.shape[0]):
        word = numbers[row, time]
        for column in range(rows.shape[1]):
            rows[row, column] = projected[word, column] + bias[column]


@compiled
def add_rows(rows: Array, numbers: Ids, time: int, shift: int, projected: Array) -> None:
    """Adds rows to those of their words, the reverse of `take_rows`; the first `shift` columns come last."""
    n_rows, n_columns = rows.shape
    for row in range(n_rows):
        word = numbers[row, time]
        for column in range(n_columns - shift):
            projected[word, column] += rows[row, shift + column]
        for column in range(shift):
            projected[word, n_columns - shift + column] += rows[row, column]

"""Arrays of one time step as planes: (batch, units) each, contiguous, one a gate.

With a plane for each gate the element-wise work of a step runs in flat loops over batch x units, which the
compiler turns into vector instructions whatever the number of units is. Products have all gates side by side,
(batch, gates * units), as Keras's kernels do: one of them is faster than one for each gate.
"""

from __future__ import annotations

import numpy as np

from study.training.loops.jit import compiled
from study.training.loops.products import Array


@compiled
def fill_rows(bias: Array, rows: Array) -> None:
    """Copies (columns,) to each row of (batch, columns)."""
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            rows[row, column] = bias[column]


@compiled
def split_rows(rows: Array, planes: Array) -> None:
    """Copies (batch, gates * units) to (gates, batch, units)."""
    n_gates, n_rows, units = planes.shape
    for row in range(n_rows):
        for gate in range(n_gates):
            for unit in range(units):
                planes[gate, row, unit] = rows[row, gate * units + unit]


@compiled
def join_planes(planes: Array, rows: Array) -> None:
    """Copies (gates, batch, units) to (batch, gates * units)."""
    n_gates, n_rows, units = planes.shape
    for row in range(n_rows):
        for gate in range(n_gates):
            for unit in range(units):
                rows[row, gate * units + unit] = planes[gate, row, unit]


@compiled
def sum_columns(rows: Array, total: Array) -> None:
    """Adds the column sums of (batch, columns) to (columns,)."""
    # A step by itself first: a sum of all steps' rows one after the other would lose digits.
    sums = np.zeros(rows.shape[1], np.float32)
    for row in range(rows.shape[0]):
        for column in range(rows.shape[1]):
            sums[column] += rows[row, column]
    for column in range(rows.shape[1]):
        total[column] += sums[column]


@compiled
def transpose(kernel: Array, shift: int) -> Array:
    """Copies (rows, columns) to (columns, rows), the last `shift` columns first."""
    n_rows, n_columns = kernel.shape
    transposed = np.empty((n_columns, n_rows), np.float32)
    for column in range(n_columns):
        for row in range(n_rows):
            transposed[(column + shift) % n_columns, row] = kernel[row, column]
    return transposed


@compiled
def write_step(plane: Array, sequences: Array, time: int, column: int) -> None:
    """Copies sequences[:, time, column : column + width] <- plane."""
    for row in range(plane.shape[0]):
        for unit in range(plane.shape[1]):
            sequences[row, time, column + unit] = plane[row, unit]


@compiled
def add_from_step(sequences: Array, time: int, column: int, plane: Array) -> None:
    """Adds sequences[:, time, column : column + width] to plane."""
    for row in range(plane.shape[0]):
        for unit in range(plane.shape[1]):
            plane[row, unit] += sequences[row, time, column + unit]


@compiled
def take_step(sequences: Array, time: int, step: Array) -> None:
    """Copies step <- sequences[:, time]."""
    for row in range(step.shape[0]):
        for column in range(step.shape[1]):
            step[row, column] = sequences[row, time, column]


@compiled
def give_step(step: Array, sequences: Array, time: int, keeps: bool) -> None:
    """Copies sequences[:, time] <- step, or adds it."""
    for row in range(step.shape[0]):
        if keeps:
            for column in range(step.shape[1]):
                sequences[row, time, column] += step[row, column]
        else:
            for column in range(step.shape[1]):
                sequences[row, time, column] = step[row, column]

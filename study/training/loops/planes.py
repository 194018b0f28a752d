"""Arrays of one time step as planes: (batch, units) each, contiguous, one a gate.

With a plane for each gate the element-wise work of a step runs in flat loops over batch x units, which the
compiler turns into vector instructions whatever the number of units is, and no array is ever transposed.
"""

from __future__ import annotations

import numpy as np

from study.training.loops.jit import compiled
from study.training.loops.products import Array


@compiled
def split_gates(kernel: Array, n_gates: int) -> Array:
    """Copies a Keras kernel, (rows, n_gates * units), to (n_gates, rows, units)."""
    n_rows, units = kernel.shape[0], kernel.shape[1] // n_gates
    split = np.empty((n_gates, n_rows, units), np.float32)
    for gate in range(n_gates):
        for row in range(n_rows):
            for unit in range(units):
                split[gate, row, unit] = kernel[row, gate * units + unit]
    return split


@compiled
def join_gates(split: Array, kernel: Array) -> None:
    """Adds (n_gates, rows, units) to a Keras kernel, (rows, n_gates * units)."""
    n_gates, n_rows, units = split.shape
    for gate in range(n_gates):
        for row in range(n_rows):
            for unit in range(units):
                kernel[row, gate * units + unit] += split[gate, row, unit]


@compiled
def transpose_gates(planes: Array) -> Array:
    """Copies (n_gates, rows, units) to (n_gates, units, rows)."""
    n_gates, n_rows, units = planes.shape
    transposed = np.empty((n_gates, units, n_rows), np.float32)
    for gate in range(n_gates):
        for row in range(n_rows):
            for unit in range(units):
                transposed[gate, unit, row] = planes[gate, row, unit]
    return transposed


@compiled
def roll_gates(planes: Array, shift: int) -> Array:
    """Copies planes with each gate moved on by `shift` places, the last ones to the front."""
    n_gates, n_rows, units = planes.shape
    rolled = np.empty((n_gates, n_rows, units), np.float32)
    for gate in range(n_gates):
        for row in range(n_rows):  # an array into an array takes Numba seven seconds to compile
            for unit in range(units):
                rolled[(gate + shift) % n_gates, row, unit] = planes[gate, row, unit]
    return rolled


@compiled
def spread_bias(bias: Array, n_gates: int, n_rows: int) -> Array:
    """Repeats a Keras bias, (n_gates * units,), over the batch: (n_gates, n_rows, units)."""
    units = bias.size // n_gates
    spread = np.empty((n_gates, n_rows, units), np.float32)
    for gate in range(n_gates):
        for row in range(n_rows):
            for unit in range(units):
                spread[gate, row, unit] = bias[gate * units + unit]
    return spread


@compiled
def sum_bias(planes: Array, bias: Array) -> None:
    """Adds the column sums of (n_gates, rows, units) to a Keras bias, (n_gates * units,)."""
    n_gates, n_rows, units = planes.shape
    for gate in range(n_gates):
        for row in range(n_rows):
            for unit in range(units):
                bias[gate * units + unit] += planes[gate, row, unit]


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
def add_planes(planes: Array, total: Array) -> None:
    """Adds planes to total; both of one shape, contiguous."""
    flat, flat_total = planes.reshape(-1), total.reshape(-1)
    for i in range(flat.size):
        flat_total[i] += flat[i]

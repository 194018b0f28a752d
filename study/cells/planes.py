"""Arrays of one time step as planes: (batch, units) each, contiguous, one a gate.

With a plane for each gate the element-wise work of a step runs in flat loops over batch x units, which the
compiler turns into vector instructions whatever the number of units is, and no array is ever transposed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from study.cells.jit import compiled

Array = NDArray[np.float32]


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
def roll_gates(planes: Array, shift: int) -> Array:
    """Copies planes with each gate moved on by `shift` places, the last ones to the front."""
    rolled = np.empty_like(planes)
    for gate in range(planes.shape[0]):
        rolled[(gate + shift) % planes.shape[0]] = planes[gate]
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
def read_step(sequences: Array, time: int, column: int, plane: Array) -> None:
    """Copies plane <- sequences[:, time, column : column + width]."""
    for row in range(plane.shape[0]):
        for unit in range(plane.shape[1]):
            plane[row, unit] = sequences[row, time, column + unit]


@compiled
def write_step(plane: Array, sequences: Array, time: int, column: int) -> None:
    """Copies sequences[:, time, column : column + width] <- plane."""
    for row in range(plane.shape[0]):
        for unit in range(plane.shape[1]):
            sequences[row, time, column + unit] = plane[row, unit]


@compiled
def add_step(plane: Array, sequences: Array, time: int) -> None:
    """Adds plane to sequences[:, time, :]."""
    for row in range(plane.shape[0]):
        for unit in range(plane.shape[1]):
            sequences[row, time, unit] += plane[row, unit]


@compiled
def add_planes(planes: Array, total: Array) -> None:
    """Adds planes to total; both of one shape, contiguous."""
    flat, flat_total = planes.reshape(-1), total.reshape(-1)
    for i in range(flat.size):
        flat_total[i] += flat[i]


@compiled
def project(plane: Array, weights: Array, gates: Array) -> None:
    """Computes gates[g] <- plane @ weights[g] for each gate; weights (n_gates, width, units)."""
    for gate in range(weights.shape[0]):
        np.dot(plane, weights[gate], gates[gate])


@compiled
def back_project(gates: Array, weights: Array, scratch: Array, plane: Array) -> None:
    """Computes plane <- sum of gates[g] @ weights[g].T; scratch is as large as plane."""
    np.dot(gates[0], weights[0].T, plane)
    for gate in range(1, weights.shape[0]):
        np.dot(gates[gate], weights[gate].T, scratch)
        add_planes(scratch, plane)


@compiled
def add_products(plane: Array, gates: Array, scratch: Array, total: Array) -> None:
    """Adds plane.T @ gates[g] to total[g] for each gate; scratch is as large as total[g]."""
    for gate in range(gates.shape[0]):
        np.dot(plane.T, gates[gate], scratch)
        add_planes(scratch, total[gate])

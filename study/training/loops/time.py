"""Recurrent layers over time, forward and backward, for one direction and one block of rows."""

from __future__ import annotations

import numpy as np

from study.training.loops.jit import cached, compiled
from study.training.loops.planes import (
    add_from_step,
    fill_rows,
    give_step,
    join_planes,
    split_rows,
    sum_columns,
    take_step,
    transpose,
    write_step,
)
from study.training.loops.products import (
    ADD,
    OVERWRITE,
    Array,
    add_inner_product_columns,
    multiply,
    multiply_columns,
    multiply_rows,
)
from study.training.loops.steps import GRU, N_GATES, N_GRADIENTS, N_SAVED, step_backward, step_forward
from study.training.loops.words import Ids, add_rows, take_rows


@cached
def forward(
    sgemm: int,
    part: int,
    n_steps: int,
    cell: int,
    x: Array,
    words: Ids,
    projected: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    backwards: bool,
    y: Array,
    column: int,
    saved: Array,
) -> None:
    """Runs a cell over time, from a state of zeros.

    Args:
        sgemm: SGEMM, of `products`.
        part: How many columns of the gates go into one product: those of one, or all.
        n_steps: How many steps share a product where none waits for the one before, at least 1.
        cell: RNN, GRU or LSTM, of `steps`.
        x: Inputs, (batch, length, features).
        words: Row of `projected` for each input, (batch, length); or empty, and x is used.
        projected: Products of the distinct inputs and the kernel, (n, gates * units).
        kernel: (features, gates * units), gates in Keras's order.
        recurrent_kernel: (units, gates * units).
        bias: (1, gates * units); for GRU (2, gates * units), of the input's and the state's products.
        backwards: Whether time runs from the last step to the first.
        y: Written at [column, column + units) of the last axis: every state at its own time, or only the last
            one where the length of y is 1.
        column: Where the states go in y.
        saved: Written, (slots, N_SAVED[cell], batch, units). With a slot for each step it serves `backward`;
            two are enough otherwise.
    """
    n_rows, length, width = x.shape
    units, n_gates, n_slots = recurrent_kernel.shape[0], N_GATES[cell], saved.shape[0]
    direction = -1 if backwards else 1
    fixed_bias = bias[0].copy()
    recurrent_bias = np.zeros((n_rows, units), np.float32)
    if cell == GRU:
        for i in range(2 * units):
            fixed_bias[i] += bias[1, i]  # the gates' two biases only ever appear as a sum
        fill_rows(bias[1, 2 * units :], recurrent_bias)
    # Products of all gates, (batch, gates * units), and then a plane for each: one alone is both.
    chunk = np.empty((n_steps, n_rows, n_gates * units), np.float32)
    inputs = np.empty((n_steps, n_rows, width), np.float32)
    planes = np.empty((n_gates, n_rows, units), np.float32)
    previous = np.zeros((N_SAVED[cell], n_rows, units), np.float32)
    for step in range(length):
        time = length - 1 - step if backwards else step
        if step > 0:
            previous = saved[(step - 1) % n_slots]
        current = saved[step % n_slots]
        rows = chunk[step % n_steps]
        if words.size > 0:
            take_rows(projected, words, time, fixed_bias, rows)
        elif step % n_steps == 0:
            n_now = min(n_steps, length - step)
            _take_inputs(sgemm, part, x, time, direction, kernel, fixed_bias, inputs[:n_now], chunk[:n_now])
        if cell == GRU:
            multiply(sgemm, previous[0], recurrent_kernel[:, 2 * units :], OVERWRITE, current[4])
        if step > 0:
            n_summed = (2 if cell == GRU else n_gates) * units
            multiply_columns(
                sgemm, previous[0], recurrent_kernel[:, :n_summed], ADD, part, rows[:, :n_summed]
            )
        inner = rows.reshape((1, -1, units)) if n_gates == 1 else planes
        if n_gates > 1:
            split_rows(rows, inner)
        step_forward(
            cell,
            inner.reshape((n_gates, -1)),
            recurrent_bias.reshape(-1),
            previous.reshape((N_SAVED[cell], -1)),
            current.reshape((N_SAVED[cell], -1)),
        )
        if y.shape[1] == length or step == length - 1:
            write_step(current[0], y, min(time, y.shape[1] - 1), column)


@cached
def backward(
    sgemm: int,
    part: int,
    n_steps: int,
    cell: int,
    x: Array,
    words: Ids,
    kernel: Array,
    recurrent_kernel: Array,
    backwards: bool,
    y_gradient: Array,
    column: int,
    saved: Array,
    keeps: bool,
    x_gradient: Array,
    projected_gradient: Array,
    kernel_gradient: Array,
    recurrent_gradient: Array,
    bias_gradient: Array,
) -> None:
    """Runs back through the time of `forward` for the four gradients.

    Args:
        sgemm: As given to `forward`, and so are part, n_steps, cell, x, words, kernel, recurrent_kernel,
            backwards and column.
        part: See sgemm.
        n_steps: See sgemm.
        cell: See sgemm.
        x: See sgemm.
        words: See sgemm.
        kernel: See sgemm.
        recurrent_kernel: See sgemm.
        backwards: See sgemm.
        y_gradient: Gradient of the loss by y, as large as y.
        column: See sgemm.
        saved: What `forward` wrote, one slot a step.
        keeps: Whether it adds to x_gradient, or overwrites it.
        x_gradient: Written; as large as x.
        projected_gradient: Added to, where words are given; as large as projected.
        kernel_gradient: Added to, where none are; as large as kernel.
        recurrent_gradient: Added to; as large as recurrent_kernel.
        bias_gradient: Added to; as large as bias.
    """
    n_rows, length, width = x.shape
    units, n_gates, n_saved = recurrent_kernel.shape[0], N_GATES[cell], N_SAVED[cell]
    n_gradients, n_columns = N_GRADIENTS[cell], n_gates * units
    direction = -1 if backwards else 1
    # GRU's candidate comes first in what `step_backward` gives, by the input, and last, by the state.
    shift = units if cell == GRU else 0
    # BLAS reads a transposed copy faster than it transposes.
    w, r = transpose(kernel, shift), transpose(recurrent_kernel, 0)
    w_gradient = np.zeros((width, n_columns), np.float32)
    b_gradient = np.zeros(n_gradients * units, np.float32)
    planes = np.empty((n_gradients, n_rows, units), np.float32)
    chunk = np.empty((n_steps, n_rows, n_gradients * units), np.float32)
    inputs = np.empty((n_steps, n_rows, width), np.float32)
    by_state = slice((n_gradients - n_gates) * units, n_gradients * units)
    state_gradient = np.zeros((n_rows, units), np.float32)
    cell_gradient = np.zeros(n_rows * units, np.float32)
    previous = np.zeros((n_saved, n_rows, units), np.float32)
    zeros = previous
    for step in range(length - 1, -1, -1):
        time = length - 1 - step if backwards else step
        if y_gradient.shape[1] == length or step == length - 1:
            add_from_step(y_gradient, min(time, y_gradient.shape[1] - 1), column, state_gradient)
        previous = saved[step - 1] if step > 0 else zeros
        rows = chunk[step % n_steps]
        gates = rows.reshape((1, -1, units)) if n_gradients == 1 else planes
        step_backward(
            cell,
            state_gradient.reshape(-1),
            cell_gradient,
            saved[step].reshape((n_saved, -1)),
            previous.reshape((n_saved, -1)),
            gates.reshape((n_gradients, -1)),
        )
        if n_gradients > 1:
            join_planes(gates, rows)
        sum_columns(rows, b_gradient)
        if words.size > 0:
            add_rows(rows[:, :n_columns], words, time, shift, projected_gradient)
        else:
            take_step(x, time, inputs[step % n_steps])
        if step % n_steps == 0:
            n_now = min(n_steps, length - step)
            by_input = chunk[:n_now].reshape((-1, n_gradients * units))[:, :n_columns]
            if words.size == 0:
                flat = inputs[:n_now].reshape((-1, width))
                add_inner_product_columns(sgemm, flat, by_input, part, w_gradient)
            _give_inputs(sgemm, part, by_input, w, inputs[:n_now], time, direction, keeps, x_gradient)
        if step > 0:
            add_inner_product_columns(sgemm, previous[0], rows[:, by_state], part, recurrent_gradient)
            # GRU's state gradient holds already what bypasses the gates.
            multiply_rows(
                sgemm, rows[:, by_state], r, ADD if cell == GRU else OVERWRITE, part, state_gradient
            )
    _add_weights(w_gradient, b_gradient, shift, kernel_gradient, bias_gradient)


@compiled
def _take_inputs(
    sgemm: int,
    part: int,
    x: Array,
    time: int,
    direction: int,
    kernel: Array,
    bias: Array,
    inputs: Array,
    rows: Array,
) -> None:
    """Computes rows, (steps, batch, gates * units), of as many steps' inputs, which it copies to inputs."""
    for i in range(inputs.shape[0]):
        take_step(x, time + i * direction, inputs[i])
    flat = rows.reshape((-1, rows.shape[2]))
    fill_rows(bias, flat)
    multiply_columns(sgemm, inputs.reshape((-1, inputs.shape[2])), kernel, ADD, part, flat)


@compiled
def _give_inputs(
    sgemm: int,
    part: int,
    gradient: Array,
    transposed_kernel: Array,
    space: Array,
    time: int,
    direction: int,
    keeps: bool,
    x_gradient: Array,
) -> None:
    """Computes x's gradient at as many steps as there is space for, (steps, batch, features)."""
    flat = space.reshape((-1, space.shape[2]))
    multiply_rows(sgemm, gradient, transposed_kernel, OVERWRITE, part, flat)
    for i in range(space.shape[0]):
        give_step(space[i], x_gradient, time + i * direction, keeps)


@compiled
def _add_weights(
    w_gradient: Array, b_gradient: Array, shift: int, kernel_gradient: Array, bias_gradient: Array
) -> None:
    """Adds gradients by kernel and bias, whose first `shift` columns are the last of Keras's order."""
    width, n_columns = w_gradient.shape
    for i in range(n_columns):
        shifted = (i + shift) % n_columns
        bias_gradient[0, i] += b_gradient[shifted]
        if bias_gradient.shape[0] > 1:
            bias_gradient[1, i] += b_gradient[shift + i]
        for row in range(width):
            kernel_gradient[row, i] += w_gradient[row, shifted]

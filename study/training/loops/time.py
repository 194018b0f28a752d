"""Recurrent layers over time, forward and backward, for one direction and one block of rows."""

from __future__ import annotations

import numpy as np

from study.training.loops.jit import cached
from study.training.loops.planes import (
    add_from_step,
    add_planes,
    join_gates,
    roll_gates,
    split_gates,
    spread_bias,
    sum_bias,
    transpose_gates,
    write_step,
)
from study.training.loops.products import ADD, OVERWRITE, Array, add_inner_product, multiply
from study.training.loops.steps import GRU, N_GATES, N_GRADIENTS, N_SAVED, step_backward, step_forward
from study.training.loops.words import Ids, add_step, take_step


@cached
def forward(
    sgemm: int,
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
    n_rows, length, _ = x.shape
    units, n_gates, n_slots = recurrent_kernel.shape[0], N_GATES[cell], saved.shape[0]
    w, r = split_gates(kernel, n_gates), split_gates(recurrent_kernel, n_gates)
    b = spread_bias(bias[0], n_gates, n_rows)
    recurrent_bias = np.zeros((n_rows, units), np.float32)
    if cell == GRU:
        state_bias = spread_bias(bias[1], n_gates, n_rows)
        add_planes(state_bias[:2], b[:2])  # the gates' two biases only ever appear as a sum
        recurrent_bias = state_bias[2]
    inner = np.empty((n_gates, n_rows, units), np.float32)
    previous = np.zeros((N_SAVED[cell], n_rows, units), np.float32)
    for step in range(length):
        time = length - 1 - step if backwards else step
        if step > 0:
            previous = saved[(step - 1) % n_slots]
        current = saved[step % n_slots]
        if words.size > 0:
            take_step(projected, words, time, inner)
        for gate in range(n_gates):
            if words.size == 0:
                multiply(sgemm, x[:, time], w[gate], OVERWRITE, inner[gate])
            if cell == GRU and gate == 2:
                multiply(sgemm, previous[0], r[gate], OVERWRITE, current[4])
            elif step > 0:
                multiply(sgemm, previous[0], r[gate], ADD, inner[gate])
        step_forward(
            cell,
            inner.reshape((n_gates, -1)),
            b.reshape((n_gates, -1)),
            recurrent_bias.reshape(-1),
            previous.reshape((N_SAVED[cell], -1)),
            current.reshape((N_SAVED[cell], -1)),
        )
        if y.shape[1] == length or step == length - 1:
            write_step(current[0], y, min(time, y.shape[1] - 1), column)


@cached
def backward(
    sgemm: int,
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
        sgemm: As given to `forward`, and so are cell, x, words, kernel, recurrent_kernel, backwards, column.
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
    # BLAS reads a transposed copy faster than it transposes.
    w, r = (
        transpose_gates(split_gates(kernel, n_gates)),
        transpose_gates(split_gates(recurrent_kernel, n_gates)),
    )
    if cell == GRU:
        w = roll_gates(w, 1)  # candidate first, as `step_backward` gives the gradients
    w_gradient = np.zeros((n_gates, width, units), np.float32)
    r_gradient = np.zeros((n_gates, units, units), np.float32)
    n_gradients = N_GRADIENTS[cell]
    gates = np.empty((n_gradients, n_rows, units), np.float32)
    b_gradient = np.zeros((n_gradients, n_rows, units), np.float32)
    by_input, by_state = gates[:n_gates], gates[n_gradients - n_gates :]
    state_gradient = np.zeros((n_rows, units), np.float32)
    cell_gradient = np.zeros(n_rows * units, np.float32)
    previous = np.zeros((n_saved, n_rows, units), np.float32)
    zeros = previous
    for step in range(length - 1, -1, -1):
        time = length - 1 - step if backwards else step
        if y_gradient.shape[1] == length or step == length - 1:
            add_from_step(y_gradient, min(time, y_gradient.shape[1] - 1), column, state_gradient)
        previous = saved[step - 1] if step > 0 else zeros
        step_backward(
            cell,
            state_gradient.reshape(-1),
            cell_gradient,
            saved[step].reshape((n_saved, -1)),
            previous.reshape((n_saved, -1)),
            gates.reshape((n_gradients, -1)),
        )
        add_planes(gates, b_gradient)
        if words.size > 0:
            add_step(by_input, words, time, n_gates - 1 if cell == GRU else 0, projected_gradient)
        for gate in range(n_gates):
            if words.size == 0:
                add_inner_product(sgemm, x[:, time], by_input[gate], w_gradient[gate])
            multiply(
                sgemm, by_input[gate], w[gate], ADD if keeps or gate > 0 else OVERWRITE, x_gradient[:, time]
            )
            if step > 0:
                add_inner_product(sgemm, previous[0], by_state[gate], r_gradient[gate])
                # GRU's state gradient holds already what bypasses the gates.
                fresh = gate == 0 and cell != GRU
                multiply(sgemm, by_state[gate], r[gate], OVERWRITE if fresh else ADD, state_gradient)
    if cell == GRU:
        w_gradient = roll_gates(w_gradient, -1)
        sum_bias(b_gradient[1:], bias_gradient[1])
        b_gradient = roll_gates(b_gradient[:n_gates], -1)
    join_gates(w_gradient, kernel_gradient)
    join_gates(r_gradient, recurrent_gradient)
    sum_bias(b_gradient, bias_gradient[0])

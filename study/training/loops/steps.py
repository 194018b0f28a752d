"""What one time step of each cell computes, element by element, between its matrix products.

All arguments are planes, flat: (planes, batch * units). Sources: Elman (1990) for SimpleRNN; Cho et al.
(2014) for GRU, in the form with the reset gate after the product, as Keras and cuDNN have it; Hochreiter &
Schmidhuber (1997) and Gers et al. (2000) for LSTM. The gradients are those formulas differentiated by hand.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from study.training.loops.jit import compiled, sigmoid, tanh
from study.training.loops.products import Array

RNN: Final = 0
GRU: Final = 1
LSTM: Final = 2

N_GATES: Final = (1, 3, 4)
"""Gates of each cell, in Keras's order: state; update, reset, candidate; input, forget, candidate, output."""

N_SAVED: Final = (1, 5, 6)
"""Planes that a step leaves to the backward pass, the new state first: see the forward functions."""

N_GRADIENTS: Final = (1, 4, 4)
"""Planes of gate gradients: GRU's candidate has two, by its input product and by its recurrent product."""

_ONE = np.float32(1)


@compiled
def _forward_rnn(inner: Array, saved: Array) -> None:
    for i in range(inner.shape[1]):
        saved[0, i] = tanh(inner[0, i])


@compiled
def _backward_rnn(state_gradient: Array, saved: Array, gates: Array) -> None:
    for i in range(state_gradient.size):
        gates[0, i] = state_gradient[i] * (_ONE - saved[0, i] * saved[0, i])


@compiled
def _activate_gate(inner: Array, gate: Array) -> None:
    for i in range(gate.size):
        gate[i] = sigmoid(inner[i])


@compiled
def _forward_gru(inner: Array, recurrent_bias: Array, previous: Array, saved: Array) -> None:
    state, update, reset, candidate, product = saved[0], saved[1], saved[2], saved[3], saved[4]
    _activate_gate(inner[0], update)
    _activate_gate(inner[1], reset)
    _reset_candidate(inner[2], recurrent_bias, reset, candidate, product)
    _mix(update, candidate, previous[0], state)


@compiled
def _reset_candidate(
    inner: Array, recurrent_bias: Array, reset: Array, candidate: Array, product: Array
) -> None:
    for i in range(inner.size):
        product[i] += recurrent_bias[i]
    for i in range(inner.size):
        candidate[i] = tanh(inner[i] + reset[i] * product[i])


@compiled
def _mix(update: Array, candidate: Array, previous: Array, state: Array) -> None:
    for i in range(state.size):
        state[i] = candidate[i] + update[i] * (previous[i] - candidate[i])


@compiled
def _backward_gru(state_gradient: Array, saved: Array, previous: Array, gates: Array) -> None:
    update, reset, candidate, product = saved[1], saved[2], saved[3], saved[4]
    _backward_update(state_gradient, update, candidate, previous[0], gates[1])
    _backward_candidate(state_gradient, update, candidate, gates[0])
    _backward_reset(gates[0], reset, product, gates[2], gates[3])
    for i in range(state_gradient.size):
        state_gradient[i] *= update[i]


@compiled
def _backward_update(gradient: Array, update: Array, candidate: Array, previous: Array, gate: Array) -> None:
    for i in range(gradient.size):
        gate[i] = gradient[i] * (previous[i] - candidate[i]) * update[i] * (_ONE - update[i])


@compiled
def _backward_candidate(gradient: Array, update: Array, candidate: Array, gate: Array) -> None:
    for i in range(gradient.size):
        gate[i] = gradient[i] * (_ONE - update[i]) * (_ONE - candidate[i] * candidate[i])


@compiled
def _backward_reset(
    gradient: Array, reset: Array, product: Array, gate: Array, product_gradient: Array
) -> None:
    for i in range(gradient.size):
        product_gradient[i] = gradient[i] * reset[i]
        gate[i] = product_gradient[i] * product[i] * (_ONE - reset[i])


@compiled
def _forward_lstm(inner: Array, previous: Array, saved: Array) -> None:
    state, entry, forget = saved[0], saved[1], saved[2]
    candidate, output, cell = saved[3], saved[4], saved[5]
    _activate_gate(inner[0], entry)
    _activate_gate(inner[1], forget)
    for i in range(state.size):
        candidate[i] = tanh(inner[2, i])
    _activate_gate(inner[3], output)
    _remember(entry, forget, candidate, previous[5], cell)
    for i in range(state.size):
        state[i] = output[i] * tanh(cell[i])


@compiled
def _remember(entry: Array, forget: Array, candidate: Array, previous: Array, cell: Array) -> None:
    for i in range(cell.size):
        cell[i] = forget[i] * previous[i] + entry[i] * candidate[i]


@compiled
def _backward_lstm(
    state_gradient: Array, cell_gradient: Array, saved: Array, previous: Array, gates: Array
) -> None:
    entry, forget, candidate, output, cell = saved[1], saved[2], saved[3], saved[4], saved[5]
    _backward_output(state_gradient, output, cell, cell_gradient, gates[3])
    _backward_gate(cell_gradient, previous[5], forget, gates[1])
    _backward_gate(cell_gradient, candidate, entry, gates[0])
    _backward_entry(cell_gradient, entry, candidate, gates[2])
    for i in range(cell_gradient.size):
        cell_gradient[i] *= forget[i]


@compiled
def _backward_output(gradient: Array, output: Array, cell: Array, cell_gradient: Array, gate: Array) -> None:
    for i in range(gradient.size):
        squashed = tanh(cell[i])
        gate[i] = gradient[i] * squashed * output[i] * (_ONE - output[i])
        cell_gradient[i] += gradient[i] * output[i] * (_ONE - squashed * squashed)


@compiled
def _backward_gate(gradient: Array, factor: Array, gate: Array, gate_gradient: Array) -> None:
    for i in range(gradient.size):
        gate_gradient[i] = gradient[i] * factor[i] * gate[i] * (_ONE - gate[i])


@compiled
def _backward_entry(gradient: Array, entry: Array, candidate: Array, gate_gradient: Array) -> None:
    for i in range(gradient.size):
        gate_gradient[i] = gradient[i] * entry[i] * (_ONE - candidate[i] * candidate[i])


@compiled
def step_forward(cell: int, inner: Array, recurrent_bias: Array, previous: Array, saved: Array) -> None:
    """Computes one step of the cell.

    Args:
        cell: RNN, GRU or LSTM.
        inner: Products of the input and of the state before and the bias, summed, a plane for each gate. For
            GRU's candidate without the state's product: that is expected in the last plane of `saved`.
        recurrent_bias: GRU's bias of the candidate's recurrent product, flat; else unused.
        previous: What the step before saved, or zeros.
        saved: Written: state; GRU adds update, reset, candidate and the candidate's recurrent product; LSTM
            adds input, forget, candidate, output and cell.
    """
    if cell == RNN:
        _forward_rnn(inner, saved)
    elif cell == GRU:
        _forward_gru(inner, recurrent_bias, previous, saved)
    else:
        _forward_lstm(inner, previous, saved)


@compiled
def step_backward(
    cell: int, state_gradient: Array, cell_gradient: Array, saved: Array, previous: Array, gates: Array
) -> None:
    """Computes the gradients of one step.

    Args:
        cell: RNN, GRU or LSTM.
        state_gradient: Gradient of the loss by the new state, flat. For GRU, what goes straight on to the
            state before is left there.
        cell_gradient: LSTM's gradient by the new cell, replaced by that of the cell before; else unused.
        saved: What this step saved.
        previous: What the step before saved, or zeros.
        gates: Written, N_GRADIENTS planes, before the activation. For GRU: candidate by its input product,
            update, reset, candidate by its recurrent product; so both products find theirs side by side.
    """
    if cell == RNN:
        _backward_rnn(state_gradient, saved, gates)
    elif cell == GRU:
        _backward_gru(state_gradient, saved, previous, gates)
    else:
        _backward_lstm(state_gradient, cell_gradient, saved, previous, gates)

"""The compiled loops against NumPy in float64 and its finite differences, which share no gradient formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from study.training.loops.products import SGEMM
from study.training.loops.steps import GRU, LSTM, N_GATES, N_SAVED, RNN
from study.training.loops.time import backward, forward

NO_WORDS, NO_PROJECTIONS = np.empty((0, 0), np.int32), np.empty((0, 0), np.float32)

Wide = npt.NDArray[np.float64]
CASES = [pytest.param(RNN, id="rnn"), pytest.param(GRU, id="gru"), pytest.param(LSTM, id="lstm")]


def sigmoid(x: Wide) -> Wide:
    return 1 / (1 + np.exp(-x))


def rnn_step(x: Wide, state: Wide, w: Wide, r: Wide, b: Wide) -> Wide:
    return np.tanh(x @ w + state @ r + b[0])


def gru_step(x: Wide, state: Wide, w: Wide, r: Wide, b: Wide) -> Wide:
    (xz, xr, xh), (hz, hr, hh) = np.split(x @ w + b[0], 3, 1), np.split(state @ r + b[1], 3, 1)
    update, reset = sigmoid(xz + hz), sigmoid(xr + hr)
    return update * state + (1 - update) * np.tanh(xh + reset * hh)


def lstm_step(x: Wide, state: Wide, w: Wide, r: Wide, b: Wide) -> Wide:
    hidden, memory = np.split(state, 2, 1)
    entry, forget, candidate, output = np.split(x @ w + hidden @ r + b[0], 4, 1)
    memory = sigmoid(forget) * memory + sigmoid(entry) * np.tanh(candidate)
    return np.concatenate([sigmoid(output) * np.tanh(memory), memory], 1)


STEPS = {RNN: rnn_step, GRU: gru_step, LSTM: lstm_step}


def reference(cell: int, arguments: list[Wide], backwards: bool) -> Wide:
    """Every state at the time of its input: (batch, length, units)."""
    x, w, r, b = arguments
    units = r.shape[0]
    state = np.zeros((x.shape[0], units * (2 if cell == LSTM else 1)))
    y = np.zeros((*x.shape[:2], units))
    for time in range(x.shape[1])[:: -1 if backwards else 1]:
        state = STEPS[cell](x[:, time], state, w, r, b)
        y[:, time] = state[:, :units]
    return y


def differences(function: Callable[[], float], array: Wide, step: float = 1e-6) -> Wide:
    """Central differences of `function` by each element of `array`, which it reads."""
    slope = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = function()
        array[index] = value - step
        slope[index] = (above - function()) / (2 * step)
        array[index] = value
    return slope


def draw(cell: int, shape: tuple[int, int, int], units: int) -> list[Wide]:
    rng = np.random.default_rng(2)
    n_biases, width = 2 if cell == GRU else 1, N_GATES[cell] * units
    shapes = [shape, (shape[2], width), (units, width), (n_biases, width)]
    # Rounded to float32, so that both routes start from the same numbers.
    return [rng.normal(size=s).astype(np.float32).astype(np.float64) for s in shapes]


def inputs(arguments: list[Wide]) -> list[Any]:
    """Arguments of `forward` in float32, no word of which is known."""
    x, *weights = (a.astype(np.float32, copy=False) for a in arguments)
    return [x, NO_WORDS, NO_PROJECTIONS, *weights]


@pytest.mark.parametrize("n_together", [1, 4])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", CASES)
def test_states_equal_the_formulas_in_float64(cell: int, backwards: bool, n_together: int) -> None:
    arguments = draw(cell, (3, 5, 4), units=3)
    y = np.zeros((3, 5, 3), np.float32)
    saved = np.zeros((5, N_SAVED[cell], 3, 3), np.float32)
    forward(SGEMM, 3 * n_together, n_together, cell, *inputs(arguments), backwards, y, 0, saved)
    np.testing.assert_allclose(y, reference(cell, arguments, backwards), atol=2e-6)


@pytest.mark.parametrize("cell", CASES)
def test_two_slots_are_enough_without_a_backward_pass(cell: int) -> None:
    arguments = inputs(draw(cell, (3, 5, 4), units=3))
    states = []
    for n_slots in (2, 5):
        y = np.zeros((3, 1, 3), np.float32)
        forward(
            SGEMM, 9, 2, cell, *arguments, False, y, 0, np.zeros((n_slots, N_SAVED[cell], 3, 3), np.float32)
        )
        states.append(y)
    assert np.array_equal(*states)


@pytest.mark.parametrize("n_together", [1, 4])
@pytest.mark.parametrize("only_last", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("cell", CASES)
def test_gradients_equal_finite_differences(
    cell: int, backwards: bool, only_last: bool, n_together: int
) -> None:
    (n_rows, length, width), units = (2, 4, 3), 2
    arguments = draw(cell, (n_rows, length, width), units)
    weight = (
        np.random.default_rng(3).normal(size=(n_rows, 1 if only_last else length, units)).astype(np.float32)
    )
    last = slice(0, 1) if backwards else slice(length - 1, length)

    def loss() -> float:
        y = reference(cell, arguments, backwards)
        return float(np.sum(weight * (y[:, last] if only_last else y)))

    narrow = [a.astype(np.float32) for a in arguments]
    saved = np.zeros((length, N_SAVED[cell], n_rows, units), np.float32)
    gradients = [np.zeros_like(a) for a in narrow]
    part = units * n_together
    forward(SGEMM, part, n_together, cell, *inputs(arguments), backwards, np.zeros_like(weight), 0, saved)
    x, w, r, _ = narrow
    of_x, *of_weights = gradients
    backward(
        SGEMM,
        part,
        n_together,
        cell,
        x,
        NO_WORDS,
        w,
        r,
        backwards,
        weight,
        0,
        saved,
        False,
        of_x,
        NO_PROJECTIONS,
        *of_weights,
    )
    for gradient, argument in zip(gradients, arguments, strict=True):
        np.testing.assert_allclose(gradient, differences(loss, argument), rtol=1e-4, atol=1e-5)


def test_an_axis_of_one_may_have_any_stride() -> None:
    x, w, r, b = (a.astype(np.float32) for a in draw(RNN, (1, 1, 4), units=2))
    states = []
    for same_x in (x, np.lib.stride_tricks.as_strided(x, strides=(0, 0, 4))):
        y = np.zeros((1, 1, 2), np.float32)
        saved = np.zeros((1, N_SAVED[RNN], 1, 2), np.float32)
        forward(SGEMM, 2, 1, RNN, *inputs([same_x, w, r, b]), False, y, 0, saved)
        states.append(y)
    assert np.array_equal(*states)
    assert np.all(states[0] != 0)


def test_gradients_are_added_to_what_is_there() -> None:
    x, w, r, b = (a.astype(np.float32) for a in draw(GRU, (2, 3, 4), units=2))
    y, saved = np.zeros((2, 3, 2), np.float32), np.zeros((3, N_SAVED[GRU], 2, 2), np.float32)
    forward(SGEMM, 6, 1, GRU, *inputs([x, w, r, b]), False, y, 0, saved)
    once, twice = ([np.zeros_like(a) for a in (x, w, r, b)] for _ in range(2))
    for gradients, n_calls in ((once, 1), (twice, 2)):
        for _ in range(n_calls):
            of_x, *of_weights = gradients
            backward(
                SGEMM,
                6,
                1,
                GRU,
                x,
                NO_WORDS,
                w,
                r,
                False,
                y,
                0,
                saved,
                True,
                of_x,
                NO_PROJECTIONS,
                *of_weights,
            )
    for one, two in zip(once, twice, strict=True):
        np.testing.assert_allclose(two, 2 * one, rtol=1e-6)

from __future__ import annotations

from typing import get_args

import pytest

from search_spaces.recurrent import RECURRENT_DOMAINS
from study.spec.parameters import N_GATES


def test_the_standard_space_has_the_cells_of_the_standard_model() -> None:
    assert set(RECURRENT_DOMAINS["cell"].choices) == set(N_GATES)


@pytest.mark.slow
def test_the_cells_of_a_spec_are_those_that_training_has_with_as_many_gates() -> None:
    from study.training.cells.layers import CellName
    from study.training.loops import steps

    assert set(get_args(CellName)) == set(N_GATES)
    assert {
        name: steps.N_GATES[cell]
        for name, cell in (("rnn", steps.RNN), ("gru", steps.GRU), ("lstm", steps.LSTM))
    } == N_GATES

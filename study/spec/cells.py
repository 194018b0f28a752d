"""The cells of the standard model as what counts their work knows them; their layers are in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """How many matrices a cell multiplies its input with, and how many biases each of them has."""

    n_gates: int
    n_biases: int = 1

    def count_weights(self, n_inputs: int, units: int) -> int:
        """Return the weights of one direction: of each gate for each input and unit, and its biases."""
        return self.n_gates * units * (n_inputs + units + self.n_biases)


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(n_gates=1),
    "gru": Cell(n_gates=3, n_biases=2),  # Keras's, with its reset gate after the product
    "lstm": Cell(n_gates=4),
}
"""By the name that a spec gives."""

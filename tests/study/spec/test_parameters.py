from __future__ import annotations

import pytest

from search_spaces import recurrent
from study.spec.cells import CELLS


def test_the_standard_space_has_the_cells_of_the_standard_model() -> None:
    assert set(recurrent.CELLS) == set(CELLS)


@pytest.mark.slow
def test_training_has_a_layer_for_each_cell_with_as_many_gates_and_weights() -> None:
    import keras

    from study.training.cells.layers import LAYERS
    from study.training.loops import steps

    assert set(LAYERS) == set(CELLS)
    for name, layers in LAYERS.items():
        layer = layers.plain(3)
        layer.build((None, 7, 5))
        assert sum(keras.ops.size(weights) for weights in layer.weights) == CELLS[name].count_weights(5, 3)
        if layers.compiled is not None:
            assert steps.N_GATES[layers.compiled.code] == CELLS[name].n_gates

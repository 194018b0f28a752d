from __future__ import annotations

import pytest

from search_spaces import recurrent
from study.spec.cells import CELLS
from study.spec.parameters import OPTIMIZERS


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


@pytest.mark.slow
def test_the_optimizers_of_a_spec_are_those_of_keras_that_need_a_learning_rate_alone() -> None:
    import keras

    kinds = (value for value in vars(keras.optimizers).values() if isinstance(value, type))
    found = set()
    for name in {kind.__name__ for kind in kinds} - {"Optimizer"}:
        try:
            keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.1}})
        except (KeyError, ValueError):  # it wraps others, or cannot be had by its name
            continue
        found.add(name.lower())

    assert found <= set(OPTIMIZERS)
    assert {"adam", "adamax", "nadam", "rmsprop", "sgd"} <= found
    assert set(OPTIMIZERS) - found <= {"muon", "schedulefreeadamw"}  # a release of Keras may be too old

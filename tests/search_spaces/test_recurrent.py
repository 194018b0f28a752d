from __future__ import annotations

import numpy as np
import pytest

from search_spaces import Choice, Fixed, Integer, SpaceError, recurrent_space
from search_spaces.recurrent import RECURRENT_DEFAULTS, RECURRENT_DOMAINS


def test_six_factors_are_searched_and_the_training_is_fixed() -> None:
    space = recurrent_space()

    assert space.dimensions == ("cell", "bidirectional", "units", "layers", "vocab_size", "sequence_length")
    assert {name: space.parameters[name] for name in RECURRENT_DEFAULTS} == {
        "embedding_dim": Fixed(128),
        "dropout": Fixed(0.0),
        "optimizer": Fixed("adam"),
        "learning_rate": Fixed(1e-3),
        "batch_size": Fixed(64),
    }


def test_a_freed_parameter_is_searched_over_its_own_range() -> None:
    space = recurrent_space(free=["dropout", "learning_rate"])

    assert space.parameters["dropout"] == RECURRENT_DOMAINS["dropout"]
    assert set(space.dimensions) >= {"dropout", "learning_rate"}
    assert recurrent_space(free="dropout").dimensions[-1] == "dropout"


@pytest.mark.parametrize("name", RECURRENT_DEFAULTS)
def test_every_default_lies_in_the_range_that_freeing_gives(name: str) -> None:
    assert RECURRENT_DOMAINS[name].contains(RECURRENT_DEFAULTS[name])


def test_overrides_take_domains_and_compact_notation() -> None:
    space = recurrent_space(
        cell="gru", units=[32, 64], layers=Integer(1, 2), dropout={"low": 0.0, "high": 0.3}
    )

    assert space.parameters["cell"] == Fixed("gru")
    assert space.parameters["units"] == Choice([32, 64])
    assert space.parameters["layers"] == Integer(1, 2)
    space.validate(space.sample(np.random.default_rng(0)))


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpaceError, match="'unit' is no recurrent parameter: did you mean 'units'"):
        recurrent_space(unit=3)
    with pytest.raises(SpaceError, match="did you mean 'dropout'"):
        recurrent_space(free=["droput"])

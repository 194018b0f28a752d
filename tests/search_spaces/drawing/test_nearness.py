from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Choice, Integer, Real, Space, SpaceError

SPACE = Space(
    {
        "cell": ["rnn", "lstm", "gru"],
        "size": Choice(["s", "m", "l"], ordered=True),
        "units": Integer(8, 128, step=8),
        "width": Integer(1, 1000, log=True),
        "rate": Real(0, 1),
        "decay": Real(0, 1, step=0.25),
        "layers": [1, 2],
        "units_2": Integer(1, 9),
        "seed": 1,
    },
    {"units_2": "layers == 2"},
)
ONE = {
    "cell": "rnn",
    "size": "m",
    "units": 8,
    "width": 100,
    "rate": 0.5,
    "decay": 0.25,
    "layers": 1,
    "seed": 1,
}


@given(space=..., seed=st.integers(0, 99))
def test_neighbours_are_legal_and_others(space: Space, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))

    for neighbour in space.neighbours(params):
        space.validate(neighbour)
        assert neighbour != params


def test_neighbours_are_one_step_away_in_one_parameter() -> None:
    steps = {
        tuple((name, value) for name, value in near.items() if ONE.get(name) != value)
        for near in SPACE.neighbours(ONE, radius=0.1)
    }

    assert steps == {
        (("cell", "lstm"),),
        (("cell", "gru"),),
        (("size", "s"),),
        (("size", "l"),),
        (("units", 16),),
        (("width", 47),),  # the scale ends at log 0.5 and log 1000.5: a tenth of it is a factor of 2.14
        (("width", 214),),
        (("rate", 0.4),),
        (("rate", 0.6),),
        (("decay", 0.0),),
        (("decay", 0.5),),
        (("layers", 2), ("units_2", 5)),
    }


def test_every_integer_on_a_log_scale_has_both_neighbours() -> None:
    space = Space({"n": Integer(1, 5, log=True)})

    assert [[near["n"] for near in space.neighbours({"n": n}, radius=0.01)] for n in (1, 3, 5)] == [
        [2],
        [2, 4],
        [4],
    ]


def test_neighbours_that_break_a_constraint_are_left_out() -> None:
    space = Space({"a": Integer(1, 9), "b": Integer(1, 9)}, {}, ["a + b <= 4"])

    assert space.neighbours({"a": 2, "b": 2}) == [{"a": 1, "b": 2}, {"a": 2, "b": 1}]


@pytest.mark.parametrize("radius", [0.0, -1.0, 1.5, float("nan")])
def test_a_radius_off_the_scale_is_refused(radius: float) -> None:
    with pytest.raises(SpaceError, match="radius is a share"):
        SPACE.neighbours(ONE, radius)


def test_distance_is_the_mean_difference() -> None:
    far = {"cell": "gru", "size": "l", "units": 128, "width": 1000, "rate": 1.0, "decay": 0.5, "layers": 2}
    far = {**far, "units_2": 5, "seed": 1}

    # by hand: 1 + 1/2 + 1 + 1/3 (log10 of 100 to 1000 of 3) + 1/2 + 1/4 + 1 + 1 over 8 searched parameters
    assert SPACE.distance(ONE, far) == pytest.approx((1 + 0.5 + 1 + 1 / 3 + 0.5 + 0.25 + 1 + 1) / 8)


@given(space=..., seeds=st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)))
def test_distance_is_a_metric(space: Space, seeds: tuple[int, int, int]) -> None:
    a, b, c = (space.sample(np.random.default_rng(seed)) for seed in seeds)

    assert space.distance(a, a) == 0
    assert 0 <= space.distance(a, b) <= 1
    assert space.distance(a, b) == space.distance(b, a)
    assert space.distance(a, c) <= space.distance(a, b) + space.distance(b, c) + 1e-12


def test_distance_of_a_space_of_fixed_values_is_zero() -> None:
    assert Space({"a": 1}).distance({"a": 1}, {"a": 1}) == 0.0

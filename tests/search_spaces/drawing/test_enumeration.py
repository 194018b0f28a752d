from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Integer, Real, Space, SpaceError
from search_spaces.domains import Scalar


def list_by_brute_force(space: Space, levels: int | None) -> list[dict[str, Scalar]]:
    """Every combination of levels, cut to what is active, once each, if it is legal: another route."""
    found: dict[str, dict[str, Scalar]] = {}
    for values in itertools.product(*(domain.levels(levels) for domain in space.parameters.values())):
        combination = dict(zip(space.parameters, values, strict=True))
        setting = {name: combination[name] for name in space.active(combination)}
        if space.is_legal(setting):
            found[repr(setting)] = setting
    return list(found.values())


@given(data=st.data(), levels=st.sampled_from([None, 1, 2, 3]))
def test_the_grid_agrees_with_brute_force(
    data: st.DataObject, levels: int | None, small_spaces: st.SearchStrategy[Space]
) -> None:
    space = data.draw(small_spaces)

    grid = space.grid(levels)

    assert sorted(map(repr, grid)) == sorted(map(repr, list_by_brute_force(space, levels)))


@given(data=st.data())
def test_the_size_is_the_length_of_the_full_grid(
    data: st.DataObject, small_spaces: st.SearchStrategy[Space]
) -> None:
    space = data.draw(small_spaces)

    assert space.size() == len(space.grid())


def test_the_last_parameter_varies_fastest() -> None:
    space = Space({"a": [1, 2], "b": ["x", "y"]})

    assert [(p["a"], p["b"]) for p in space.grid()] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_levels_can_be_given_by_name() -> None:
    space = Space(
        {"lr": Real(1e-4, 1e-2, log=True), "units": Integer(8, 128, log=True), "layers": Integer(1, 3)}
    )

    grid = space.grid({"lr": 2, "units": 3})

    assert len(grid) == 2 * 3 * 3
    assert {p["units"] for p in grid} == {8, 32, 128}
    assert {p["lr"] for p in grid} == {1e-4, 1e-2}


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (None, r"a: Real\(0.0, 1.0\) has too many values to list"),
        ({"a": 3}, "b: .* too many values to list"),
        ({"c": 3}, "'c' is no parameter"),
        (0, "1 to 1000000 levels, not 0"),
        (2.5, "not 2.5"),
        (1001, "more than 1000000 settings"),
    ],
)
def test_a_grid_that_cannot_be_listed_is_refused(levels: object, message: str) -> None:
    space = Space({"a": Real(0, 1), "b": Real(0, 1)})

    with pytest.raises(SpaceError, match=message):
        space.grid(levels)  # type: ignore[arg-type]


def test_a_constraint_cuts_branches_of_a_product_too_large_to_go_through() -> None:
    names = [f"p{i}" for i in range(60)]
    space = Space({name: Integer(0, 9) for name in names}, {}, [f"{name} < 1" for name in names])

    assert space.grid() == [dict.fromkeys(names, 0)]


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (Space({}), 1),
        (Space({"a": 1}), 1),
        (Space({"a": [1, 2], "b": Integer(0, 90, step=9)}), 22),
        (Space({"a": Real(0, 1, step=0.1)}), 11),
        (Space({"a": Real(0, 1)}), math.inf),
        (Space({"a": Integer(1, 2**50), "b": Integer(1, 2**50)}), 2**100),
        (Space({"a": [1, 2], "b": Integer(1, 2**50)}, {"b": "a > 1"}), 1 + 2**50),
        (Space({"a": [1, 2], "b": Real(0, 1)}, {"b": "a > 1"}), math.inf),
        (Space({"a": [1, 2], "b": Real(0, 1)}, {"b": "a > 2"}), 2),
        (Space({"a": [1, 2], "b": Real(0, 1)}, {}, ["a > 2"]), 0),
        (Space({"a": Real(0, 1)}, {}, ["a > 0.5"]), math.inf),
    ],
)
def test_sizes(space: Space, size: float) -> None:
    assert space.size() == size


@pytest.mark.parametrize(
    ("space", "size"),
    [
        (Space({"a": Integer(1, 2**50)}, {}, ["a > 3"]), 2**50 - 3),
        (Space({"a": Integer(1, 10**4), "b": Integer(1, 10**4)}, {}, ["a + b > 3"]), 10**8 - 3),
        (
            Space({"a": Integer(1, 10**6), "b": [1, 2]}, {"b": "a % 2 == 0 or a > 4"}, ["a != 7"]),
            2 + 2 * (10**6 - 3),
        ),
        (Space({f"w{i}": Real(0, 1, step=0.1) for i in range(4)}, {}, ["w0 + w1 + w2 + w3 == 1"]), 286),
        (
            Space(
                {f"{kind}{i}": Integer(1, 9) for i in range(18) for kind in "ab"},
                {},
                [f"a{i} < b{i}" for i in range(18)],
            ),
            36**18,
        ),
        (Space({"a": Real(0, 1), "b": [1, 2]}, {"b": "a > 0.5"}, ["a < 0.2"]), math.inf),
        (Space({"a": Real(0, 1)}, {}, ["a > 0.5 and a < 0.5"]), 0),
    ],
)
def test_sizes_are_counted_without_listing(space: Space, size: float) -> None:
    assert space.size() == size


@pytest.mark.slow
def test_a_million_levels_are_counted_whatever_the_constraint() -> None:
    space = Space({"a": Integer(1, 10**6), "b": [1, 2, 3]}, {}, ["a % 2 == 0"])

    assert space.size() == 3 * 10**6 // 2


@pytest.mark.slow
def test_a_legal_part_of_too_many_pieces_is_refused() -> None:
    names = [f"x{i}" for i in range(12)]
    ragged = Space(dict.fromkeys(names, Integer(0, 100)), {}, [f"({' + '.join(names)}) % 2 == 0"])

    with pytest.raises(SpaceError, match="x11 has too many pieces to count"):
        ragged.size()


def test_numbers_of_levels_may_be_numpys() -> None:
    assert len(Space({"a": Integer(1, 9)}).grid(np.int64(3))) == 3  # type: ignore[arg-type]

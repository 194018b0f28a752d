from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Choice, Fixed, Integer, Real, Space, SpaceError
from search_spaces.composing import holds
from search_spaces.domains import Domain

CELL = Space(
    {"units": Integer(8, 128, step=8), "layers": [1, 2], "units_2": Integer(1, 9)}, {"units_2": "layers == 2"}
)
TRAINING = Space({"lr": Real(1e-4, 1, log=True), "batch": [32, 64]}, {}, ["lr * batch < 10"])


def test_a_union_has_the_parameters_conditions_and_constraints_of_both() -> None:
    both = CELL.union(TRAINING)

    assert list(both.parameters) == ["units", "layers", "units_2", "lr", "batch"]
    assert both.conditions == CELL.conditions
    assert both.constraints == TRAINING.constraints
    assert CELL.union(CELL) == CELL
    assert CELL.union(Space({})) == CELL


@pytest.mark.parametrize(
    "other",
    [
        Space({"layers": [1, 3]}),
        Space({"layers": [1.0, 2]}),
        Space({"layers": [1, 2], "a": 1}, {"layers": "a == 1"}),
    ],
)
def test_a_union_of_spaces_that_disagree_is_refused(other: Space) -> None:
    with pytest.raises(SpaceError, match=r"layers has two (domain|condition)s, .* prefix or rename"):
        CELL.union(other)


def test_a_prefix_reaches_names_conditions_and_constraints() -> None:
    both = CELL.prefix("encoder.").union(CELL.prefix("decoder "))

    assert both.conditions["encoder.units_2"].text == "encoder.layers == 2"
    assert both.conditions["decoder units_2"].text == "`decoder layers` == 2"
    assert Space.from_yaml(both.to_yaml()) == both


@given(space=..., seed=st.integers(0, 99))
def test_renaming_changes_nothing_else(space: Space, seed: int) -> None:
    renamed = space.rename({name: f"new {name}" for name in space.parameters})

    setting = space.sample(np.random.default_rng(seed))
    again = renamed.sample(np.random.default_rng(seed))

    assert repr({f"new {name}": value for name, value in setting.items()}) == repr(again)
    assert renamed.rename({f"new {name}": name for name in space.parameters}) == space


def test_names_can_be_swapped() -> None:
    space = Space({"a": [1, 2], "b": [3, 4]}, {}, ["a < b"]).rename({"a": "b", "b": "a"})

    assert space == Space({"b": [1, 2], "a": [3, 4]}, {}, ["b < a"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"unit": "x"}, "did you mean 'units'?"),
        ({"units": "layers"}, "two parameters would be called 'layers'"),
    ],
)
def test_a_bad_renaming_is_refused(names: dict[str, str], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        CELL.rename(names)

    assert message in str(caught.value)


def test_fixing_keeps_the_other_parameters_and_all_expressions() -> None:
    fixed = CELL.fix({"layers": 2})

    assert fixed.parameters == {**CELL.parameters, "layers": Fixed(2)}
    assert fixed.conditions == CELL.conditions
    assert fixed.dimensions == ("units", "units_2")


@given(space=..., seed=st.integers(0, 99), data=st.data())
def test_what_is_fixed_at_a_legal_setting_can_be_sampled(
    space: Space, seed: int, data: st.DataObject
) -> None:
    setting = space.sample(np.random.default_rng(seed))

    fixed = space.fix(setting)

    assert fixed.is_legal(setting)
    assert all(fixed.parameters[name] == Fixed(value) for name, value in setting.items())


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        ({"unit": 8}, "did you mean 'units'?"),
        ({"units": [8, 9]}, "units: Choice([8, 9]) reaches beyond Integer(8, 128, step=8): keep inside it"),
        ({"units": {"low": 8, "high": 256, "step": 8}}, "reaches beyond"),
        ({"units": {"low": 8, "high": 16}}, "reaches beyond"),
        ({"units": 8.0}, "reaches beyond"),
        ({"units": []}, "units: Choice needs at least one value"),
    ],
)
def test_a_restriction_beyond_the_domain_is_refused(domains: dict[str, object], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        CELL.restrict(domains)  # type: ignore[arg-type]

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("outer", "inner", "held"),
    [
        (Integer(1, 9), Integer(2, 8), True),
        (Integer(1, 9), Integer(1, 9, log=True), True),
        (Integer(1, 9), Integer(2, 8, step=3), True),
        (Integer(1, 9, step=2), Integer(3, 7, step=4), True),
        (Integer(1, 9, step=2), Integer(2, 8, step=2), False),
        (Integer(1, 9, step=4), Integer(1, 9, step=2), False),
        (Integer(1, 9, step=4), Integer(5, 5), True),
        (Integer(1, 9), Integer(0, 8), False),
        (Integer(1, 2**50), Integer(2, 2**49), True),
        (Integer(1, 9), Choice([1, 9]), True),
        (Integer(1, 9), Choice([1, "a"]), False),
        (Integer(1, 9), Real(1, 9, step=1), False),
        (Real(0, 1), Real(0.1, 1, log=True), True),
        (Real(0, 1), Real(0, 1, step=0.1), True),
        (Real(0, 1, step=0.1), Real(0.2, 0.8, step=0.2), True),
        (Real(0, 1, step=0.1), Real(0, 1), False),
        (Real(0, 1), Real(0, 1.1), False),
        (Real(0, 9), Integer(1, 9), True),
        (Choice([1, 2, 3]), Integer(1, 3), True),
        (Choice([1, 2, 3]), Integer(1, 4), False),
        (Choice(["a", "b"], ordered=True), Choice(["b"]), True),
        (Choice([1]), Fixed(True), False),
        (Fixed(1), Fixed(1), True),
    ],
)
def test_whether_a_domain_holds_another(outer: Domain, inner: Domain, held: bool) -> None:
    assert holds(outer, inner) is held

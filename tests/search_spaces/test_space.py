from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import Choice, Fixed, Integer, Real, Space, SpaceError, recurrent_space
from search_spaces.documents import MAX_DEPTH

KEYS = st.sampled_from(
    [
        "parameters",
        "conditions",
        "constraints",
        "a",
        "b",
        "low",
        "high",
        "choice",
        "step",
        "log",
        "ordered",
        "",
    ]
)
EXPRESSIONS = st.sampled_from(["a > 1", "b == 'x'", "a", "not b", "a > b", "a in [1]"]) | st.text(
    "ab>1 (", max_size=6
)

NESTED = Space(
    {
        "layers": [1, 2, 3],
        "units": Integer(8, 128, log=True),
        "units_2": Integer(8, 128),
        "dropout_2": Real(0, 0.5),
        "cell": ["rnn", "gru"],
        "length": [100, 400],
        "seed": 7,
    },
    conditions={"units_2": "layers >= 2", "dropout_2": "units_2 > 64 and cell == 'gru'"},
    constraints=["units * layers <= 256", "length <= 200 if cell == 'rnn'", "units_2 <= units"],
)
LEGAL = {"layers": 2, "units": 80, "units_2": 70, "dropout_2": 0.1, "cell": "gru", "length": 400, "seed": 7}


@given(space=..., seed=st.integers(0, 2**32))
def test_what_is_sampled_is_legal(space: Space, seed: int) -> None:
    params = space.sample(np.random.default_rng(seed))

    space.validate(params)
    assert list(params) == list(space.active(params))


@given(space=...)
def test_the_same_seed_draws_the_same_setting(space: Space) -> None:
    draws = [space.sample(np.random.default_rng(3)) for _ in range(2)]

    assert repr(draws[0]) == repr(draws[1])


@given(space=...)
def test_yaml_gives_the_space_back(space: Space) -> None:
    again = Space.from_yaml(space.to_yaml())

    assert again == space
    assert hash(again) == hash(space)
    assert repr(again) == repr(space)  # tells 1, 1.0 and True apart


@given(space=...)
def test_json_gives_the_space_back(space: Space) -> None:
    assert repr(Space.from_document(json.loads(json.dumps(space.to_document())))) == repr(space)


@given(space=...)
def test_a_space_survives_pickling_copying_and_its_own_repr(space: Space) -> None:
    copies = [pickle.loads(pickle.dumps(space)), copy.deepcopy(space), eval(repr(space))]  # noqa: S301, S307

    assert copies == [space] * 3


@given(space=..., data=st.data())
def test_a_setting_comes_back_from_the_unit_cube(space: Space, data: st.DataObject) -> None:
    params = space.sample(np.random.default_rng(data.draw(st.integers(0, 99))))

    point = space.to_unit(params)

    assert len(point) == len(space.dimensions)
    assert all(0.0 <= u <= 1.0 for u in point)
    for name, u in zip(space.dimensions, point, strict=True):
        domain = space.parameters[name]
        if name in params and not (isinstance(domain, Real) or domain.size() > 2**40):
            assert domain.from_unit(u) == params[name]


def test_a_setting_of_steps_and_choices_comes_back_exactly() -> None:
    space = Space(
        {"a": [1, "x", None], "b": Integer(0, 90, step=9), "c": Real(0, 1, step=0.1)}, {"b": "c > 0.4"}
    )

    for params in space.grid():
        assert space.from_unit(space.to_unit(params)) == params


@pytest.mark.parametrize("point", [[], [0.5], [0.5, 1.5], [0.5, float("nan")], [0.1, 0.2, 0.3]])
def test_a_point_outside_the_unit_cube_is_refused(point: list[float]) -> None:
    with pytest.raises(SpaceError, match="2 coordinates"):
        Space({"a": [1, 2], "b": [1, 2], "c": 3}).from_unit(point)


def test_both_corners_of_the_cube_are_the_ends_of_the_domains() -> None:
    space = Space({"a": Integer(1, 9), "b": Real(0.1, 9, log=True), "c": ["x", "y"]})

    assert space.from_unit([0, 0, 0]) == {"a": 1, "b": 0.1, "c": "x"}
    assert space.from_unit([1, 1, 1]) == {"a": 9, "b": 9.0, "c": "y"}


def test_a_nested_condition_fails_with_its_parents() -> None:
    values = {**LEGAL, "layers": 1}

    assert "units_2" not in NESTED.active(values)
    assert "dropout_2" not in NESTED.active(values)
    assert NESTED.active(LEGAL) == tuple(LEGAL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": 3}, "the setting names 'unit', which is no parameter of the space: did you mean 'units'?"),
        (
            {"cell": "grru"},
            "cell='grru' is not in its domain (did you mean 'gru'?): give one of 'rnn', 'gru'",
        ),
        ({"cell": None}, "cell=None is not in its domain: give one of 'rnn', 'gru'"),
        ({"units": 500}, "units=500 is not in its domain: give an integer from 8 to 128, log scale"),
        ({"units": 80.0}, "units=80.0 is not in its domain"),
        ({"layers": True}, "layers=True is not in its domain"),
        ({"seed": 8}, "seed=8 is not in its domain: give 7"),
        ({"layers": 1}, "units_2=70 does not apply, for 'layers >= 2' does not hold: leave it out"),
        ({"units": ...}, "units is missing: give an integer from 8 to 128"),
        ({"seed": ...}, "seed is missing: give 7"),
        ({"units": 128, "layers": 3}, "'units * layers <= 256' does not hold for units=128, layers=3"),
    ],
)
def test_an_illegal_setting_is_refused_with_the_way_out(change: dict[str, object], message: str) -> None:
    params = {name: value for name, value in {**LEGAL, **change}.items() if value is not ...}

    with pytest.raises(SpaceError) as caught:
        NESTED.validate(params)  # type: ignore[arg-type]

    assert message in str(caught.value)
    assert not NESTED.is_legal(params)  # type: ignore[arg-type]


def test_a_constraint_that_needs_an_inactive_parameter_is_satisfied() -> None:
    assert NESTED.is_legal({"layers": 1, "units": 8, "cell": "gru", "length": 400, "seed": 7})


def test_completing_drops_what_is_inactive_or_foreign_and_fills_in_what_is_fixed() -> None:
    config = {
        "layers": 1,
        "units": 8,
        "units_2": None,
        "dropout_2": 0.2,
        "cell": "gru",
        "length": 400,
        "lr": 1,
    }

    assert NESTED.complete(config) == {"layers": 1, "units": 8, "cell": "gru", "length": 400, "seed": 7}


def test_completing_turns_numpy_scalars_into_pythons_own() -> None:
    space = Space({"a": Integer(1, 9), "b": [True, "x"], "c": Real(0, 1)})

    setting = space.complete({"a": np.int64(3), "b": np.str_("x"), "c": np.float64(0.5)})

    assert {name: type(value) for name, value in setting.items()} == {"a": int, "b": str, "c": float}


def test_completing_refuses_a_setting_that_lacks_a_parameter() -> None:
    with pytest.raises(SpaceError, match="length is missing"):
        NESTED.complete({"layers": 1, "units": 8, "cell": "gru"})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Space({"": 1}), "1 to 128 printable characters"),
        (lambda: Space({"a`b": 1}), "without backquote"),
        (lambda: Space({"a\n": 1}), "printable"),
        (lambda: Space({"a" * 129: 1}), "1 to 128"),
        (lambda: Space({3: 1}), "not 3"),  # type: ignore[dict-item]
        (lambda: Space({"a": 1}, {"b": "a > 1"}), "a condition names 'b', which is no parameter"),
        (lambda: Space({"units": 1}, {}, ["unit > 1"]), "did you mean 'units'?"),
        (lambda: Space({"a": 1, "b": 1}, {"a": "b > 1", "b": "a > 1"}), "in a circle"),
        (lambda: Space({"a": 1}, {"a": "a > 0"}), "in a circle"),
        (lambda: Space({"a": 1}, {}, "a > 1"), "constraints are a list"),
        (lambda: Space({"a": 1}, {}, [True]), "an expression is text"),  # type: ignore[list-item]
        (lambda: Space(["a"]), "parameters are a mapping from names, not ['a']"),  # type: ignore[arg-type]
        (lambda: Space({"a": 1}, ["a > 1"]), "conditions are a mapping"),  # type: ignore[arg-type]
        (lambda: Space({"a": []}), "a: Choice needs at least one value"),
        (lambda: Space({"a": [1]}, defaults={"b": 1}), "a default names 'b', which is no parameter"),
        (lambda: Space({"a": [1, 2]}, defaults={"a": 3}), "a=3 is not in its domain: give one of 1, 2"),
        (lambda: Space({"a": [1, 2]}, {}, ["a > 1"], {"a": 1}), "the defaults break 'a > 1'"),
        (lambda: Space({"a": [1, 2]}, defaults=[1]), "defaults are a mapping"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_space_is_refused(build: object, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build()  # type: ignore[operator]

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a space is a mapping with the key 'parameters', not None"),
        ("[a]", "a space is a mapping"),
        ("paramters: {a: 1}", "unknown key 'paramters' of a space: did you mean 'parameters'?"),
        ("conditions: {}", "'parameters' of a space is a mapping from names to domains, not None"),
        ("parameters: [a]", "'parameters' of a space is a mapping"),
        ("parameters: {a: 1}\nconditions: [a > 1]", "'conditions' of a space is a mapping"),
        ("parameters: {a: 1}\nconstraints: a > 1", "'constraints' of a space is a list"),
        ("parameters: {a: 1}\nconstraints: {b: a > 1}", "'constraints' of a space is a list"),
        ("parameters: {a: {low: 1, hi: 2}}", "a: unknown key 'hi'"),
        ("parameters: {a: 1, a: 2}", "space:1:20: a key stands once"),
        ("parameters: {a: {low: 0, high: 1, log: true}}", "a log scale starts at 1"),
        ("parameters: {a: {low: 2, high: 1}}", "a: low=2 is above high=1"),
        ("parameters: {a: {low: .nan, high: 1}}", "a: Real takes finite numbers, not low=nan"),
        ("parameters: {a: [1, 1.0]}", "a: Choice holds 1 and 1.0"),
        ("parameters: {a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "nesting ends"),
    ],
)
def test_a_bad_document_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.from_yaml(text)

    assert message in str(caught.value)
    assert re.match(r"space:\d+:\d+: [^\n]*$", str(caught.value))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("parameters:\n  units: {low: 1, hihg: 9}\n", "2:19: units: unknown key 'hihg'"),
        ("parameters:\n  a: 1\n  units: {low: 9, high: 1}\n", "3:3: units: low=9 is above"),
        ("paramters:\n  a: 1\n", "1:1: unknown key 'paramters'"),
        ("parameters: {a: 1}\nconditions:\n  a: a >\n", "3:3: 'a >', character 4"),
        ("parameters: {a: 1}\nconditions:\n  b: a > 1\n", "3:3: a condition names 'b'"),
        ("parameters: {a: 1}\nconstraints:\n  - a > 0\n  - b > 0\n", "4:5: 'b > 0' names 'b'"),
        ("parameters: {a: 1, b: 2}\nconditions:\n  a: b > 1\n  b: a > 1\n", ":3: conditions go in a circle"),
        ("parameters: {a: 1}\nconstraints: 3\n", "2:1: 'constraints' of a space is a list"),
        ("[a]", "1:1: a space is a mapping"),
    ],
)
def test_a_bad_document_is_refused_at_its_line_and_column(text: str, place: str) -> None:
    with pytest.raises(SpaceError) as caught:
        Space.from_yaml(text, source="s.yaml")

    assert place in str(caught.value)


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("a > 1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)
SPACES = st.fixed_dictionaries(
    {"parameters": st.dictionaries(KEYS, DOCUMENTS, max_size=3)},
    optional={
        "conditions": st.dictionaries(KEYS, EXPRESSIONS, max_size=2),
        "constraints": st.lists(EXPRESSIONS, max_size=2),
    },
)
"""What may be taken for a space: bad in one place or another."""


def is_read_or_refused(document: object) -> bool:
    """Whether a document is a space that gives it back, or refused in one line."""
    try:
        space = Space.from_document(document)
    except SpaceError as error:
        return "\n" not in str(error)
    return Space.from_document(space.to_document()) == space


@given(document=DOCUMENTS | SPACES)
def test_any_document_is_a_space_or_refused(document: object) -> None:
    assert is_read_or_refused(document)


@pytest.mark.slow
@given(document=DOCUMENTS | SPACES)
@settings(max_examples=10_000)
def test_ten_thousand_documents_are_spaces_or_refused(document: object) -> None:
    assert is_read_or_refused(document)


def test_yaml_keeps_types_and_reads_well() -> None:
    space = Space({"a": [1, 2.0, "3", "true", None], "b": "yes", "lr": Real(1e-5, 1, log=True)})

    assert space.to_yaml() == (
        "parameters:\n"
        "  a: [1, 2.0, '3', 'true', null]\n"
        "  b: 'yes'\n"
        "  lr: {low: 1.0e-05, high: 1.0, log: true}\n"
    )


def test_numbers_may_be_written_as_in_json() -> None:
    space = Space.from_yaml("parameters: {lr: {low: 1e-5, high: 1e0, log: true}}")

    assert space.parameters["lr"] == Real(1e-5, 1, log=True)


def test_order_of_parameters_counts_for_equality_as_it_does_for_draws() -> None:
    assert Space({"a": 1, "b": 2}) != Space({"b": 2, "a": 1})
    assert Space({"a": 1}) != {"a": 1}


def test_spaces_that_differ_in_anything_are_different() -> None:
    spaces = [
        Space({"a": [1, 2]}),
        Space({"a": [1.0, 2]}),
        Space({"a": [True, 2]}),
        Space({"a": Choice([1, 2], ordered=True)}),
        Space({"a": [1, 2], "b": 1}),
        Space({"a": [1, 2], "b": 1}, {"b": "a > 1"}),
        Space({"a": [1, 2], "b": 1}, {}, ["a > 1"]),
    ]

    assert len(set(spaces)) == len(spaces)


def test_a_space_never_changes() -> None:
    space = Space({"a": [1, 2]})

    with pytest.raises(AttributeError):
        space.parameters = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        space.parameters["a"] = Fixed(1)  # type: ignore[index]
    with pytest.raises(AttributeError):
        space.other = 1  # type: ignore[attr-defined]


def test_the_same_constraint_twice_stands_once() -> None:
    assert len(Space({"a": 1}, {}, ["a>0", "a > 0"]).constraints) == 1


def test_a_comparison_with_a_value_that_never_comes_is_warned_of() -> None:
    space = Space(
        {"cell": ["lstm", "gru"], "units": Integer(8, 64), "mode": "fast"},
        {},
        [
            "cell == 'LSTM' or 3 == units",
            "cell in ['gru', 'rnn']",
            "units != 8.0",
            "mode == 'slow' or units > 1",
        ],
    )

    warnings = space.warnings()

    assert ["is never 3" in d or 'is never "LSTM"' in d or 'is never "rnn"' in d for d in warnings] == [
        True
    ] * 3
    assert NESTED.warnings() == []


STEPPED = Space(
    {"dropout": Real(0, 0.5, step=0.1), "other": [1, 2]}, {"other": "dropout == 0.3"}, ["dropout <= 0.3"]
)


def test_a_step_that_is_off_by_rounding_is_its_level() -> None:
    off = 0.1 * 3

    setting = STEPPED.complete({"dropout": off, "other": 2})

    assert off != 0.3
    assert setting == {"dropout": 0.3, "other": 2}
    assert STEPPED.active({"dropout": off}) == ("dropout", "other")
    assert STEPPED.violated({"dropout": off}) is None
    STEPPED.validate({"dropout": off, "other": 1})


def test_a_space_reads_like_a_mapping() -> None:
    space = Space({"a": [1, 2], "b": 3})

    assert space["b"] == Fixed(3)
    assert "a" in space and "c" not in space
    assert list(space) == ["a", "b"]
    with pytest.raises(KeyError, match="no parameter 'aa'"):
        space["aa"]


class Own(Space):
    """A user's own kind of space."""


def test_a_subclass_survives_pickling_and_composing() -> None:
    own = Own({"a": [1, 2]}, defaults={"a": 2})

    copies = [pickle.loads(pickle.dumps(own)), copy.deepcopy(own), own.restrict({"a": [2]}), own.prefix("x.")]  # noqa: S301

    assert [type(each) for each in copies] == [Own] * 4
    assert copies[0] == own


def test_numpy_values_take_part_in_conditions() -> None:
    space = Space({"flag": [True, False], "a": [1, 2]}, {"a": "flag"})

    assert space.is_legal({"flag": np.bool_(True), "a": np.int64(2)})
    assert not space.is_legal({"flag": np.bool_(False), "a": np.int64(2)})


def test_a_row_of_a_table_is_completed() -> None:
    row = {"layers": 1.0, "units": 8.0, "units_2": float("nan"), "cell": "gru", "length": 400.0, "seed": 7.0}

    assert NESTED.complete(row) == {"layers": 1, "units": 8, "cell": "gru", "length": 400, "seed": 7}


def test_defaults_are_where_a_search_begins() -> None:
    space = Space(
        {"layers": [1, 2], "units": Integer(8, 64), "units_2": Integer(8, 64), "seed": 3},
        {"units_2": "layers == 2"},
        defaults={"layers": 1, "units": 16, "seed": 3},
    )

    assert dict(space.defaults) == {"layers": 1, "units": 16}
    assert space.default_setting() == {"layers": 1, "units": 16, "seed": 3}
    assert Space({"a": [1, 2]}).default_setting() is None
    assert dict(space.restrict({"units": [32, 64]}).defaults) == {"layers": 1}
    assert dict(space.fix({"units": 16}).rename({"layers": "n"}).defaults) == {"n": 1}


def test_settings_go_in_and_out_as_nested_dicts() -> None:
    space = Space({"optimizer.name": ["sgd"], "optimizer.lr": Real(0, 1), "units": 8})

    setting = space.complete({"optimizer": {"name": "sgd", "lr": 0.5}, "units": 8})

    assert setting == {"optimizer.name": "sgd", "optimizer.lr": 0.5, "units": 8}
    assert space.nest(setting) == {"optimizer": {"name": "sgd", "lr": 0.5}, "units": 8}
    with pytest.raises(SpaceError, match=r"'a.b' cannot lie within 'a'"):
        Space({"a": 1, "a.b": 2}).nest({"a": 1, "a.b": 2})
    with pytest.raises(SpaceError, match="'a' cannot have a value"):
        Space({"a.b": 1, "a": 2}).nest({"a.b": 1, "a": 2})


def test_lists_are_chosen_by_label_and_resolved() -> None:
    units = Choice({"small": [64], "large": [64, 64]})
    space = Space({"units": units, "lr": 0.1}, {}, ["units != 'large'"])

    setting = space.complete({"units": [64], "lr": 0.1})

    assert setting == {"units": "small", "lr": 0.1}
    assert space.resolve(setting) == {"units": [64], "lr": 0.1}


def test_a_space_without_weights_holds_the_same_values() -> None:
    space = Space({"a": Choice(["x", "y"], weights=[1, 2]), "b": Real(0, 1, mean=0, std=1), "c": [1]})

    assert space.uniform() == Space({"a": ["x", "y"], "b": Real(0, 1), "c": [1]})


@pytest.mark.parametrize("odd", [None, "a", 3, [("units", 8)]])
def test_a_setting_that_is_no_mapping_is_refused_in_one_line(odd: Any) -> None:
    space = Space({"units": [8, 16]}, constraints=["units <= 8"])

    for ask in (space.validate, space.complete, space.active, space.violated, space.to_unit):
        with pytest.raises(SpaceError, match="a setting is a mapping from names to values, not"):
            ask(odd)
    assert not space.is_legal(odd)


@pytest.mark.parametrize("odd", [None, 3, b"parameters: {a: [1]}", Path("space.yaml")])
def test_yaml_that_is_no_text_is_refused_in_one_line(odd: Any) -> None:
    with pytest.raises(SpaceError, match=r"YAML is text, not .*read_text"):
        Space.from_yaml(odd)


def test_parameters_to_free_are_a_list() -> None:
    with pytest.raises(SpaceError, match=r"free is a list of parameters, not 3: write e\.g\."):
        recurrent_space(free=3)  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match="3 is no recurrent parameter"):
        recurrent_space(free=[3])  # type: ignore[list-item]

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from search_spaces import Choice, Integer, Real, Space, SpaceError

cs = pytest.importorskip("ConfigSpace")

from search_spaces.adapters import configspace as adapter  # noqa: E402

SPACE = Space(
    {
        "layers": [1, 2, 3],
        "units": Integer(8, 128, log=True),
        "units_2": Integer(8, 128, step=8),
        "dropout": Real(0, 0.5, step=0.1),
        "cell": ["rnn", "gru", None],
        "size": Choice(["s", "m"], ordered=True),
        "lr": Real(1e-4, 1, log=True),
        "seed": 3,
        "momentum": Real(0, 1),
    },
    {
        "units_2": "layers >= 2",
        "dropout": "units_2 > 64 and cell == 'gru'",
        "momentum": "lr > 0.01 or not layers == 1",
    },
)


def test_a_space_comes_back_exactly() -> None:
    assert adapter.from_configspace(adapter.to_configspace(SPACE)) == SPACE


def test_whatever_configspace_draws_is_legal() -> None:
    for configuration in adapter.to_configspace(SPACE, seed=1).sample_configuration(100):
        params = SPACE.complete(dict(configuration))
        assert set(params) == set(configuration)


def test_a_foreign_configspace_is_read_with_conditions_and_forbidden_clauses() -> None:
    configspace = cs.ConfigurationSpace(
        {"a": (1, 9), "b": (0.1, 1.0), "c": ["x", "y"], "d": 5, "e": (0.0, 1.0)}
    )
    a, b, c, e = (configspace[name] for name in "abce")
    configspace.add(cs.OrConjunction(cs.GreaterThanCondition(e, a, 3), cs.NotEqualsCondition(e, c, "x")))
    configspace.add(cs.AndConjunction(cs.LessThanCondition(b, a, 7), cs.InCondition(b, c, ["x", "y"])))
    configspace.add(
        cs.ForbiddenAndConjunction(cs.ForbiddenEqualsClause(a, 2), cs.ForbiddenInClause(c, ["y"]))
    )

    space = adapter.from_configspace(configspace)

    assert dict(space.parameters) == {
        "a": Integer(1, 9),
        "b": Real(0.1, 1),
        "c": Choice(["x", "y"]),
        "d": Space({"d": 5}).parameters["d"],
        "e": Real(0, 1),
    }
    assert space.conditions["e"].text == 'a > 3 or c != "x"'
    assert space.conditions["b"].text == 'a < 7 and c in ["x", "y"]'
    assert [constraint.text for constraint in space.constraints] == ['not (a == 2 and c in ["y"])']
    for configuration in configspace.sample_configuration(50):
        space.complete(dict(configuration))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Space({"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a + b < 1"]), "no arithmetic.* for 'a \\+ b < 1'"),
        (Space({"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a < b if 1 / a < 3"]), "no clause for '1 / a < 3'"),
        (Space({"a": Real(1.5e-14, 1, log=True)}), "a: .* 13 decimals"),
        (
            Space({"a": Choice(["s", "m"], ordered=True, weights=[1, 2])}),
            "a: an ordinal .* no place for weights",
        ),
        (Space({"a": Real(0, 1, step=0.5, mean=0, std=1)}), "a: an ordinal .* no place for mean=0.0"),
        (Space({"a": Real(0, 1), "b": 1}, {"b": "a * 2 > 1"}), "no condition for 'a \\* 2 > 1'"),
        (Space({"a": [1, 2], "c": [1, 2], "b": 1}, {"b": "a < c"}), "no condition for 'a < c'"),
        (Space({"a": [1, 2], "b": 1}, {"b": "a > 2"}), "b is never active"),
    ],
)
def test_what_configspace_cannot_say_is_refused(space: Space, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        adapter.to_configspace(space)


def test_a_kind_without_counterpart_is_refused() -> None:
    configspace = cs.ConfigurationSpace()
    configspace.add(cs.BetaFloatHyperparameter("x", 2, 3, 0.0, 1.0))

    with pytest.raises(SpaceError, match="x: BetaFloatHyperparameter has no counterpart"):
        adapter.from_configspace(configspace)


FULL = Space(
    {
        "kind": Choice(["x", "y", "z"], weights=[1, 2, 5]),
        "a": Integer(1, 9),
        "b": Real(0, 1),
        "c": Real(0, 1, mean=0.3, std=0.2),
        "d": Real(1e-4, 1, log=True, mean=-4, std=1.5),
        "e": Integer(1, 50, mean=20, std=5),
        "list": [[64, 64], [128]],
    },
    {"a": "kind in ['x', 'y']"},
    [
        "not (a == 2 and kind == 'y')",
        "b < c",
        "a < 8 or b > 0.5",
        "c <= 0.9 if kind == 'z'",
        "e > 3 and (a != 4 or d < 0.5)",
    ],
    {"a": 3, "b": 0.125, "c": 0.25},
)


def test_weights_normals_defaults_and_constraints_come_back_exactly() -> None:
    again = adapter.from_configspace(adapter.to_configspace(FULL))

    assert again == FULL


@pytest.mark.parametrize("space", [SPACE, FULL], ids=["conditions", "constraints"])
def test_a_thousand_draws_of_either_are_legal_to_the_other(space: Space) -> None:
    configspace = adapter.to_configspace(space, seed=1)

    for configuration in configspace.sample_configuration(1000):
        params = space.complete(dict(configuration))
        assert set(params) == set(configuration)
    for params in space.draw(1000, np.random.default_rng(0)).settings:
        cs.Configuration(configspace, values=params).check_valid_configuration()


def test_every_clause_and_relation_is_read_and_written_again() -> None:
    configspace = cs.ConfigurationSpace({"a": (0, 9), "b": (0, 9), "x": (0.0, 1.0), "c": ["p", "q"]}, seed=1)
    a, b, x, c = (configspace[name] for name in "abxc")
    clauses = [
        cs.ForbiddenGreaterThanClause(a, 8),
        cs.ForbiddenLessThanClause(x, 0.125),
        cs.ForbiddenGreaterThanRelation(a, b),
        cs.ForbiddenOrConjunction(
            cs.ForbiddenAndConjunction(cs.ForbiddenEqualsClause(c, "p"), cs.ForbiddenEqualsRelation(a, b)),
            cs.ForbiddenInClause(b, [3, 4]),
        ),
        cs.ForbiddenAndConjunction(
            cs.ForbiddenGreaterThanEqualsClause(b, 7),
            cs.ForbiddenLessThanEqualsClause(a, 2),
            cs.ForbiddenLessThanEqualsRelation(x, a),
        ),
    ]
    b.default_value = 6
    configspace.add(clauses)

    space = adapter.from_configspace(configspace)
    again = adapter.to_configspace(space, seed=2)

    # not those of the first: ConfigSpace 1.2 draws what ForbiddenLessThanEqualsClause forbids
    for configuration in again.sample_configuration(300):
        space.complete(dict(configuration))
    for params in space.draw(300, np.random.default_rng(0)).settings:
        cs.Configuration(again, values=params).check_valid_configuration()


def test_defaults_and_weights_of_a_foreign_space_are_kept() -> None:
    configspace = cs.ConfigurationSpace()
    configspace.add(
        cs.CategoricalHyperparameter("c", ["p", "q"], weights=[1, 9], default_value="p"),
        cs.UniformFloatHyperparameter("x", 0.0, 1.0, default_value=0.3),
        cs.NormalFloatHyperparameter("n", mu=0.2, sigma=0.1, lower=0.0, upper=1.0),
    )

    space = adapter.from_configspace(configspace)

    assert space["c"] == Choice(["p", "q"], weights=[0.1, 0.9]) or space["c"].weights == (1.0, 9.0)  # type: ignore[union-attr]
    assert space["n"] == Real(0, 1, mean=0.2, std=0.1)
    assert dict(space.defaults) == {"c": "p", "x": 0.3, "n": 0.2}


def test_an_ordinal_that_falls_is_compared_by_index() -> None:
    configspace = cs.ConfigurationSpace(seed=0)
    ordinal = cs.OrdinalHyperparameter("o", [8, 4, 2, 1])
    child, late = cs.UniformFloatHyperparameter("x", 0, 1), cs.UniformFloatHyperparameter("y", 0, 1)
    configspace.add(ordinal, child, late)
    configspace.add(cs.GreaterThanCondition(child, ordinal, 4), cs.LessThanCondition(late, ordinal, 2))

    space = adapter.from_configspace(configspace)

    for configuration in configspace.sample_configuration(60):
        assert set(space.complete(dict(configuration))) == set(configuration)


def test_bounds_that_were_edited_are_believed() -> None:
    configspace = adapter.to_configspace(Space({"a": Integer(1, 9), "b": [1, 2]}, {"b": "a > 3"}))
    edited = cs.ConfigurationSpace()
    a = cs.UniformIntegerHyperparameter("a", 1, 5, meta=configspace["a"].meta)
    b = configspace["b"]
    edited.add(a, b)
    edited.add(cs.InCondition(b, a, [2]))

    space = adapter.from_configspace(edited)

    assert space["a"] == Integer(1, 5)
    assert space.conditions["b"].text == "a in [2]"


def test_sixty_long_names_are_read() -> None:
    configspace = cs.ConfigurationSpace({f"{'n' * 60}_{i}": ["a", "b"] for i in range(60)})
    configspace.add(
        cs.ForbiddenAndConjunction(*(cs.ForbiddenEqualsClause(hp, "b") for hp in configspace.values()))
    )

    space = adapter.from_configspace(configspace)

    assert adapter.from_configspace(adapter.to_configspace(space)) == space


def test_a_log_normal_has_the_same_shape_in_configspace() -> None:
    domain = Real(1e-4, 1, log=True, mean=math.log(0.01), std=math.log(2.0))

    drawn = adapter.to_configspace(Space({"x": domain}), seed=0).sample_configuration(2000)

    places = [domain.to_unit(float(configuration["x"])) for configuration in drawn]
    assert stats.kstest(places, "uniform").pvalue > 1e-6

from __future__ import annotations

import pytest

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
        (Space({"a": [1, 2]}, {}, ["a < 2"]), "no arithmetic for 'a < 2'"),
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
    configspace.add(cs.NormalFloatHyperparameter("x", 0, 1, 0.0, 1.0))

    with pytest.raises(SpaceError, match="x: NormalFloatHyperparameter has no counterpart"):
        adapter.from_configspace(configspace)

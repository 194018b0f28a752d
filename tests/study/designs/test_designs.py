from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any

import pytest

from analysis.statistics.comparisons.rules import RULE
from search_spaces import Space
from study.designs import KINDS, BaseDesign, Plan
from study.designs.base import MIN_SEEDS
from study.designs.drawn import say_companions
from study.errors import StudyError
from study.spec.schema import StudySpec

FACTORS: dict[str, Any] = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "layers": [1, 2],
    "units": [8, 16, 32],
    "vocab_size": 50,
    "sequence_length": 10,
}
RANGES: dict[str, Any] = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": True,
    "layers": {"low": 1, "high": 3},
    "units": {"low": 8, "high": 128, "log": True},
    "vocab_size": {"choice": [1000, 2000, 5000], "ordered": True},
    "sequence_length": 50,
}
CONSTRAINED = {"parameters": FACTORS, "constraints": ["units <= 16 if cell == 'rnn'"]}

DESIGNS: list[dict[str, Any]] = [
    {"kind": "grid"},
    {"kind": "factorial"},
    {"kind": "factorial", "fraction": "1/2"},
    {"kind": "ablation"},
    {"kind": "random", "trials": 12},
    {"kind": "sobol", "trials": 12},
    {"kind": "random", "trials": 12, "scientific": ["cell"]},
    {"kind": "sobol", "trials": 12, "scientific": ["cell", "bidirectional"]},
    {"kind": "search", "trials": 12, "sampler": "random"},
    {"kind": "search", "trials": 12, "sampler": "qmc"},
]


def make_spec(design: object, space: object = FACTORS, **changes: Any) -> StudySpec:
    return StudySpec.from_document({"name": "x", "space": space, "design": design} | changes, "test")


def plan_of(spec: StudySpec) -> Plan:
    plan = spec.design.plan(spec.space, spec.seed)
    assert plan is not None
    return plan


def count_levels(plan: Plan, *names: str) -> list[int]:
    return sorted(Counter(tuple(setting[name] for name in names) for setting in plan).values())


@pytest.mark.parametrize("space", [FACTORS, CONSTRAINED], ids=["free", "constrained"])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_a_plan_is_the_same_each_time_and_legal_and_as_long_as_was_said(
    design: dict[str, Any], space: dict[str, Any]
) -> None:
    spec = make_spec(design, space, seed=3)

    plan = plan_of(spec)

    assert plan_of(make_spec(design, space, seed=3)) == plan
    assert all(spec.space.is_legal(setting) for setting in plan)
    assert spec.design.count(spec.space) == len(plan)
    assert (
        f"{len(plan)} settings under 1 seed each, {len(plan)} runs"
        in spec.design.explain(spec.space, 1, 3)[0]
    )


@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_a_design_says_what_it_can_and_cannot_answer(design: dict[str, Any]) -> None:
    spec = make_spec(design)

    said = spec.design.explain(spec.space, seeds=3)

    assert any(sentence.startswith("Can answer") for sentence in said)
    assert any("annot answer" in sentence for sentence in said)
    assert "3 seeds" in said[0]
    assert all(sentence.endswith(".") for sentence in said)


@pytest.mark.parametrize("kind", KINDS)
def test_a_design_survives_yaml_and_can_be_given_as_its_kind_alone(kind: str) -> None:
    spec = make_spec(kind, FACTORS | {"train_size": [100, 200]})

    assert isinstance(spec.design, BaseDesign)
    assert spec.design.kind == kind  # type: ignore[attr-defined]
    assert StudySpec.from_document(spec.to_document(), "again") == spec


def test_other_seeds_draw_other_settings() -> None:
    for kind in ("random", "sobol"):
        design = {"kind": kind, "trials": 12}
        assert plan_of(make_spec(design, RANGES)) != plan_of(make_spec(design, RANGES, seed=1))


@pytest.mark.parametrize("kind", ["random", "sobol"])
@pytest.mark.parametrize("scientific", [[], ["cell"]])
def test_more_trials_leave_those_before_them_as_they_were(kind: str, scientific: list[str]) -> None:
    design = {"kind": kind, "scientific": scientific}

    few = plan_of(make_spec(design | {"trials": 12}, RANGES))
    many = plan_of(make_spec(design | {"trials": 24}, RANGES))

    assert list(many[:12]) == list(few)


def test_a_sobol_design_spreads_each_range_evenly() -> None:
    spec = make_spec({"kind": "sobol", "trials": 16}, RANGES)

    plan = plan_of(spec)

    domain = spec.space.parameters["units"]
    places = [domain.to_unit(setting["units"]) for setting in plan]
    # One point in each sixteenth; rounding to whole units moves one at an edge by at most one.
    assert max(Counter(int(16 * place) for place in places).values()) <= 2
    assert count_levels(plan, "cell") in ([5, 5, 6], [4, 6, 6])


# ---- scientific parameters


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_each_scientific_level_gets_the_same_settings_of_all_else(kind: str) -> None:
    plan = plan_of(make_spec({"kind": kind, "trials": 24, "scientific": ["cell", "bidirectional"]}, FACTORS))

    rest: dict[tuple[Any, Any], list[tuple[Any, Any]]] = {}
    for setting in plan:
        level = setting["cell"], setting["bidirectional"]
        rest.setdefault(level, []).append((setting["layers"], setting["units"]))
    assert len(rest) == 6
    assert {len(settings) for settings in rest.values()} == {4}
    assert len({tuple(settings) for settings in rest.values()}) == 1


def test_scientific_levels_take_turns_so_that_an_interrupted_study_is_balanced() -> None:
    plan = plan_of(make_spec({"kind": "random", "trials": 24, "scientific": ["cell"]}))

    assert all(len({s["cell"] for s in plan[i : i + 3]}) == 3 for i in range(0, 24, 3))


def test_a_level_that_a_constraint_rules_out_gets_no_trials() -> None:
    space = {"parameters": FACTORS, "constraints": ["layers == 1 if cell == 'rnn'"]}

    plan = plan_of(make_spec({"kind": "random", "trials": 10, "scientific": ["cell", "layers"]}, space))

    assert count_levels(plan, "cell", "layers") == [2] * 5


@pytest.mark.parametrize(
    ("design", "space", "message"),
    [
        ({"trials": 16, "scientific": ["cell"]}, FACTORS, "cannot be shared by 3; use 15 or 18"),
        ({"trials": 2, "scientific": ["cell"]}, FACTORS, "use 3 or 6"),
        ({"scientific": ["cel"]}, FACTORS, "did you mean"),
        ({"scientific": ["vocab_size"]}, FACTORS, "vocab_size is fixed at 50"),
        ({"scientific": ["units"]}, RANGES, "list the values to compare"),
        ({"scientific": ["units", "cell", "layers", "bidirectional"]}, FACTORS, "36 levels|cannot be shared"),
        (
            {"scientific": ["layers"]},
            {"parameters": FACTORS, "conditions": {"layers": "bidirectional"}},
            "layers only applies where",
        ),
    ],
)
def test_scientific_parameters_that_cannot_be_compared_are_refused(
    design: dict[str, Any], space: dict[str, Any], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        make_spec(design, space)


# ---- factorial


def test_a_full_factorial_tries_every_combination_once() -> None:
    plan = plan_of(make_spec("factorial"))

    combinations = {(s["cell"], s["bidirectional"], s["layers"], s["units"]) for s in plan}
    assert combinations == set(itertools.product(["rnn", "lstm", "gru"], [False, True], [1, 2], [8, 16, 32]))
    assert len(plan) == len(combinations) == 36


def test_the_blocks_of_a_full_factorial_are_each_balanced() -> None:
    plan = plan_of(make_spec("factorial"))

    for start in range(0, 36, 12):
        block = plan[start : start + 12]
        assert count_levels(block, "cell") == count_levels(block, "units") == [4, 4, 4]
        assert count_levels(block, "layers") == count_levels(block, "bidirectional") == [6, 6]


def test_a_factorial_takes_the_ends_of_ranges() -> None:
    plan = plan_of(make_spec("factorial", RANGES))

    assert {setting["units"] for setting in plan} == {8, 128}
    assert {setting["layers"] for setting in plan} == {1, 3}


@pytest.mark.parametrize("fraction", ["1/2", "1/3", "5/12", 0.7])
def test_a_fraction_has_each_setting_once_and_pairs_of_levels_within_one(fraction: object) -> None:
    plan = plan_of(make_spec({"kind": "factorial", "fraction": fraction}))

    assert len({tuple(setting.items()) for setting in plan}) == len(plan)
    for names in itertools.combinations(("cell", "bidirectional", "layers", "units"), 2):
        counts = count_levels(plan, *names)
        assert max(counts) - min(counts) <= 1


def test_a_two_level_fraction_is_a_regular_one_and_names_what_it_mixes() -> None:
    two_levels = FACTORS | {"cell": ["lstm", "gru"], "units": [8, 32]}
    spec = make_spec({"kind": "factorial", "fraction": 0.5}, two_levels)

    plan = plan_of(spec)

    low = {"cell": "lstm", "bidirectional": False, "layers": 1, "units": 8}
    assert len({sum(setting[name] == low[name] for name in low) % 2 for setting in plan}) == 1
    said = " ".join(spec.design.explain(spec.space, seeds=3))
    assert "resolution 4" in said
    assert "cell x bidirectional = units x layers" in said


def test_a_fraction_too_small_for_verdicts_says_so() -> None:
    small, large = (make_spec({"kind": "factorial", "fraction": f}) for f in ("1/3", "2/3"))

    assert "no verdict" in " ".join(small.design.explain(small.space, seeds=3))
    assert "no verdict" not in " ".join(large.design.explain(large.space, seeds=3))


@pytest.mark.parametrize(
    ("fraction", "message"),
    [
        ("1/12", "effects are 7; use 0.195 or more"),
        ("half", "'half' is not; write 1/4"),
        (0.0, "greater than 0"),
        (1.5, "less than or equal to 1"),
    ],
)
def test_bad_fractions_are_refused_in_one_line(fraction: object, message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        plan_of(make_spec({"kind": "factorial", "fraction": fraction}))
    assert "\n" not in str(caught.value)


# ---- ablation


def test_an_ablation_moves_each_parameter_alone_to_each_other_level_in_both_directions() -> None:
    baseline = {"cell": "lstm", "units": 32, "layers": 2, "vocab_size": 2000}

    plan = plan_of(make_spec({"kind": "ablation", "baseline": baseline}, RANGES))

    first = plan[0]
    assert baseline.items() <= first.items()
    moved: dict[str, set[Any]] = {}
    for setting in plan[1:]:
        (name,) = [name for name in setting if setting[name] != first[name]]
        moved.setdefault(name, set()).add(setting[name])
    assert moved == {
        "cell": {"rnn", "gru"},
        "layers": {1, 3},
        "units": {8, 128},
        "vocab_size": {1000, 5000},
    }


def test_an_ablation_says_where_it_moves_in_one_direction_only_and_what_a_constraint_rules_out() -> None:
    spec = make_spec({"kind": "ablation", "baseline": {"units": 16, "cell": "rnn"}}, CONSTRAINED)

    said = " ".join(spec.design.explain(spec.space, seeds=1))

    assert all(setting["units"] <= 16 for setting in plan_of(spec) if setting["cell"] == "rnn")
    assert "rules it out at this baseline: units=32" in said
    ranges = make_spec({"kind": "ablation", "baseline": {"units": 8}}, RANGES)
    assert "one direction only" in " ".join(ranges.design.explain(ranges.space, seeds=1))


def test_an_ablation_brings_in_what_applies_only_beside_the_baseline() -> None:
    space = Space(
        {"layers": [1, 2], "units": [8, 16], "units_2": [4, 8]}, conditions={"units_2": "layers >= 2"}
    )
    design = KINDS["ablation"].model_validate({"baseline": {"units_2": 8}})

    plan = design.plan(space, 0)

    assert plan == [
        {"layers": 1, "units": 8},
        {"layers": 2, "units": 8, "units_2": 8},
        {"layers": 1, "units": 16},
    ]


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ({"unit": 8}, "did you mean"),
        ({"units": 9}, "units=9 is not in its domain"),
        ({"units": 32, "cell": "rnn"}, "does not hold"),
    ],
)
def test_a_baseline_outside_the_space_is_refused(baseline: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_spec({"kind": "ablation", "baseline": baseline}, CONSTRAINED)


# ---- search


def test_population_based_training_is_refused_with_its_reason() -> None:
    with pytest.raises(StudyError, match=r"copies weights between trials.*use asha"):
        make_spec({"scheduler": "pbt"})


def test_an_unknown_sampler_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        StudyError, match="tpe, gp, cmaes, nsga2, nsga3, qmc, random or an import path: 'tpee' is none"
    ):
        make_spec({"sampler": "tpee"})


def test_a_search_says_that_a_small_space_needs_none() -> None:
    spec = make_spec({"trials": 40})

    assert "36 settings in all" in " ".join(spec.design.explain(spec.space, seeds=1))


def test_a_plan_names_the_parameters_that_go_together_in_all_of_its_settings() -> None:
    space = Space({"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1, 2], "e": [1, 2], "f": [1, 2, 3]})
    few, many = (KINDS["sobol"](trials=n) for n in (8, 64))

    (said,) = (line for line in few.explain(space, 3) if "goes together" in line)
    a, b = re.findall(r"(\w) with (\w)", said)[0]

    assert len({(setting[a], setting[b]) for setting in few.plan(space, 0)}) == 2
    assert not any("goes together" in line for line in many.explain(space, 3))


def test_parameters_that_part_or_vary_with_each_setting_are_not_said_to_go_together() -> None:
    parted = [{"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}]
    each = [{"a": n, "b": -n} for n in range(4)]
    joined = [{"a": 1, "b": "x", "c": 1}, {"a": 2, "b": "y", "c": 1}, {"a": 1, "b": "x", "c": 2}]

    assert say_companions(parted) == say_companions(each) == say_companions([]) == []
    assert [line.partition(";")[0] for line in say_companions(joined)] == [
        "Cannot tell apart what always goes together: a with b"
    ]


def test_reports_want_as_many_pairs_as_designs_say() -> None:
    assert RULE.min_units == MIN_SEEDS


def test_a_learning_curve_tries_all_else_at_each_amount_the_smallest_first() -> None:
    spec = make_spec("sizes", {"cell": ["lstm", "gru"], "units": 8, "train_size": [400, 100, 200]})

    plan = [
        (setting["train_size"], setting["cell"]) for setting in plan_of(spec) if not setting["bidirectional"]
    ]

    assert [size for size, _ in plan] == sorted(size for size, _ in plan)
    assert set(plan) == {(size, cell) for size in (100, 200, 400) for cell in ("lstm", "gru")}
    assert spec.design.count(spec.space) == len(plan_of(spec))


def test_a_learning_curve_says_what_it_can_answer() -> None:
    few = make_spec("sizes", FACTORS | {"train_size": [100, 200]})
    enough = make_spec("sizes", FACTORS | {"train_size": [1000, 2000, 4000]})

    assert "at 1,000, 2,000 and 4,000 training texts" in enough.design.explain(enough.space, 3)[0]
    assert any(
        "what twice as much text would bring" in said for said in enough.design.explain(enough.space, 3)
    )
    assert any("takes 3 amounts, and there are 2" in said for said in few.design.explain(few.space, 3))


@pytest.mark.parametrize(
    ("space", "said"), [({}, "is not given"), ({"train_size": 500}, "is 500 alone")], ids=["none", "one"]
)
def test_a_learning_curve_without_amounts_is_refused_with_the_way_out(
    space: dict[str, Any], said: str
) -> None:
    with pytest.raises(StudyError, match=f"{said}; list some.*study learn DATA"):
        make_spec("sizes", FACTORS | space)


@pytest.mark.parametrize("size", [0, 2.5, "all"])
def test_an_amount_that_is_no_number_of_texts_is_refused(size: object) -> None:
    with pytest.raises(StudyError, match=r"space\.train_size is a whole number from 1 on"):
        make_spec("grid", FACTORS | {"train_size": [100, size]})

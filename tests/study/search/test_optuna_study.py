"""Searches through samplers: strata, several workers, and what a sampler is told."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest

from search_spaces.adapters.optuna import ask
from study.errors import StudyError
from study.search.optuna_study import directions_of
from study.search.samplers import make_sampler
from study.search.search import Search
from study.seeds import derive_seed
from study.spec.schema import StudySpec
from study.store.ledger import Ledger
from study.trial import Assignment
from tests.study.pretend.small_study import (
    STARTED_AT,
    OpenStudy,
    list_told,
    make_spec,
    next_of,
    reach,
    train,
    train_all,
)

SPACE = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": {"low": 8, "high": 128, "log": True},
    "layers": {"low": 1, "high": 3},
    "vocab_size": 50,
    "sequence_length": 10,
    "embedding_dim": 4,
}
SCIENTIFIC = {"kind": "search", "trials": 6, "scheduler": "none", "scientific": ["cell"]}


N_PROPOSED = 14


def accuracy_of(params: dict[str, Any]) -> float:
    """A smooth objective with its best, 0.9, at a gru of 32 units, both directions and two layers."""
    units = abs(math.log2(params["units"]) - 5) / 5
    cell = {"rnn": 0.2, "lstm": 0.05, "gru": 0.0}[params["cell"]]
    return 0.9 - 0.2 * units - cell - 0.05 * abs(params["layers"] - 2) - 0.1 * (not params["bidirectional"])


def search_in_parallel(search: Search, ledger: Ledger, n_workers: int) -> list[Assignment]:
    """Keep `n_workers` assignments open, and end the oldest first."""
    open_ones: list[Assignment] = []
    handed_out: list[Assignment] = []
    while True:
        while len(open_ones) < n_workers and (assignment := search.next()) is not None:
            ledger.begin(assignment, STARTED_AT)
            open_ones.append(assignment)
            handed_out.append(assignment)
        if not open_ones:
            return handed_out
        ended = open_ones.pop(0)
        reach(search, ledger, ended, accuracy_of(ended.params))


# ---- strata


def test_each_level_of_a_scientific_parameter_gets_equally_many_trials(
    open_study: OpenStudy, tmp_path: Path
) -> None:
    search, ledger = open_study(make_spec(design=SCIENTIFIC))

    handed_out = train_all(search, ledger)

    assert Counter(a.params["cell"] for a in handed_out) == {"rnn": 2, "lstm": 2, "gru": 2}
    assert [a.params["cell"] for a in handed_out[:3]] == ["rnn", "lstm", "gru"]
    assert search.is_exhausted
    assert [len(of_level) for of_level in list_told(search)] == [2, 2, 2]


def test_levels_begin_with_the_same_settings_of_all_else(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(space=SPACE, design=SCIENTIFIC))

    handed_out = search_in_parallel(search, ledger, 1)

    first = [{k: v for k, v in a.params.items() if k != "cell"} for a in handed_out]
    assert first[0] == first[1] == first[2]
    assert first[3] == first[4] == first[5]


def test_trial_numbers_run_on_across_levels(open_study: OpenStudy) -> None:
    search, ledger = open_study(make_spec(space=SPACE, design=SCIENTIFIC))

    handed_out = search_in_parallel(search, ledger, 1)

    settings = {tuple(a.params.items()) for a in handed_out}
    assert {a.trial for a in handed_out} == set(range(len(settings)))


@pytest.mark.parametrize("n_done", [0, 1, 4, 6])
def test_a_later_leg_of_a_stratified_search_goes_on_where_it_was(open_study: OpenStudy, n_done: int) -> None:
    spec = make_spec(space=SPACE, design=SCIENTIFIC)
    search, ledger = open_study(spec)
    before = [next_of(search) for _ in range(n_done)]
    for assignment in before:
        train(search, ledger, assignment)
    ledger.close()

    search, ledger = open_study(spec)
    after = train_all(search, ledger)

    keys = {(a.trial, a.replicate) for a in (*before, *after)}
    assert len(keys) == 6
    assert Counter(o.assignment.params["cell"] for o in ledger.outcomes()) == {"rnn": 2, "lstm": 2, "gru": 2}


# ---- several workers


def test_eight_workers_are_given_nothing_twice(open_study: OpenStudy) -> None:
    design = {"kind": "search", "trials": 16, "scheduler": "none"}  # of a space of six settings
    search, ledger = open_study(make_spec(design=design))

    handed_out = search_in_parallel(search, ledger, 8)

    assert len(handed_out) == 16
    assert len({(a.trial, a.replicate) for a in handed_out}) == 16
    by_setting: dict[tuple[Any, ...], list[Assignment]] = {}
    for a in handed_out:
        by_setting.setdefault(tuple(a.params.values()), []).append(a)
    for replicates in by_setting.values():
        assert len({a.trial for a in replicates}) == 1
        assert len({a.seed for a in replicates}) == len(replicates)


@pytest.mark.slow
def test_the_constant_liar_keeps_workers_from_proposing_the_same(
    open_study: OpenStudy, tmp_path: Path
) -> None:
    space = SPACE | {"units": [8, 16, 32, 64, 128]}  # ninety settings
    repeats = {}
    for liar in (True, False):
        design = {"trials": 40, "scheduler": "none", "sampler_options": {"constant_liar": liar}}
        search, ledger = open_study(make_spec(space=space, design=design))
        handed_out = search_in_parallel(search, ledger, 8)
        repeats[liar] = 40 - len({a.trial for a in handed_out})
        ledger.close()
        (tmp_path / "records.db").unlink()

    assert repeats[True] < repeats[False]


# ---- the seam


def test_a_sampler_proposes_through_our_seam_what_it_proposes_in_plain_optuna(open_study: OpenStudy) -> None:
    spec = make_spec(space=SPACE, design={"trials": N_PROPOSED, "scheduler": "none"})
    search, ledger = open_study(spec)

    ours = [a.params for a in search_in_parallel(search, ledger, 1)]

    assert ours == ask_plain_optuna(spec)


def ask_plain_optuna(spec: StudySpec) -> list[dict[str, Any]]:
    seed = derive_seed(spec.seed, "sampler", 0)
    study = optuna.create_study(
        direction="maximize", sampler=make_sampler(spec.design, spec.space, N_PROPOSED, seed)
    )
    settings = []
    for _ in range(N_PROPOSED):
        trial, params = ask(study, spec.space)
        study.tell(trial, accuracy_of(params))
        settings.append(params)
    return settings


def test_every_design_is_trained_as_planned(open_study: OpenStudy) -> None:
    spec = make_spec(space=SPACE | {"units": [8, 32]}, design={"kind": "factorial", "fraction": "1/2"})
    search, ledger = open_study(spec)

    handed_out = search_in_parallel(search, ledger, 3)

    assert [a.params for a in handed_out] == spec.design.plan(spec.space, spec.seed)
    pairs = Counter((a.params["cell"], a.params["units"]) for a in handed_out)
    assert set(pairs) == set(itertools.product(["rnn", "lstm", "gru"], [8, 32]))


# ---- several objectives

TRADED = {
    "kind": "search",
    "trials": 12,
    "sampler": "nsga2",
    "scheduler": "none",
    "objectives": ["val_accuracy", "n_weights"],
}


def test_a_sampler_is_told_each_objective_as_the_mean_over_seeds(
    open_study: OpenStudy, tmp_path: Path
) -> None:
    search, ledger = open_study(
        make_spec(design=TRADED | {"objectives": ["gap", "val_loss", "seconds"]}, seeds=2)
    )

    train_all(search, ledger)

    (trials,) = list_told(search)
    first = [ledger.measure(o.assignment) for o in ledger.outcomes() if o.assignment.trial == 0][:2]
    expected = [sum(figures[name] for figures in first) / 2 for name in ("gap", "val_loss", "seconds")]
    assert trials[0].values == pytest.approx(expected)
    # By hand, of the figures that are pretended: 0.05 a gap per epoch, the best is the second, 0.3 s in all.
    assert expected[0] == pytest.approx(0.10 + 0.0)
    assert expected[2] == pytest.approx(0.3)


def test_accuracy_is_sought_high_and_weights_low(open_study: OpenStudy, tmp_path: Path) -> None:
    search, ledger = open_study(make_spec(design=TRADED))
    train_all(search, ledger)

    (trials,) = list_told(search)
    assert directions_of(make_spec(design=TRADED)) == ["maximize", "minimize"]
    assert {trial.values[1] for trial in trials} == {1234}


def test_a_later_leg_of_a_search_for_several_objectives_goes_on(
    open_study: OpenStudy, tmp_path: Path
) -> None:
    spec = make_spec(space=SPACE, design=TRADED)
    search, ledger = open_study(spec)
    for _ in range(5):
        train(search, ledger, next_of(search))
    ledger.close()

    search, ledger = open_study(spec)
    train_all(search, ledger)

    (trials,) = list_told(search)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objectives": ["gap"]}, "name two or more"),
        ({"objectives": ["gap", "gap"]}, "name two or more"),
        ({"objectives": ["gap", "weights"]}, "weights"),
        ({"scheduler": "asha"}, "set it to none"),
        ({"sampler": "cmaes"}, "use nsga2, nsga3 or tpe"),
    ],
)
def test_objectives_that_cannot_be_traded_off_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_spec(design=TRADED | changes)


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3", "tpe", "random"])
def test_samplers_that_know_several_objectives_are_built_and_say_what_comes_of_it(
    open_study: OpenStudy, sampler: str
) -> None:
    spec = make_spec(space=SPACE, design=TRADED | {"sampler": sampler, "trials": 8})
    search, ledger = open_study(spec)

    handed_out = train_all(search, ledger)

    assert len(handed_out) == 8
    if sampler != "random":
        assert "no other beats in val_accuracy and n_weights" in " ".join(spec.design.explain(spec.space, 1))


# ---- designs that grow


def test_added_seeds_train_what_is_missing_of_every_setting(open_study: OpenStudy) -> None:
    design = {"kind": "search", "trials": 9, "scheduler": "none"}  # of six settings: some are repeated
    search, ledger = open_study(make_spec(design=design))
    before = train_all(search, ledger)
    ledger.close()

    search, ledger = open_study(make_spec(design=design, seeds=3))
    after = train_all(search, ledger)

    assert len(before) == 9
    assert len(after) == 18
    keys = Counter((a.trial, a.replicate) for a in (*before, *after))
    assert set(keys.values()) == {1}
    for trial in {a.trial for a in before}:
        replicates = sorted(replicate for number, replicate in keys if number == trial)
        assert replicates == list(range(1, len(replicates) + 1))
    ledger.close()
    search, ledger = open_study(make_spec(design=design, seeds=3))
    assert search.next() is None
    assert search.is_exhausted


@pytest.mark.parametrize(
    ("small", "large"),
    [
        ({"kind": "grid", "points": 2}, {"kind": "grid", "points": 3}),
        ({"kind": "factorial", "fraction": "1/2"}, {"kind": "factorial"}),
        ({"kind": "random", "trials": 4}, {"kind": "random", "trials": 8}),
    ],
    ids=["grid", "factorial", "random"],
)
def test_a_design_that_grows_trains_what_is_new_and_nothing_again(
    open_study: OpenStudy, small: dict[str, Any], large: dict[str, Any]
) -> None:
    space = SPACE | {"layers": 1, "units": {"low": 8, "high": 16}}
    search, ledger = open_study(make_spec(space=space, design=small))
    before = train_all(search, ledger)
    ledger.close()
    spec = make_spec(space=space, design=large)

    search, ledger = open_study(spec)
    after = train_all(search, ledger)

    planned = spec.design.plan(spec.space, spec.seed)
    assert planned is not None
    trained = [str(sorted(a.params.items())) for a in (*before, *after)]
    assert Counter(trained) == Counter(str(sorted(setting.items())) for setting in planned)


def test_every_objective_but_the_loss_is_the_better_the_larger() -> None:
    assert directions_of(make_spec(objective="val_macro_f1")) == ["maximize"]
    assert directions_of(make_spec(objective="val_loss")) == ["minimize"]

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest

from search_spaces import Space
from study.designs import RandomDesign, SearchDesign, SobolDesign
from study.designs.samplers import SAMPLERS
from study.errors import StudyError
from study.search.samplers import BUILDERS, check_sampler, make_sampler
from tests.study.pretend.small_study import make_spec

NUMBERS = Space({"units": {"low": 8, "high": 128, "log": True}, "dropout": {"low": 0.0, "high": 0.5}})
MIXED = NUMBERS.union(Space({"cell": ["lstm", "gru"]}))


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def with_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.search.samplers._check_packages", lambda sampler: None)


def design(**keys: Any) -> SearchDesign:
    return SearchDesign(**({"trials": 12} | keys))


def test_each_sampler_that_learns_can_be_built_and_no_other() -> None:
    assert {name for name, sampler in SAMPLERS.items() if sampler.plan is None} == set(BUILDERS)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.usefixtures("with_packages")
def test_our_own_arguments_are_the_samplers(name: str) -> None:
    sampler = make_sampler(design(sampler=name), NUMBERS, 12, seed=0)

    assert type(sampler).__name__ == BUILDERS[name].class_name


def test_the_key_of_a_spec_names_every_sampler() -> None:
    described = SearchDesign.model_fields["sampler"].description

    assert (
        described == "tpe, gp, cmaes, nsga2, nsga3, qmc, random, or package.module:Class of one of your own"
    )


@pytest.mark.parametrize(("sampler", "package"), [("gp", "torch"), ("cmaes", "cmaes")])
@pytest.mark.usefixtures("without_packages")
def test_a_missing_package_is_named_with_the_way_out(sampler: str, package: str) -> None:
    with pytest.raises(StudyError, match=f"run pip install {package}, or set design.sampler to tpe"):
        check_sampler(design(sampler=sampler), NUMBERS)


@pytest.mark.usefixtures("with_packages")
def test_cmaes_is_refused_where_a_parameter_is_no_number() -> None:
    with pytest.raises(StudyError, match="cell is one of 'lstm', 'gru'"):
        check_sampler(design(sampler="cmaes"), MIXED)


@pytest.mark.usefixtures("with_packages")
def test_cmaes_is_refused_where_a_parameter_comes_and_goes() -> None:
    space = Space(dict(NUMBERS.parameters), conditions={"dropout": "units >= 32"})

    with pytest.raises(StudyError, match="dropout applies only where 'units >= 32' holds"):
        check_sampler(design(sampler="cmaes"), space)


@pytest.mark.usefixtures("with_packages")
def test_cmaes_searches_within_the_levels_of_scientific_choices() -> None:
    check_sampler(design(sampler="cmaes", scientific=["cell"]), MIXED)


@pytest.mark.parametrize(
    "fixed", [SobolDesign(), RandomDesign(), design(sampler="random"), design(sampler="qmc")]
)
def test_designs_that_fix_their_settings_need_no_sampler_of_their_own(fixed: Any) -> None:
    check_sampler(fixed, MIXED)

    assert isinstance(make_sampler(fixed, MIXED, 12, seed=0), optuna.samplers.RandomSampler)


def test_a_qmc_search_tries_the_settings_of_the_sobol_design() -> None:
    assert design(sampler="qmc").plan(MIXED, 5) == SobolDesign(trials=12).plan(MIXED, 5)


def test_a_sampler_of_the_users_own_is_imported_and_given_seed_and_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_samplers.py").write_text(
        "import optuna\n"
        "class Mine(optuna.samplers.RandomSampler):\n"
        "    def __init__(self, flavour, seed=None):\n"
        "        super().__init__(seed)\n"
        "        self.flavour, self.given_seed = flavour, seed\n"
        "not_a_sampler = 3\n"
    )

    sampler: Any = make_sampler(
        design(sampler="my_samplers:Mine", sampler_options={"flavour": "plum"}), NUMBERS, 12, seed=7
    )

    assert (sampler.flavour, sampler.given_seed) == ("plum", 7)
    with pytest.raises(StudyError, match="is a subclass of optuna"):
        check_sampler(design(sampler="my_samplers:not_a_sampler"), NUMBERS)
    with pytest.raises(StudyError, match="run in the folder where it lies"):
        check_sampler(design(sampler="my_samplers:Missing"), NUMBERS)
    with pytest.raises(StudyError, match="it takes flavour, seed"):
        check_sampler(design(sampler="my_samplers:Mine"), NUMBERS)


def test_a_module_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(StudyError, match="No module named 'nowhere'") as caught:
        check_sampler(design(sampler="nowhere:Sampler"), NUMBERS)
    assert "\n" not in str(caught.value)


def test_an_option_that_a_sampler_does_not_take_is_answered_with_those_it_does() -> None:
    with pytest.raises(StudyError, match=r"'startup'.*n_startup_trials"):
        check_sampler(design(sampler_options={"startup": 3}), NUMBERS)


def test_options_replace_our_own_and_leave_the_rest() -> None:
    sampler: Any = make_sampler(design(sampler_options={"n_startup_trials": 7}), MIXED, 12, seed=0)

    assert sampler._n_startup_trials == 7
    assert sampler._constant_liar


def test_a_design_says_how_many_settings_its_sampler_draws_at_random() -> None:
    searched = design(trials=36, scientific=["cell"])
    sampler: Any = make_sampler(searched, MIXED, 18, seed=0)

    assert sampler._n_startup_trials == searched.count_startup(18) == 6
    assert "The first 6 settings of each level are drawn at random." in searched.explain(MIXED, seeds=3)
    alone = design(trials=2, scientific=["cell"])
    assert "The first setting of each level is drawn at random." in alone.explain(MIXED, seeds=3)


def test_a_sampler_that_learns_refuses_values_that_are_likelier_than_others() -> None:
    weighted = {"cell": {"choice": ["lstm", "gru"], "weights": [3, 1]}}
    spec = make_spec(space=weighted, design={"kind": "search", "scheduler": "none"})

    with pytest.raises(StudyError, match=r"space\.cell has weights=\[3.*design\.sampler=random"):
        check_sampler(spec.design, spec.space)
    drawn = make_spec(space=weighted, design={"kind": "search", "scheduler": "none", "sampler": "random"})
    check_sampler(drawn.design, drawn.space)

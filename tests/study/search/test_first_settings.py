from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pytest

from study.search.first_settings import ask_first_settings
from study.spec.schema import StudySpec
from tests.study.pretend.small_study import SMALL_SPACE, OpenStudy, make_spec, train

N_SLOTS = 2

SPACE = SMALL_SPACE | {"units": {"low": 1, "high": 512, "log": True}}


def train_all(spec: StudySpec, open_study: OpenStudy) -> list[Mapping[str, Any]]:
    """Pretend to train a search to its end; return its settings in the order in which they were asked for."""
    search, ledger = open_study(spec)
    settings, running = [], []
    while not search.is_exhausted:
        # One waits beyond those that run, as `study.running.tuning` has it.
        while len(running) < N_SLOTS + 1 and (assignment := search.next()) is not None:
            running.append(assignment)
            settings.append(assignment.params)
        train(search, ledger, running.pop(0))
    return settings


@pytest.mark.parametrize("scientific", [[], ["bidirectional"]])
def test_a_search_begins_with_the_settings_that_were_foreseen(
    scientific: list[str], open_study: OpenStudy
) -> None:
    design = {"kind": "search", "trials": 16, "scheduler": "none", "scientific": scientific}
    spec = make_spec(design=design, space=SPACE)

    foreseen = list(ask_first_settings(spec, N_SLOTS))

    trained = train_all(spec, open_study)
    assert len(foreseen) == (8 if scientific else 7)
    assert trained[: len(foreseen)] == foreseen


def test_all_of_a_plan_is_foreseen() -> None:
    assert len(ask_first_settings(make_spec(), N_SLOTS)) == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"design": {"kind": "search", "trials": 16, "sampler": "nsga2"}},
        {"design": {"kind": "search", "trials": 16}, "warm_start": ["elsewhere"]},
    ],
)
def test_nothing_is_foreseen_of_a_sampler_that_asks_for_what_others_found(changes: dict[str, Any]) -> None:
    assert ask_first_settings(make_spec(space=SPACE, **changes), N_SLOTS) == []


def test_optuna_says_nothing_of_what_is_foreseen() -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)

    ask_first_settings(make_spec(design={"kind": "search", "trials": 16}, space=SPACE), N_SLOTS)

    assert optuna.logging.get_verbosity() == optuna.logging.WARNING


def test_runs_that_wait_are_known_to_a_search_in_their_order(open_study: OpenStudy) -> None:
    spec = make_spec(seeds=2)
    search, ledger = open_study(spec)

    known = list(search.foresee(N_SLOTS))

    handed_out = []
    while (assignment := search.next()) is not None:
        handed_out.append(assignment.params)
        train(search, ledger, assignment)
    assert known == handed_out


def test_a_search_that_goes_on_foresees_only_what_waits(open_study: OpenStudy) -> None:
    spec = make_spec(design={"kind": "search", "trials": 16}, space=SPACE)
    search, ledger = open_study(spec)
    assignment = search.next()
    assert assignment is not None
    ledger.begin(assignment, "2026-01-01T00:00:00+00:00")

    search, _ = open_study(spec)

    assert search.foresee(N_SLOTS) == [assignment.params]

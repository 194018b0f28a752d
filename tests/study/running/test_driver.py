from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from study.running.driver import Dispatch, Driver
from study.running.listener import Listener
from study.store.checkpoints import CheckpointFolder
from study.store.ledger import Ledger
from study.store.models import ModelStore
from study.trial import OUT_OF_MEMORY, Assignment, Report
from tests.study.pretend.legs import CORPUS, make_report
from tests.study.pretend.small_study import OpenStudy, make_spec

MAX_EPOCHS = 3


class Ear(Listener):
    """Keeps what was heard."""

    def __init__(self) -> None:
        self.said: list[str | None] = []
        self.begun: list[Assignment] = []

    def on_start(self, assignment: Assignment) -> None:
        self.begun.append(assignment)

    def on_report(self, assignment: Assignment, report: Report, state: str) -> None:
        self.said.append(report.reason)


@dataclass
class Leg:
    """A driver, its records, and what it said."""

    driver: Driver
    ledger: Ledger
    ear: Ear
    n_kills: int = 0

    def finish(self, key: int, dispatch: Dispatch) -> None:
        for epoch in range(1, MAX_EPOCHS + 1):
            self.driver.record(key, make_report(dispatch, epoch, MAX_EPOCHS), stopped=False)

    def finish_rest(self, first_key: int) -> list[Dispatch]:
        """Train one after the other what is left to begin; return it."""
        dispatches = []
        while (dispatch := self.driver.assign(first_key + len(dispatches))) is not None:
            dispatches.append(dispatch)
            self.finish(first_key + len(dispatches) - 1, dispatch)
        return dispatches


@pytest.fixture
def begin_leg(tmp_path: Path, open_study: OpenStudy) -> Callable[..., Leg]:
    """Begin a leg of a study of six trials; called again, it is a later leg."""

    def begin(retries: int = 1) -> Leg:
        spec = make_spec(resources={"retries": retries})
        search, ledger = open_study(spec)
        checkpoints = CheckpointFolder(tmp_path / "checkpoints")
        models = ModelStore(tmp_path / "models", 0, CORPUS)
        ear = Ear()
        legs: list[Leg] = []
        driver = Driver(
            spec,
            search,
            ledger,
            checkpoints,
            models,
            ear,
            count_kills=lambda: legs[0].n_kills,
        )
        legs.append(Leg(driver, ledger, ear))
        return legs[0]

    return begin


def assign(leg: Leg, key: int) -> Dispatch:
    dispatch = leg.driver.assign(key)
    assert dispatch is not None
    return dispatch


def test_what_ran_out_of_memory_is_tried_again_when_nothing_runs_beside_it(
    begin_leg: Callable[..., Leg],
) -> None:
    leg = begin_leg()
    starved, beside = assign(leg, 0), assign(leg, 1)
    leg.driver.record_loss(0, OUT_OF_MEMORY)
    others = [assign(leg, key) for key in range(2, 6)]
    assert starved.assignment.trial not in [dispatch.assignment.trial for dispatch in others]

    for key, dispatch in enumerate(others, start=2):
        assert leg.driver.assign(6) is None
        assert leg.driver.keeps_one_alone
        leg.finish(key, dispatch)
    assert leg.driver.assign(6) is None  # the one beside it still runs
    leg.finish(1, beside)
    again = assign(leg, 6)

    assert again.assignment.key == (starved.assignment.trial, "search", 1, 2)
    assert leg.ear.said[0] == "out of memory; it is tried again, alone"
    assert leg.driver.keeps_one_alone
    leg.finish(6, again)
    assert leg.driver.is_done
    assert not leg.driver.keeps_one_alone


def test_nothing_begins_beside_it_and_others_that_ran_out_follow_one_by_one(
    begin_leg: Callable[..., Leg],
) -> None:
    leg = begin_leg()
    for key in range(6):
        assign(leg, key)
    for key in (2, 1, 0):
        leg.driver.record_loss(key, OUT_OF_MEMORY)
    for key in (3, 4, 5):
        leg.driver.record_loss(key, OUT_OF_MEMORY)

    for key in range(6, 12):
        dispatch = assign(leg, key)
        assert dispatch.assignment.attempt == 2
        assert leg.driver.assign(12) is None
        leg.finish(key, dispatch)

    assert leg.driver.is_done


def test_a_later_leg_knows_what_ran_out_of_memory(begin_leg: Callable[..., Leg]) -> None:
    leg = begin_leg()
    assign(leg, 0)
    leg.driver.record_loss(0, OUT_OF_MEMORY)

    later = begin_leg()
    dispatches = later.finish_rest(0)

    first_of_each = [(trial, "search", 1, 1) for trial in range(1, 6)]
    assert [dispatch.assignment.key for dispatch in dispatches[:-1]] == first_of_each
    assert dispatches[-1].assignment.key == (0, "search", 1, 2)


def test_what_runs_out_of_memory_alone_is_given_up_however_many_retries_there_are(
    begin_leg: Callable[..., Leg],
) -> None:
    leg = begin_leg(retries=5)
    for key in range(6):
        assign(leg, key)
    leg.driver.record_loss(0, "the worker was lost")
    assert assign(leg, 6).assignment.key == (0, "search", 1, 2)
    for key in range(1, 7):
        leg.driver.record_loss(key, OUT_OF_MEMORY)

    for key in range(7, 13):
        assign(leg, key)
        leg.driver.record_loss(key, OUT_OF_MEMORY)

    assert leg.ear.said[-6:] == [OUT_OF_MEMORY] * 6
    assert leg.driver.is_done


def test_what_the_user_has_tried_again_is_alone_too(begin_leg: Callable[..., Leg]) -> None:
    leg = begin_leg(retries=0)
    first = assign(leg, 0).assignment
    leg.driver.record_loss(0, OUT_OF_MEMORY)
    leg.ledger.redo(first)

    later = begin_leg(retries=0)

    assert [dispatch.assignment.trial for dispatch in later.finish_rest(0)] == [1, 2, 3, 4, 5, 0]


def test_without_retries_what_ran_out_of_memory_is_not_tried_again(begin_leg: Callable[..., Leg]) -> None:
    leg = begin_leg(retries=0)
    assign(leg, 0)

    leg.driver.record_loss(0, OUT_OF_MEMORY)

    assert leg.ear.said == [OUT_OF_MEMORY]
    assert len(leg.finish_rest(1)) == 5


def test_a_worker_that_says_that_its_memory_ran_out_is_treated_alike(begin_leg: Callable[..., Leg]) -> None:
    leg = begin_leg()
    assign(leg, 0)

    leg.driver.record(0, Report(state="failed", reason=f"{OUT_OF_MEMORY}: MemoryError"), stopped=False)

    assert leg.ear.said == ["out of memory: MemoryError; it is tried again, alone"]
    assert [dispatch.assignment.trial for dispatch in leg.finish_rest(1)] == [1, 2, 3, 4, 5, 0]


def test_a_worker_that_is_lost_when_the_kernel_kills_for_memory_is_treated_alike(
    begin_leg: Callable[..., Leg],
) -> None:
    leg = begin_leg()
    assign(leg, 0)
    assign(leg, 1)
    leg.n_kills = 1  # while both run; the second lives on and says so
    leg.driver.record(1, Report(state="running"), stopped=False)

    leg.driver.record_loss(0, "the worker was lost")
    leg.driver.record_loss(1, "the worker was lost")

    assert leg.ear.said[1:] == [
        "out of memory, for which the kernel kills: the worker was lost; it is tried again, alone",
        "the worker was lost; it is tried again",
    ]

from __future__ import annotations

from types import SimpleNamespace

import pytest

from study.cluster.schedulers import make_scheduler
from study.errors import StudyError
from study.search.audit import AuditedSearch, choose_runs
from study.search.optuna_export import list_trials
from study.search.source import Source
from study.store.ledger import Ledger
from study.trial import Assignment
from tests.study.pretend.small_study import (
    STARTED_AT,
    OpenStudy,
    begin,
    make_spec,
    pretend_report,
)

DESIGN = {"kind": "search", "sampler": "random", "trials": 8, "scheduler": "asha", "grace_period_epochs": 1}


def prune_all(source: Source, ledger: Ledger, limit: int | None = None) -> list[Assignment]:
    """Stop each run of the search after one epoch but the first; finish each of the audit."""
    handed_out: list[Assignment] = []
    while limit is None or len(handed_out) < limit:
        assignment = source.next()
        if assignment is None:
            break
        ledger.begin(assignment, STARTED_AT)
        is_stopped = assignment.phase == "search" and bool(handed_out)
        for epoch in (1,) if is_stopped else (1, 2, 3):
            source.record(assignment, pretend_report(assignment, epoch, 3), stopped=is_stopped)
        handed_out.append(assignment)
    return handed_out


def open_audited(open_study: OpenStudy, share: float = 0.4) -> tuple[AuditedSearch, Ledger]:
    spec = make_spec(design=DESIGN | {"audit_pruned": share})
    search, ledger = open_study(spec)
    return AuditedSearch(spec, search, ledger, share), ledger


def test_after_the_search_a_share_of_the_stopped_runs_is_finished(open_study: OpenStudy) -> None:
    source, ledger = open_audited(open_study)

    handed_out = prune_all(source, ledger)

    searched = {(a.trial, a.replicate): a for a in handed_out if a.phase == "search"}
    audited = [a for a in handed_out if a.phase == "audit"]
    pruned = [o for o in ledger.outcomes() if o.state == "pruned"]
    assert len(audited) == round(0.4 * len(pruned))
    assert handed_out[-len(audited) :] == audited
    for run in audited:
        stopped = searched[run.trial, run.replicate]
        assert (run.seed, run.params, run.attempt) == (stopped.seed, stopped.params, 1)
    assert source.is_exhausted


@pytest.mark.parametrize(("share", "n_audited"), [(0.01, 1), (1.0, 7)])
def test_at_least_one_and_at_most_all_are_finished(
    open_study: OpenStudy, share: float, n_audited: int
) -> None:
    source, ledger = open_audited(open_study, share)

    handed_out = prune_all(source, ledger)

    assert sum(a.phase == "audit" for a in handed_out) == n_audited


def test_nothing_was_stopped_and_nothing_is_audited() -> None:
    assert choose_runs([], 1.0, 0) == []


def test_an_interrupted_audit_goes_on_with_the_runs_that_it_drew(open_study: OpenStudy) -> None:
    source, ledger = open_audited(open_study)
    prune_all(source, ledger, limit=8)
    drawn = choose_runs(ledger.outcomes(), 0.4, 0)
    begin(source, ledger)
    ledger.close()

    source, ledger = open_audited(open_study)
    handed_out = prune_all(source, ledger)

    assert handed_out == drawn
    ledger.close()
    source, _ = open_audited(open_study)
    assert source.is_exhausted


def test_the_audit_tells_the_sampler_nothing(open_study: OpenStudy) -> None:
    source, ledger = open_audited(open_study)
    prune_all(source, ledger)

    (trials,) = list_trials(make_spec(design=DESIGN), ledger).values()
    assert [t.state.name for t in trials] == ["COMPLETE"] + ["PRUNED"] * 7


def test_a_lost_run_of_the_audit_is_tried_again_and_can_be_redone(open_study: OpenStudy) -> None:
    source, ledger = open_audited(open_study, 0.01)
    prune_all(source, ledger, limit=8)
    for attempt in (1, 2):
        lost = begin(source, ledger)
        assert (lost.phase, lost.attempt) == ("audit", attempt)
        assert source.record_loss(lost, "failed", "the worker was lost", retry=True) == (attempt == 1)
    assert source.is_exhausted
    ledger.redo(lost)
    ledger.close()

    source, ledger = open_audited(open_study, 0.01)

    assert [(a.phase, a.attempt) for a in prune_all(source, ledger)] == [("audit", 3)]


def test_no_scheduler_stops_a_run_of_the_audit() -> None:
    scheduler = make_scheduler(make_spec(design=DESIGN, training={"max_epochs": 9}), lambda: 2)
    decisions = []
    for trial in range(12):
        assignment = {"trial": trial, "replicate": 1, "params": {}, "phase": "audit"}
        run = SimpleNamespace(
            trial_id=str(trial), config={"assignment": assignment}, is_finished=lambda: False
        )
        scheduler.on_trial_add(None, run)
        decisions.append(scheduler.on_trial_result(None, run, {"score": -float(trial), "epoch": 1}))

    assert set(decisions) == {"CONTINUE"}


def test_an_audit_without_a_scheduler_is_refused() -> None:
    with pytest.raises(StudyError, match=r"design\.scheduler=none stops nothing"):
        make_spec(design=DESIGN | {"scheduler": "none", "audit_pruned": 0.5})

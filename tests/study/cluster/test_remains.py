from __future__ import annotations

from pathlib import Path

import pytest
from ray.train._internal.storage import StorageContext
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.search import BasicVariantGenerator

from study.cluster.remains import N_KEPT, drop_remains


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TuneController:
    """Tune's loop, which has not begun."""
    monkeypatch.setenv("TUNE_MAX_PENDING_TRIALS_PG", "4")  # or it asks a Ray that does not run
    return TuneController(search_alg=BasicVariantGenerator(), storage=StorageContext(str(tmp_path), "tune"))


def end_trials(controller: TuneController, n_trials: int) -> list[Trial]:
    trials = [Trial("stub", trial_id=f"t{number}", stub=True) for number in range(n_trials)]
    for number, trial in enumerate(trials):
        trial.set_status(Trial.ERROR if number % 3 == 0 else Trial.TERMINATED)
        controller.add_trial(trial)
    return trials


def held(controller: TuneController) -> set[Trial]:
    """All trials that Tune holds somewhere."""
    everything = vars(controller).values()
    return {
        t for kept in everything if isinstance(kept, list | set | dict) for t in kept if isinstance(t, Trial)
    }


def test_tune_forgets_all_but_the_last_trials_that_ended(controller: TuneController) -> None:
    trials = end_trials(controller, 3 * N_KEPT)

    drop_remains(controller)

    assert held(controller) == set(trials[-N_KEPT:])


def test_what_waits_runs_or_has_its_worker_still_is_not_forgotten(controller: TuneController) -> None:
    waiting, beside_worker, *_ = trials = end_trials(controller, 3 * N_KEPT)
    controller._set_trial_status(waiting, Trial.PENDING)
    controller._trial_to_actor[beside_worker] = object()

    drop_remains(controller)

    assert held(controller) == {waiting, beside_worker, *trials[-N_KEPT:]}

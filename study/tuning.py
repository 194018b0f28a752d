"""The seam to Ray Tune: Ray places and supervises trials, the search decides them, the records remember.

Tune sees one of its own trials for each attempt. It is told of no searcher state, writes no snapshot that is
read again, and is started afresh for each leg.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper

from analysis.records import State
from study.checkpoints import Checkpoint, CheckpointFolder
from study.designs import SearchDesign
from study.interruption import Interruption
from study.ledger import Ledger
from study.search import Search
from study.shelf import ModelShelf
from study.spec import StudySpec
from study.trial import Assignment, Report

if TYPE_CHECKING:
    from ray.tune.experiment import Trial
    from ray.tune.schedulers import TrialScheduler

    from study.data import EncodedCorpus

logger = logging.getLogger(__name__)

Listener = Callable[[Assignment, Report, str], None]
"""Called with an assignment, its report and its state after every report; must not raise."""


class _Assigner(Searcher):  # type: ignore[misc]
    """Tune's searcher: asks the search, and knows which Tune trial is which assignment."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(metric="score", mode="max")
        self._driver = driver

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        return self._driver.assign(trial_id)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: the callback hears every report, this only some."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the state lies in the study directory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""


class _Ear(tune.Callback):  # type: ignore[misc]
    """Tune's callback: hands every report and every loss to the driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._driver.note_start(trial.trial_id)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._driver.hear(trial.trial_id, result)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._driver.lose(trial.trial_id, trial.get_pickled_error())


class _Stop(Stopper):  # type: ignore[misc]
    """Tune's stopper: ends the leg when it was interrupted."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._interruption.is_due()


class Driver:
    """What both of Tune's hooks share: assignments by Tune's trial ids, checkpoints, models.

    Args:
        spec: What was asked.
        search: Decides what is trained.
        ledger: The study's records.
        checkpoints: Where running trials are kept.
        shelf: Where the best models are kept.
        listener: Hears of every report and loss.
    """

    def __init__(
        self,
        spec: StudySpec,
        search: Search,
        ledger: Ledger,
        checkpoints: CheckpointFolder,
        shelf: ModelShelf,
        listener: Listener,
    ) -> None:
        self._spec, self._search, self._ledger = spec, search, ledger
        self._checkpoints, self._shelf, self._listener = checkpoints, shelf, listener
        self._assignments: dict[str, Assignment] = {}
        self._started: dict[str, float] = {}
        self._handed_over: dict[str, ray.ObjectRef] = {}

    def assign(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the configuration of a new Tune trial; None to wait; `Searcher.FINISHED` at the end."""
        assignment = self._search.next()
        if assignment is None:
            # A lost worker's trial may come back into the queue, so the end is only where nothing runs.
            return Searcher.FINISHED if self._search.is_exhausted else None
        self._assignments[trial_id] = assignment
        checkpoint = self._checkpoints.load(assignment)
        if checkpoint is not None:
            # By reference: Tune copies and prints configurations, which a model's weights would not stand.
            self._handed_over[trial_id] = ray.put(checkpoint.content)
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._ledger.begin(assignment, started_at, epochs_kept=0 if checkpoint is None else checkpoint.epoch)
        return {
            "assignment": asdict(assignment),
            "model_floor": self._shelf.floor,
            "checkpoint": self._handed_over.get(trial_id),
        }

    def note_start(self, trial_id: str) -> None:
        """Note that a worker took the trial: its time counts from now."""
        self._started[trial_id] = time.monotonic()

    def hear(self, trial_id: str, result: dict[str, Any]) -> None:
        """Take the report out of a result and record it."""
        if not result["report"]:
            return  # Tune repeats the last result of some trials; it was heard.
        report = Report.take(result)
        assignment = self._assignments[trial_id]
        state = self._search.hear(assignment, report, stopped=result["done"])
        if report.model is not None and report.score is not None and report.best_epoch is not None:
            self._shelf.offer(assignment, report.score, report.best_epoch, report.model)
        if state != "running":
            self._forget(trial_id)
        elif report.checkpoint is not None and report.figures is not None:
            self._checkpoints.save(assignment, Checkpoint(report.figures.epoch, report.checkpoint))
        self._listener(assignment, report, state)

    def lose(self, trial_id: str, error: BaseException | None) -> None:
        """Record a worker that ended without a report: out of time, out of memory, or killed."""
        assignment = self._assignments[trial_id]
        state, reason, retry = self._diagnose(trial_id, error)
        again = self._search.lose(assignment, state, reason, retry=retry)
        self._forget(trial_id)
        if again:
            reason = f"{reason}; it is tried again"
        self._listener(assignment, Report(state=state, reason=reason), state)

    def _diagnose(self, trial_id: str, error: BaseException | None) -> tuple[State, str, bool]:
        timeout_s = self._spec.resources.trial_timeout_s
        elapsed_s = time.monotonic() - self._started.get(trial_id, time.monotonic())
        if timeout_s is not None and elapsed_s >= timeout_s:
            return "timeout", f"took longer than resources.trial_timeout_s={timeout_s:g}", False
        if isinstance(error, ray.exceptions.OutOfMemoryError):
            return "failed", "out of memory", True
        cause = (
            str(error).strip().splitlines()[0]
            if error is not None and str(error).strip()
            else "no reason given"
        )
        return "failed", f"the worker was lost: {cause[:300]}", True

    def _forget(self, trial_id: str) -> None:
        assignment = self._assignments.pop(trial_id)
        self._started.pop(trial_id, None)
        self._handed_over.pop(trial_id, None)
        self._checkpoints.discard(assignment)


def make_scheduler(spec: StudySpec) -> TrialScheduler:
    """Return Ray Tune's scheduler for a design."""
    from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

    design = spec.design
    if not isinstance(design, SearchDesign) or design.scheduler == "none":
        return FIFOScheduler()
    return ASHAScheduler(
        time_attr="training_iteration",
        metric="score",
        mode="max",
        grace_period=design.grace_period_epochs,
        max_t=spec.training.max_epochs,
        reduction_factor=design.reduction_factor,
    )


def tune_trials(spec: StudySpec, driver: Driver, corpus: EncodedCorpus, interruption: Interruption) -> None:
    """Run Ray Tune until the search is exhausted or the leg is interrupted."""
    from study.worker import TrialWorker

    resources = {"cpu": spec.resources.cpus_per_trial, "gpu": spec.resources.gpus_per_trial}
    trainable = tune.with_resources(tune.with_parameters(TrialWorker, corpus=corpus, spec=spec), resources)
    # Tune wants a place for files that we never read; the study's own directory holds the truth.
    with tempfile.TemporaryDirectory(prefix="study-tune-", ignore_cleanup_errors=True) as scratch:
        # Not `Tuner`: it pickles itself, and all that it is given, for a restore that we do without.
        tune.run(
            trainable,
            name="tune",
            search_alg=_Assigner(driver),
            scheduler=make_scheduler(spec),
            num_samples=-1,
            reuse_actors=True,
            storage_path=scratch,
            callbacks=[_Ear(driver)],
            stop=_Stop(interruption),
            raise_on_failed_trial=False,
            verbose=0,
            trial_name_creator=lambda trial: trial.trial_id,
            trial_dirname_creator=lambda trial: trial.trial_id,
        )

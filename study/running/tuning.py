"""The seam to Ray Tune: Ray places and supervises trials, the search decides them, the records remember.

Tune sees one of its own trials for each attempt. It is told of no searcher state, writes no snapshot that is
read again, and is started afresh for each leg.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import ray
from ray import tune
from ray.tune.progress_reporter import ProgressReporter, TrialProgressCallback
from ray.tune.search import Searcher

from analysis.records.nodes import training_versions
from study.cluster.ray_patches import lean_tune
from study.cluster.replay import replay
from study.cluster.schedulers import make_scheduler
from study.cluster.slots import SlotCounter
from study.errors import EnvironmentFaultError
from study.machine.scratch import scratch_folder
from study.machine.signals import Interruption
from study.running.driver import Driver
from study.spec.schema import StudySpec
from study.trial import OUT_OF_MEMORY, Report

if TYPE_CHECKING:
    from ray.tune.experiment import Trial

    from study.cluster.worker import TrialWorker
    from study.data import EncodedCorpus

_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit|Interrupt)\b")

P = ParamSpec("P")
T = TypeVar("T")


class _LegOverError(BaseException):
    """Raised inside Tune's callbacks to end its loop at once, with the error that ended the leg, if one did.

    Tune itself would go on until each worker has answered, and would put an `Exception` into one of its own.
    All that was reported is committed, and the workers end with the session.
    """

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(error)
        self.error = error


def _ends_leg(hook: Callable[P, T]) -> Callable[P, T]:
    """Decorate a callback of Tune's: an error in it, a full disk say, ends the leg and is raised by it."""

    @functools.wraps(hook)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            raise _LegOverError(error) from error

    return call


class _Assigner(Searcher):  # type: ignore[misc]
    """Tune's searcher: asks the driver for a run under the number of each of Tune's trials.

    One run waits beyond those that the cluster takes at once, so that a worker that is free has its next. No
    more do: a sampler should know as much as it can when it is asked.
    """

    def __init__(
        self,
        driver: Driver,
        count_slots: Callable[[], int],
        on_drained: Callable[[], None],
        max_workers: int | None,
    ) -> None:
        super().__init__(metric="score", mode="max")
        self._max_workers = max_workers
        self._driver, self._count_slots, self._on_drained = driver, count_slots, on_drained

    @_ends_leg
    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        n_slots, n_handed_out = self._count_slots(), self._driver.n_handed_out
        # Where there is room for more than may run at once, one that waits would not wait.
        if n_handed_out > n_slots or (self._max_workers is not None and n_handed_out >= self._max_workers):
            return None
        dispatch = self._driver.assign(trial_id)
        if dispatch is None:
            if not self._driver.keeps_one_alone:
                self._on_drained()
            return Searcher.FINISHED if self._driver.is_done else None
        return {
            "assignment": asdict(dispatch.assignment),
            "model_floor": dispatch.model_floor,
            # By reference: Tune copies and prints configurations, which a model's weights would not stand.
            "checkpoint": None if dispatch.checkpoint is None else ray.put(dispatch.checkpoint),
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: the callback gets every report, this only some."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the state lies in the study directory."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: see `save`."""


class _SilentReporter(ProgressReporter):  # type: ignore[misc]
    """Tune's reporter: says nothing. Its own one for notebooks clears what the cell has printed."""

    def should_report(self, trials: list[Trial], done: bool = False) -> bool:
        return False

    def report(self, trials: list[Trial], done: bool, *sys_info: str) -> None:
        """Nothing."""


class StartWatch:
    """Decides when a run that was handed out has waited too long for a worker.

    Ray may wait without end for a worker that was killed while it started.

    Args:
        count_slots: Says how many runs the cluster takes at once; where it takes none, a node may still come.
        limit_s: How long is too long.
        clock: Monotonic seconds.
    """

    def __init__(
        self, count_slots: Callable[[], int], limit_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count_slots, self.limit_s, self._clock = count_slots, limit_s, clock
        self._waiting_since: float | None = None

    def note(self) -> None:
        """Note that something was heard of a worker."""
        self._waiting_since = None

    def is_late(self, n_waiting: int, n_running: int) -> bool:
        """Return whether one of `n_waiting` runs has had room for too long, and nothing was heard since."""
        if n_waiting == 0 or n_running >= self._count_slots():
            self._waiting_since = None
            return False
        if self._waiting_since is None:
            self._waiting_since = self._clock()
        return self._clock() - self._waiting_since > self.limit_s


class _Callback(TrialProgressCallback):  # type: ignore[misc]
    """Tune's callback: hands every report and every loss to the driver, and says when the leg is over.

    It is one of progress, of which Tune wants one: else it adds its own, which prints nothing and keeps every
    trial.
    """

    def __init__(
        self,
        driver: Driver,
        interruption: Interruption,
        starts: StartWatch,
        on_ended: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._driver, self._interruption, self._starts = driver, interruption, starts
        self._on_ended = on_ended

    @_ends_leg
    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._driver.note_start(trial.trial_id)
        self._starts.note()

    @_ends_leg
    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self._starts.note()
        if result["report"]:  # else Tune repeats the last result of a trial, and it was recorded
            self._driver.record(trial.trial_id, Report.take(result), stopped=result["done"])

    @_ends_leg
    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._starts.note()
        # Who ends a leg, a batch system say, often ends its workers too: then none of them was at fault.
        if not self._interruption.is_due():
            self._driver.record_loss(trial.trial_id, _explain(trial))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Nothing: the trial's last report is recorded as all others are."""

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        # Ten times a second or more. Tune would end by itself when all is done, but first asks each worker to
        # stop, and reads all its trials.
        if self._interruption.reason is None and not self._driver.is_done:
            self._interruption.reason = self._driver.streak.verdict
        if self._driver.is_done or self._interruption.is_due():
            raise _LegOverError
        self._on_ended(self._driver.n_ended)
        n_running = self._driver.n_running
        if self._starts.is_late(self._driver.n_handed_out - n_running, n_running):
            raise _LegOverError(
                EnvironmentFaultError(
                    f"a free worker starts within {self._starts.limit_s:.0f} s: none did, one may have been "
                    "killed while it started; nothing that was recorded is lost, `study resume` goes on"
                )
            )


def _explain(trial: Trial) -> str:
    """Say in one line why a worker ended, from the file in which Tune notes it: all that it hands on."""
    text = Path(trial.error_file).read_text(encoding="utf-8", errors="replace") if trial.error_file else ""
    if "low on memory" in text:  # Ray's memory monitor, which kills before the kernel has to
        return f"{OUT_OF_MEMORY}: Ray killed the worker before the machine had none left"
    lines = [line for line in map(str.strip, _ESCAPE.sub("", text).splitlines()) if line]
    lines = [line for line in lines if not line.startswith("Failure #")]
    if not lines:
        return "the worker was lost: no reason given"
    # Of a traceback, the exception's own line; what Ray says of a process that died begins with its reason.
    raised = [line for line in lines if _RAISED.match(line)] if "Traceback" in text or "ray::" in text else []
    return f"the worker was lost: {(raised[-1] if raised else lines[0])[:300]}"


def tune_trials(
    spec: StudySpec,
    driver: Driver,
    corpus: EncodedCorpus,
    interruption: Interruption,
    worker: type[TrialWorker],
    on_drained: Callable[[], None],
    on_stranded: Callable[[], None],
    start_s: float,
    on_ended: Callable[[int], None] = lambda n_ended: None,
) -> None:
    """Run Ray Tune until the search is exhausted or the leg is interrupted.

    Args:
        spec: What the study asks.
        driver: Hands out what is trained, and records what becomes of it.
        corpus: Sent to each node once.
        interruption: Whether to stop.
        worker: What trains.
        on_drained: Called, perhaps often, when nothing is left to hand out and the last runs are under way;
            not while a run must be alone.
        on_stranded: Called when no node is left that has room for a run, once until one is there again.
        start_s: How long a worker may take to start where there is room for it.
        on_ended: Called, often, with how many runs have ended in this leg.

    Raises:
        EnvironmentFaultError: If it takes longer.
    """
    resources = {"cpu": spec.resources.cpus_per_trial, "gpu": spec.resources.gpus_per_trial}
    given = tune.with_parameters(worker, corpus=corpus, spec=spec, versions=training_versions())
    trainable = tune.with_resources(given, resources)
    count_slots = SlotCounter(spec.resources, interruption.is_due, on_stranded)
    scheduler = make_scheduler(spec, count_slots)
    replay(scheduler, driver.earlier)
    # Tune wants a place for files that we never read; the study's own directory holds the truth.
    with scratch_folder("study-tune-") as scratch, lean_tune():
        try:
            # Not `Tuner`: it pickles itself, and all that it is given, for a restore that we do without.
            tune.run(
                trainable,
                name="tune",
                search_alg=_Assigner(driver, count_slots, on_drained, spec.resources.max_workers),
                scheduler=scheduler,
                num_samples=-1,
                reuse_actors=True,
                storage_path=str(scratch),
                callbacks=[_Callback(driver, interruption, StartWatch(count_slots, start_s), on_ended)],
                progress_reporter=_SilentReporter(),
                raise_on_failed_trial=False,
                verbose=0,
                trial_name_creator=lambda trial: trial.trial_id,
                trial_dirname_creator=lambda trial: trial.trial_id,
            )
        except _LegOverError as left:
            if left.error is not None and not interruption.is_due():
                raise left.error from None

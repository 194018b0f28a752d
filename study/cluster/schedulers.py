"""Schedulers: who ends a run that has no hope. The only module that builds one.

All of them only ever stop. Ray's HyperBandScheduler pauses trials to compare them in cohorts and needs each
worker to save and restore itself on demand, in memory of the cluster; ours hold their process and its
compiled programs for the next trial. So Hyperband is run as its authors' later, asynchronous form: several
brackets of ASHA, each with a later first rung.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, MedianStoppingRule, TrialScheduler

from study.designs import SearchDesign
from study.designs.brackets import bracket_of

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController

    from study.spec.schema import StudySpec

METRIC = "score"
"""Best objective so far, larger is better: it never falls, so a run is judged by what it reached."""

CLOCK = "epoch"
"""Not Tune's own count of reports: a run that continues from a checkpoint begins again at one there."""


def make_scheduler(spec: StudySpec, count_slots: Callable[[], int]) -> FirstFreeWorkerScheduler:
    """Return Ray Tune's scheduler for a design; one that is no search ends no run.

    Args:
        spec: What the study asks.
        count_slots: Says how many runs the cluster takes at once now.
    """
    design = spec.design
    if not isinstance(design, SearchDesign) or design.scheduler == "none":
        return FirstFreeWorkerScheduler(count_slots)
    max_epochs, factor = spec.training.max_epochs, design.reduction_factor
    first_rungs = design.first_rungs(max_epochs)

    def cohort_of(trial: int, params: Mapping[str, Any]) -> tuple[Any, ...]:
        levels = (params.get(name) for name in design.scientific)
        return bracket_of(trial, len(first_rungs), factor), *levels

    def make(cohort: tuple[Any, ...]) -> TrialScheduler:
        if design.scheduler == "median":
            return MedianStoppingRule(
                time_attr=CLOCK,
                metric=METRIC,
                mode="max",
                grace_period=design.grace_period_epochs,
                # Never pause for others to catch up: a run that is paused could not be taken up again.
                min_time_slice=math.inf,
            )
        return ASHAScheduler(
            time_attr=CLOCK,
            metric=METRIC,
            mode="max",
            grace_period=first_rungs[cohort[0]],
            max_t=max_epochs,
            reduction_factor=factor,
        )

    return Cohorts(make, cohort_of, count_slots)


class FirstFreeWorkerScheduler(FIFOScheduler):  # type: ignore[misc]
    """Ends no run, and gives a worker that is free to the first run that has none on its way.

    Ray's own gives it to whoever waits longest, and calls off the worker that was starting for that run:
    where runs are shorter than a worker's start, none but the first worker would ever be used.

    Args:
        count_slots: Says how many runs the cluster takes at once now.
    """

    def __init__(self, count_slots: Callable[[], int]) -> None:
        super().__init__()
        self._count_slots = count_slots
        self._trials: dict[str, Trial] = {}

    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let the trial wait behind those that are there; those that have ended are forgotten by now."""
        self._trials = {key: trial for key, trial in self._trials.items() if not trial.is_finished()}
        self._trials[trial.trial_id] = trial

    def on_trial_remove(self, tune_controller: TuneController, trial: Trial) -> None:
        """Forget a trial that will not run."""
        self._trials.pop(trial.trial_id, None)

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Return who takes the next worker that is free."""
        waiting = [trial for trial in self._trials.values() if trial.status == Trial.PENDING]
        if not waiting:
            return None
        n_running = sum(trial.status == Trial.RUNNING for trial in self._trials.values())
        n_starting = self._count_slots() - n_running - 1
        return waiting[min(max(n_starting, 0), len(waiting) - 1)]


class Cohorts(FirstFreeWorkerScheduler):
    """One scheduler for each cohort: runs are only compared with others of their own.

    Levels of the scientific parameters are cohorts: with one for all, a cell that learns slowly would lose
    its runs to one that learns fast, and be tuned with less effort.

    Args:
        make: Returns the scheduler of a new cohort.
        cohort_of: Returns the cohort of a setting, by its number and parameters.
        count_slots: As in `FirstFreeWorkerScheduler`.
    """

    def __init__(
        self,
        make: Callable[[tuple[Any, ...]], TrialScheduler],
        cohort_of: Callable[[int, Mapping[str, Any]], tuple[Any, ...]],
        count_slots: Callable[[], int],
    ) -> None:
        super().__init__(count_slots)
        self._make, self._cohort_of = make, cohort_of
        self._schedulers: dict[tuple[Any, ...], TrialScheduler] = {}
        self._none = FIFOScheduler()

    def _of(self, trial: Trial) -> TrialScheduler:
        assignment = trial.config["assignment"]
        if assignment["phase"] == "audit":
            return self._none  # what it stopped is finished, whatever it would say now
        cohort = self._cohort_of(assignment["trial"], assignment["params"])
        if cohort not in self._schedulers:
            self._schedulers[cohort] = self._make(cohort)
        return self._schedulers[cohort]

    def on_trial_add(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let the cohort expect the trial."""
        super().on_trial_add(tune_controller, trial)
        self._of(trial).on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]) -> str:
        """Return what the cohort's scheduler decides."""
        decision: str = self._of(trial).on_trial_result(tune_controller, trial, result)
        return decision

    def on_trial_complete(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, Any]
    ) -> None:
        """Let the cohort remember what the trial reached."""
        self._of(trial).on_trial_complete(tune_controller, trial, result)

    def on_trial_remove(self, tune_controller: TuneController, trial: Trial) -> None:
        """Let the cohort forget the trial."""
        super().on_trial_remove(tune_controller, trial)
        self._of(trial).on_trial_remove(tune_controller, trial)

    def debug_string(self) -> str:
        """Return what each cohort's scheduler says of itself."""
        return "\n".join(scheduler.debug_string() for scheduler in self._schedulers.values())

"""How long a study still takes: what its runs have taken so far, and what waits. The caller has the clock."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, pvariance
from typing import Any

import numpy as np

from study.data import TRAIN_SIZE
from study.designs import Plan
from study.forecast.costs import Estimate, guess_text_s
from study.forecast.survival import Floats, Survival, finish
from study.spec.schema import StudySpec
from study.trial import Assignment, Report

N_RECENT = 8
"""The mean size of the settings that were begun last, and of those that wait, stands for the rest."""

N_PACED = 16
"""The runs that began last tell the pace: what else a machine does changes while a study runs."""

START_S = 0.7
"""Building and tracing a model of one layer (docs/performance.md), until a worker's second run has told."""

PACE_SPREAD = 0.25
"""Standard deviation of the logarithm of how far one run's pace is from what its size says."""


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What a leg has before it.

    Attributes:
        spec: What the leg follows, an extension's amounts among it.
        n_trials: Settings in all, those of earlier legs among them.
        n_seeds: Replicates of each.
        n_ended: Replicates that ended in earlier legs.
        waiting: Settings of the runs that are known beforehand, in the order in which they are handed out.
        may_stop: Whether a scheduler may end runs.
        n_slots: Runs at once.
    """

    spec: StudySpec
    n_trials: int
    n_seeds: int
    n_ended: int
    waiting: Plan
    may_stop: bool
    n_slots: int


@dataclass
class _Run:
    """One replicate that runs."""

    size: float
    is_warm: bool  # its worker had trained before
    last_seen_s: float  # when it began, or reported last
    n_epochs: int = 0
    wall_s: float = 0.0  # from its start to the end of its last epoch
    n_paced: int = 0  # epochs after the first that was reported, and their seconds
    paced_s: float = 0.0


class TimeLeft:
    """Estimates how long the rest of a leg takes.

    A run takes the seconds of its start, which are the same for all, and for each epoch a pace times the size
    of its setting: what an epoch is guessed to cost before anything is timed. Runs so far tell both. An audit
    comes on top of what was planned, and does not count.

    Args:
        backlog: What the leg has before it.

    Attributes:
        n_runs: Replicates in all, those of earlier legs among them.
    """

    def __init__(self, backlog: Backlog) -> None:
        self._spec, self._backlog, self._n_slots = backlog.spec, backlog, max(backlog.n_slots, 1)
        self._survival = Survival(backlog.spec, backlog.n_seeds, may_stop=backlog.may_stop)
        self.n_runs = backlog.n_trials * backlog.n_seeds
        self._waiting = [self._size_of(params) for params in backlog.waiting]
        self._recent = deque[float](maxlen=N_RECENT)
        self._running: dict[tuple[int, int], _Run] = {}
        self._ended = set[tuple[int, int]]()
        self._n_begun, self._stopped = Counter[int](), set[int]()  # seeds of each setting; settings
        self._paced = deque[_Run](maxlen=N_PACED)
        self._starts = deque[tuple[float, float]](maxlen=N_PACED)  # until first epochs ended; sizes

    @property
    def n_ended(self) -> int:
        """Replicates that ended, in this leg or before."""
        return self._backlog.n_ended + len(self._ended)

    def begin(self, assignment: Assignment, now_s: float) -> None:
        """Note that a worker took a run at this time, perhaps not for the first time."""
        key = assignment.trial, assignment.replicate
        if assignment.phase == "audit":
            return
        size = self._size_of(assignment.params)
        is_warm = len(self._ended) + len(self._running) >= self._n_slots
        self._running[key] = _Run(size, is_warm, last_seen_s=now_s)
        if key in self._ended:
            self._ended.remove(key)
            return
        self._recent.append(size)
        self._n_begun[assignment.trial] += 1
        if size in self._waiting:
            self._waiting.remove(size)

    def record(self, assignment: Assignment, report: Report, state: str, now_s: float) -> None:
        """Record a report that came at this time; `state` is `running`, or how the run ended."""
        key = assignment.trial, assignment.replicate
        if assignment.phase == "audit":
            return
        if key in self._running and report.figures is not None and report.wall_s is not None:
            self._learn(self._running[key], report.figures.epoch, report.wall_s, now_s)
        if state == "running":
            return
        self._running.pop(key, None)  # it may have been lost before a worker took it
        self._ended.add(key)
        if state == "pruned":
            self._stopped.add(assignment.trial)  # its seeds that wait are not trained

    def left(self, now_s: float) -> Estimate | None:
        """Return the seconds that the rest will take, None before there is an epoch to judge by.

        A first epoch is none, where there are more: it holds the start of its run.
        """
        if not self._paced:
            return None
        pace = sum(run.paced_s for run in self._paced) / sum(run.n_paced * run.size for run in self._paced)
        starts_s = [first_s - pace * size for first_s, size in self._starts]
        start_s = max(fmean(starts_s), 0.0) if starts_s else START_S
        if self._spec.training.max_epochs == 1:
            start_s = 0.0  # the pace holds it
        busy_s, variance = [0.0] * max(self._n_slots - len(self._running), 0), 0.0
        for (trial, _), run in self._running.items():
            n_epochs, spread = self._survival.epochs(trial, run.n_epochs)
            epoch_s = run.paced_s / run.n_paced if run.n_paced else pace * run.size
            rest_s = n_epochs * epoch_s + (0.0 if run.n_epochs else start_s)
            busy_s.append(max(rest_s - (now_s - run.last_seen_s), 0.0))
            variance += (spread * epoch_s) ** 2
        sizes, n_unknown = self._sizes_left()
        n_epochs, spread, trained = self._lives_left(len(sizes))
        runs_s = trained * (start_s + n_epochs * pace * sizes)
        variance += float(np.square(trained * spread * pace * sizes).sum())
        variance += n_unknown * (trained * n_epochs * pace) ** 2 * pvariance(self._recent)
        return finish(
            busy_s,
            runs_s.tolist(),
            variance=variance,
            unknown_s=float(runs_s[len(sizes) - n_unknown :].sum()),
            error=PACE_SPREAD / math.sqrt(len(self._paced)),
        )

    def _learn(self, run: _Run, epoch: int, wall_s: float, now_s: float) -> None:
        """Note the end of an epoch."""
        epoch_s = wall_s - run.wall_s
        if run.n_epochs == 0 and run.is_warm:
            epoch_s = now_s - run.last_seen_s  # with what passed between worker and driver
        if run.n_epochs == 0 and self._spec.training.max_epochs > 1:
            if run.is_warm:  # no later run waits for a process to load its libraries
                self._starts.append((epoch_s, run.size))
        else:
            if not run.n_paced:
                self._paced.append(run)
            run.n_paced, run.paced_s = run.n_paced + 1, run.paced_s + epoch_s
        run.n_epochs, run.wall_s, run.last_seen_s = epoch, wall_s, now_s

    def _sizes_left(self) -> tuple[Floats, int]:
        """Return the sizes of the runs that wait, and how many of them, the last ones, are not known."""
        n_skipped = sum(max(self._backlog.n_seeds - self._n_begun[trial], 0) for trial in self._stopped)
        n_waiting = max(self.n_runs - self.n_ended - len(self._running) - n_skipped, 0)
        n_unknown = max(n_waiting - len(self._waiting), 0)
        # Those that are not trained any more were the next.
        known = self._waiting[len(self._waiting) - (n_waiting - n_unknown) :]
        return np.array([*known, *[fmean([*self._recent, *known])] * n_unknown]), n_unknown

    def _lives_left(self, n_waiting: int) -> tuple[float, float, float]:
        """Return mean and spread of the epochs of runs that wait, and what share of them is trained."""
        n_seeds, n_trials = self._backlog.n_seeds, self._backlog.n_trials
        trials = np.linspace(max(n_trials - n_waiting / n_seeds, 0.0), n_trials, N_RECENT, endpoint=False)
        lives = [self._survival.epochs(int(trial)) for trial in trials]
        trained = [self._survival.n_seeds(int(trial), self._n_slots) / n_seeds for trial in trials]
        return fmean(n for n, _ in lives), fmean(spread for _, spread in lives), fmean(trained)

    def _size_of(self, params: Mapping[str, Any]) -> float:
        """Return how large a setting is; all are alike on a GPU, and where the model is the user's own."""
        if self._spec.model is not None or self._spec.resources.gpus_per_trial > 0.0:
            return 1.0
        return int(params.get(TRAIN_SIZE, 1)) * guess_text_s(params, has_own_model=False)

"""How long a study still takes: what its runs have cost, and what waits. The caller has the clock."""

from __future__ import annotations

import itertools
import math
from collections import Counter, deque
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from study.forecast.backlog import Backlog
from study.forecast.estimate import Estimate
from study.forecast.leanings import Floats, draw_learned
from study.forecast.sums import Sums
from study.forecast.survival import Survival

N_DRAWS, N_DRAWS_WIDE, WIDE = 41, 11, 64
"""So many times the rest is played through, on more slots than `WIDE` fewer; odd: one is in the middle."""

MAX_ROUNDS, MAX_PLACED = 4, 256
"""The last runs, of so many rounds or in all, are placed one by one; those before fill all slots alike."""

N_RECENT, N_PRIOR = 8, 8
"""So many of the last settings that a sampler asked for tell how large the next are, as well as expected."""

GROWTH, N_GROWING, GROWTH_SPREAD = 0.3, 40, 0.5
"""Logarithm of how much dearer a sampler's settings become than its last, less after so many; and its spread.

In most searches of real reviews by TPE and ASHA (`benchmarks.foretold`) settings grew, and lived longer, to
the end.
"""

PACE_SPREAD = 0.25
"""Standard deviation of the logarithm of how far one run's pace is from what its size says."""

START_S = 0.7
"""Building and tracing a model of one layer (docs/performance.md), until runs have told."""


@dataclass
class _Run:
    """What is known of one replicate that runs."""

    size: float
    begun_s: float | None  # None where its worker had to start, too
    first_epoch: int | None = None  # later than 1 where it continues from a checkpoint
    first_wall_s: float = 0.0  # from its start to the end of that epoch
    first_heard_s: float = 0.0
    wall_s: float = 0.0  # from its start to its last report
    n_epochs: int = 0
    heard_s: float = 0.0  # when that was

    @property
    def epoch_s(self) -> float | None:
        """Seconds of an epoch after the first, None before there is one."""
        if self.first_epoch is None or self.n_epochs <= self.first_epoch:
            return None
        return (self.wall_s - self.first_wall_s) / (self.n_epochs - self.first_epoch)

    @property
    def first_s(self) -> float:
        """Seconds until its first epoch ended, its start among them."""
        return self.first_wall_s if self.begun_s is None else self.first_heard_s - self.begun_s


class Progress:
    """Estimates what is left of a leg: running runs, and those that wait.

    How long an epoch takes follows from a run's size and the pace of all runs, and of a running one from its
    own; how many it lives, from those that the scheduler has judged.
    """

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self._waiting = deque(backlog.waiting)
        self._waiting_size = math.fsum(backlog.waiting)
        self._recent: deque[float] = deque(maxlen=N_RECENT)  # sizes of settings that nobody foresaw
        self._running: dict[tuple[int, int], _Run] = {}
        self._state_of: dict[tuple[int, int], str] = {}
        self._epochs = Sums()  # of the ended: seconds of an epoch, and sizes
        self._starts = Sums()  # seconds beside epochs, and runs; none of those that a new worker began
        n_strata, n_earlier = len(backlog.drawn), backlog.n_ended
        self._survival = Survival(backlog.max_epochs, backlog.rungs, backlog.kept, n_strata, n_earlier)
        self._n_seen, self._pruned, self._n_spared = Counter[int](), set[int](), 0

    @property
    def n_ended(self) -> int:
        """Replicates that ended, in this leg or before."""
        return self.backlog.n_ended + len(self._state_of) - len(self._running)

    @property
    def _n_rest(self) -> int:
        return max(self.backlog.n_runs - self.n_ended, 0)

    def begin(self, key: tuple[int, int], size: float, now_s: float) -> None:
        """Take note of a run that a worker took.

        Args:
            key: The trial and the replicate.
            size: As `study.forecast.backlog.size_of` has it.
            now_s: The caller's clock.
        """
        is_new = key not in self._state_of
        is_cold = len(self._state_of) < self.backlog.n_slots
        self._see(key, "running")
        self._running[key] = _Run(size, None if is_cold else now_s, heard_s=now_s)
        if is_new and not self._take_out(size):
            self._recent.append(size)

    def hear(
        self, key: tuple[int, int], state: str, epoch: int | None, wall_s: float | None, now_s: float
    ) -> None:
        """Take note of a report.

        Args:
            key: The trial and the replicate.
            state: `running`, or how it ended.
            epoch: How many epochs it has had; None where it ended inside of one.
            wall_s: Seconds since its start, where that is known.
            now_s: The caller's clock.
        """
        self._see(key, state)
        if key not in self._running:
            return  # it was lost before a worker took it
        run = self._running[key]
        run.heard_s = now_s
        run.wall_s = run.wall_s if wall_s is None else wall_s
        if epoch is not None:
            run.n_epochs = epoch
            if run.first_epoch is None:
                run.first_epoch, run.first_wall_s, run.first_heard_s = epoch, run.wall_s, now_s
            elif epoch == run.first_epoch + 1 and run.epoch_s is not None and run.begun_s is not None:
                self._starts.add(max(run.first_s - run.epoch_s, 0.0), 1.0)
        self._survival.judge(run.n_epochs + (epoch is None), run.size, lives=state == "running")
        if state == "running":
            return
        del self._running[key]
        if (epoch_s := self._epoch_of(run)) is not None:
            self._epochs.add(epoch_s, run.size)

    def left(self, now_s: float) -> Estimate | None:
        """Return the seconds that the rest will take, None before there is an epoch to judge by.

        A first epoch is none: it holds the preparation of the run, and once the compilation of all cells.
        """
        n_slots = max(self.backlog.n_slots, len(self._running))
        n_draws = N_DRAWS if n_slots <= WIDE else N_DRAWS_WIDE
        pace, error = self._pace(n_draws)
        if pace is None:
            return None
        rng = np.random.default_rng(0)
        start_s = START_S if self._starts.ratio is None else self._starts.ratio
        slots = np.zeros((n_draws, n_slots))
        for place, run in enumerate(self._running.values()):
            epoch_s = run.epoch_s or pace * run.size
            rest_s = epoch_s * self._survival.draw(run.n_epochs, self._n_rest, n_draws, rng)
            rest_s += 0.0 if run.n_epochs else start_s
            slots[:, place] = np.maximum(rest_s - (now_s - run.heard_s), 0.0)
        self._fill(slots, pace, start_s, rng)
        # One error holds for all of what is to come: of how fast this machine is.
        return Estimate.of((slots.max(axis=1) * error).tolist())

    def _see(self, key: tuple[int, int], state: str) -> None:
        """Keep the state of a replicate, and count which others of its setting will not be trained."""
        trial = key[0]
        if key not in self._state_of:
            self._n_seen[trial] += 1
            self._n_spared -= trial in self._pruned
        self._state_of[key] = state
        if state == "pruned" and trial not in self._pruned:
            self._pruned.add(trial)
            # The scheduler stops a setting under one seed, and its other seeds are not trained.
            n_spared = max(self.backlog.n_seeds - self._n_seen[trial], 0)
            self._n_spared += n_spared
            for _ in range(n_spared if key in self._running else 0):
                self._take_out(self._running[key].size)

    def _take_out(self, size: float) -> bool:
        """Count a run of this size no longer as waiting; return whether it was known to wait."""
        # Those that are handed out next: a worker may be slower to take one than another is.
        window = itertools.islice(self._waiting, self.backlog.n_seeds + self.backlog.n_slots)
        place = next((place for place, waits in enumerate(window) if waits == size), None)
        if place is not None:
            del self._waiting[place]
            self._waiting_size -= size
        return place is not None

    def _epoch_of(self, run: _Run) -> float | None:
        """Return the seconds of a run's epoch, None before they are known: one alone holds its start."""
        return run.first_s if self.backlog.max_epochs == 1 and run.first_epoch is not None else run.epoch_s

    def _pace(self, n_draws: int) -> tuple[float | None, Floats]:
        """Return the seconds of an epoch for a size of 1, and factors by which that may be wrong."""
        sums = self._epochs.joined(0.0, 0.0)
        for run in self._running.values():
            if (epoch_s := self._epoch_of(run)) is not None:
                sums.add(epoch_s, run.size)
        spread = PACE_SPREAD / math.sqrt(max(sums.n, 1))
        ranks = [(number + 0.5) / n_draws for number in range(n_draws)]
        return sums.ratio, np.exp(np.array([spread * NormalDist().inv_cdf(rank) for rank in ranks]))

    def _n_waiting(self) -> int:
        n_rest = self._n_rest - len(self._running) - self._n_spared
        n_done = len(self._state_of) - len(self._running)
        spared_share = self._n_spared / (n_done + self._n_spared) if self._n_spared > 0 else 0.0
        return round(max(n_rest, 0) * (1.0 - spared_share))

    def _draw_unknown(self, n_draws: int, n: int, rng: np.random.Generator) -> Floats:
        """Draw sizes of settings that a sampler will ask for, as far as its last ones tell."""
        if not n:
            return np.zeros((n_draws, 0))
        n_recent, n_begun = len(self._recent), self.backlog.n_ended + len(self._state_of)
        n_before = n_begun + len(self._waiting)
        runs = [*range(n_begun - n_recent, n_begun), *range(n_before, n_before + n)]
        sizes = draw_learned(self.backlog.drawn, n_draws, np.array(runs) // self.backlog.n_seeds, rng)
        growth = GROWTH * N_GROWING / (N_GROWING + len(self._n_seen))
        factor = np.exp(growth + GROWTH_SPREAD * rng.normal(size=(n_draws, 1)))
        if n_recent:
            told, expected = math.fsum(self._recent), float(sizes[:, :n_recent].mean(axis=0).sum())
            factor *= 1.0 + n_recent / (n_recent + N_PRIOR) * (told / expected - 1.0)
        return sizes[:, n_recent:] * factor

    def _fill(self, slots: Floats, pace: float, start_s: float, rng: np.random.Generator) -> None:
        """Let each run that waits take the slot that is free first."""
        n_draws, n_slots = slots.shape
        n_known, n_waiting = len(self._waiting), self._n_waiting()
        n_unknown = max(n_waiting - n_known, 0)
        n_placed = min(n_known + n_unknown, MAX_ROUNDS * n_slots, MAX_PLACED)
        n_last = min(n_unknown, n_placed)
        known = list(itertools.islice(reversed(self._waiting), n_placed - n_last))[::-1]
        unknown = self._draw_unknown(n_draws, min(n_unknown, MAX_PLACED), rng)
        # Of known runs some are expected to be spared, none knows which.
        share = min(n_waiting / n_known, 1.0) if n_known else 1.0
        n_before, size_before = n_known + n_unknown - n_placed, self._waiting_size - math.fsum(known)
        sizes_before = size_before + (n_unknown - n_last) * (unknown.mean(axis=1) if n_unknown else 0.0)
        seconds_before = (
            n_before * start_s + pace * sizes_before * self._survival.passing(0, self._n_rest).sum()
        )
        slots += share / n_slots * np.reshape(seconds_before, (-1, 1))
        sizes = np.hstack([np.tile(known, (n_draws, 1)), unknown[:, :n_last]])
        seconds = share * (start_s + pace * sizes * self._survival.draw(0, self._n_rest, sizes.shape, rng))
        for column in seconds.T:
            slots[range(n_draws), slots.argmin(axis=1)] += column

"""How long a study still takes, from what its runs have cost so far. The caller has the clock."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass

MAX_ROUNDS = 4
"""Runs of this many rounds are placed one by one; those before them fill all slots alike."""


@dataclass
class _Run:
    """What is known of one replicate that runs."""

    first_epoch: int | None = None  # later than 1 where it continues from a checkpoint
    first_s: float = 0.0  # from its start to the end of that epoch
    wall_s: float = 0.0  # from its start to its last report
    n_epochs: int = 0
    heard_s: float = 0.0  # when that was

    @property
    def epoch_s(self) -> float | None:
        """Seconds of an epoch after the first, None before there is one."""
        if self.first_epoch is None or self.n_epochs <= self.first_epoch:
            return None
        return (self.wall_s - self.first_s) / (self.n_epochs - self.first_epoch)


class Progress:
    """Estimates what is left of a leg: running runs, and those that wait.

    How many epochs a run lives follows from the share of runs that ended at each epoch, those that still run
    counted among the survivors: the mean of the ended alone would forget that short runs end first. How long
    an epoch takes is the mean over runs, and a running one's own where it is known.

    Args:
        n_runs: Replicates in all, those of earlier legs among them.
        n_seeds: Replicates of each setting.
        n_slots: Runs at once.
        max_epochs: No run is longer.
        n_ended: Replicates that ended before this leg.
    """

    def __init__(self, *, n_runs: int, n_seeds: int, n_slots: int, max_epochs: int, n_ended: int = 0) -> None:
        self.n_runs, self._n_before = n_runs, n_ended
        self._n_seeds, self._n_slots, self._max_epochs = n_seeds, max(n_slots, 1), max_epochs
        self._running: dict[tuple[int, int], _Run] = {}
        self._state_of: dict[tuple[int, int], str] = {}
        # Sums over the ended, so that a report costs the same after ten thousand runs as after ten.
        self._first_s: list[float] = [0.0, 0.0]  # how many, and their sum
        self._epoch_s: list[float] = [0.0, 0.0]
        self._survived, self._ended_at = Counter[int](), Counter[int]()
        self._n_seen, self._pruned, self._n_spared = Counter[int](), set[int](), 0

    @property
    def n_ended(self) -> int:
        """Replicates that ended, in this leg or before."""
        return self._n_before + len(self._state_of) - len(self._running)

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
        run = self._running.setdefault(key, _Run())
        run.heard_s = now_s
        run.wall_s = run.wall_s if wall_s is None else wall_s
        if epoch is not None:
            run.n_epochs = epoch
            if run.first_epoch is None:
                run.first_epoch, run.first_s = epoch, run.wall_s
        at = run.n_epochs + (epoch is None)
        if state == "running":
            self._survived[at] += 1
            return
        self._ended_at[at] += 1
        del self._running[key]
        if run.first_epoch is not None:
            _add(self._first_s, run.first_s)
        if run.epoch_s is not None:
            _add(self._epoch_s, run.epoch_s)

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds that the rest will take, None before there is an epoch to judge by.

        A first epoch is none: it holds the preparation of the run, and once the compilation of all cells.
        """
        runs = list(self._running.values())
        first_s = _mean(self._first_s, [run.first_s for run in runs if run.first_epoch is not None])
        pace_s = _mean(self._epoch_s, [run.epoch_s for run in runs if run.epoch_s is not None])
        if pace_s is None and self._max_epochs == 1:
            pace_s = first_s
        if first_s is None or pace_s is None:
            return None
        life = self._life()
        rests = [(run.epoch_s or pace_s) * life[min(run.n_epochs, self._max_epochs)] for run in runs]
        busy = [max(rest - (now_s - run.heard_s), 0.0) for run, rest in zip(runs, rests, strict=True)]
        return self._fill(busy, self._n_waiting(), first_s + pace_s * (life[0] - 1.0))

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
            self._n_spared += max(self._n_seeds - self._n_seen[trial], 0)

    def _life(self) -> list[float]:
        """Return how many more epochs a run is expected to live that has had 0, 1, 2 ... of them."""
        life = [0.0] * (self._max_epochs + 1)
        for epoch in range(self._max_epochs, 0, -1):
            n_seen = self._survived[epoch] + self._ended_at[epoch]
            goes_on = self._survived[epoch] / n_seen if n_seen else 1.0
            life[epoch - 1] = 1.0 + goes_on * life[epoch]
        return life

    def _n_waiting(self) -> int:
        n_rest = self.n_runs - self.n_ended - len(self._running) - self._n_spared
        n_done = len(self._state_of) - len(self._running)
        spared_share = self._n_spared / (n_done + self._n_spared) if self._n_spared > 0 else 0.0
        return round(max(n_rest, 0) * (1.0 - spared_share))

    def _fill(self, busy_s: list[float], n_waiting: int, fresh_s: float) -> float:
        """Return when the last run ends if each that waits takes the slot that is free first."""
        slots = [*busy_s, *[0.0] * (self._n_slots - len(busy_s))]
        heapq.heapify(slots)
        n_rounds = max(n_waiting // len(slots) - MAX_ROUNDS, 0)
        for _ in range(n_waiting - n_rounds * len(slots)):
            heapq.heappush(slots, heapq.heappop(slots) + fresh_s)
        return n_rounds * fresh_s + max(slots)


def _add(sums: list[float], value: float) -> None:
    sums[0] += 1.0
    sums[1] += value


def _mean(sums: list[float], further: list[float]) -> float | None:
    n_values = sums[0] + len(further)
    return (sums[1] + sum(further)) / n_values if n_values else None

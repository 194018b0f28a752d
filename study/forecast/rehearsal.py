"""A study played through without training: runs of known cost on so many slots, stopped as by a scheduler."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from study.designs import BaseDesign, SearchDesign
from study.designs.brackets import bracket_of, plan_brackets
from study.forecast.costs import RunCost

N_PROGRAMS = 3
"""Traced graphs that a worker keeps."""

SEED_SPREAD = 0.3
"""How far the seeds of one setting differ in merit, beside a spread of 1 between settings."""


@dataclass(frozen=True)
class Item:
    """One setting of a rehearsal.

    Attributes:
        cost: Seconds of one of its runs.
        program: What its graph depends on: runs that share it are traced once.
        merit: How well it does, larger is better, with a spread of 1 between settings; it never changes.
        cohort: Runs are only compared with others of their own.
    """

    cost: RunCost
    program: Hashable
    merit: float = 0.0
    cohort: Hashable = ()


@dataclass(frozen=True)
class Outcome:
    """What a rehearsal came to.

    Attributes:
        seconds: From the first start to the last end.
        n_epochs: Epochs trained, of all runs.
        n_runs: Runs trained.
    """

    seconds: float
    n_epochs: int
    n_runs: int


class StoppingRule:
    """Which runs end before their last epoch.

    Args:
        design: As in the spec.
        max_epochs: No run is longer.
        patience: As in the spec.

    Attributes:
        max_epochs: As above.
        kept: The share of runs that pass a rung in the long run.
    """

    def __init__(self, design: BaseDesign, max_epochs: int, patience: int | None) -> None:
        self.max_epochs, self._patience = max_epochs, patience
        self._rungs_of: list[list[int]] = [[]]
        self.kept, self._factor = 1.0, 1
        if isinstance(design, SearchDesign) and design.scheduler != "none":
            self._factor, grace = design.reduction_factor, design.grace_period_epochs
            self.kept = 0.5 if design.scheduler == "median" else 1.0 / self._factor
            # What a run is worth does not change here: the median rule stops at once all it ever will.
            first_rungs = [grace]
            if design.scheduler == "hyperband":
                first_rungs = plan_brackets(grace, max_epochs, self._factor)
            is_median = design.scheduler == "median"
            self._rungs_of = [
                [first] if is_median else plan_brackets(first, max_epochs, self._factor)[:-1]
                for first in first_rungs
            ]

    def bracket(self, trial: int) -> int:
        """Return the bracket of a setting."""
        return bracket_of(trial, len(self._rungs_of), self._factor) if len(self._rungs_of) > 1 else 0

    def is_rung(self, bracket: int, epoch: int) -> bool:
        """Whether a run is judged after this epoch."""
        return epoch in self._rungs_of[bracket]

    def last_epoch(self, rng: np.random.Generator) -> int:
        """Draw after which epoch a run has no patience left, if nothing else ends it; its best may be any."""
        if self._patience is None:
            return self.max_epochs
        return min(int(rng.integers(1, self.max_epochs + 1)) + self._patience, self.max_epochs)

    def is_hopeless(self, merit: float, earlier: Sequence[float]) -> bool:
        """Whether a run ends at a rung, by what came there before it."""
        return bool(earlier) and merit < float(np.quantile(earlier, 1.0 - self.kept))


def share_passing(n_earlier: float, kept: float) -> float:
    """Return how likely a run passes a rung where all do alike: the first for certain, later ones less.

    Of n + 1 alike any is the best with the same probability, so that n + 1 - r of them lie above the r-th of
    the n that came before. The rule's quantile is the r-th for r = 1 + (n - 1) (1 - kept), in between the
    nearest two where that is no whole number.

    Args:
        n_earlier: How many were judged there before; a mean need not be whole.
        kept: The share that a stopping rule lets pass in the long run.
    """
    return 1.0 if n_earlier < 1.0 else (1.0 + (n_earlier - 1.0) * kept) / (n_earlier + 1.0)


@dataclass
class _Slot:
    """One worker: what it has traced."""

    programs: OrderedDict[Hashable, None] = field(default_factory=OrderedDict)

    def start_s(self, item: Item) -> float:
        """Return how long a run takes to start here, and remember its program."""
        is_known = item.program in self.programs
        self.programs[item.program] = None
        self.programs.move_to_end(item.program)
        if len(self.programs) > N_PROGRAMS:
            self.programs.popitem(last=False)
        return item.cost.restart_s if is_known else item.cost.start_s


@dataclass(frozen=True)
class _Run:
    trial: int
    bracket: int
    merit: float
    last_epoch: int


def rehearse(
    items: Sequence[Item], *, n_seeds: int, n_slots: int, rule: StoppingRule, rng: np.random.Generator
) -> Outcome:
    """Play a study through.

    Args:
        items: The settings in their order.
        n_seeds: Runs of each.
        n_slots: Runs at once.
        rule: What ends a run early.
        rng: Draws how seeds differ.
    """
    waiting = deque((trial, seed) for trial in range(len(items)) for seed in range(n_seeds))
    judged: dict[tuple[Hashable, int, int], list[float]] = {}
    spared: set[int] = set()
    slots = [_Slot() for _ in range(n_slots)]
    events: list[tuple[float, int, _Run, int]] = []
    n_epochs = n_runs = 0
    now_s = 0.0

    def start(slot: int) -> None:
        nonlocal n_runs
        while waiting:
            trial, _ = waiting.popleft()
            if trial in spared:  # one seed was enough for the scheduler
                continue
            merit = items[trial].merit + SEED_SPREAD * rng.normal()
            run = _Run(trial, rule.bracket(trial), merit, rule.last_epoch(rng))
            n_runs += 1
            ends_s = now_s + slots[slot].start_s(items[trial]) + items[trial].cost.epoch_s
            heapq.heappush(events, (ends_s, slot, run, 1))
            return

    for slot in range(n_slots):
        start(slot)
    while events:
        now_s, slot, run, epoch = heapq.heappop(events)
        n_epochs += 1
        if epoch >= run.last_epoch:
            start(slot)
            continue
        if rule.is_rung(run.bracket, epoch):
            earlier = judged.setdefault((items[run.trial].cohort, run.bracket, epoch), [])
            is_hopeless = rule.is_hopeless(run.merit, earlier)
            earlier.append(run.merit)
            if is_hopeless:
                spared.add(run.trial)
                start(slot)
                continue
        heapq.heappush(events, (now_s + items[run.trial].cost.epoch_s, slot, run, epoch + 1))
    return Outcome(now_s, n_epochs, n_runs)

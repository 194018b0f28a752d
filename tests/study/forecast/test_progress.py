from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from study.forecast.backlog import Backlog
from study.forecast.estimate import Estimate
from study.forecast.progress import START_S, Progress

MAX_EPOCHS = 8
RUNGS = (2, 6)
ASHA: dict[str, Any] = {"rungs": RUNGS, "kept": 1 / 3}


@dataclass(frozen=True)
class _Heard:
    """One report of a simulated study, or the start of a run, which is of no epoch."""

    now_s: float
    key: tuple[int, int]
    state: str
    epoch: int
    wall_s: float
    size: float

    def tell(self, progress: Progress) -> None:
        if self.epoch == 0:
            progress.begin(self.key, self.size, self.now_s)
        else:
            progress.hear(self.key, self.state, self.epoch, self.wall_s, self.now_s)


def simulate(
    n_runs: int,
    n_slots: int,
    seed: int,
    *,
    is_pruned: bool,
    spread: float = 0.4,
    growth: float = 0.0,
    n_strata: int = 1,
) -> Iterator[_Heard]:
    """Runs of very unequal cost on a few slots; ASHA stops two of three at epochs 2 and 6, if asked.

    With growth, the settings of a sampler get larger and better the longer it learns. Strata take turns, and
    their runs are only compared with each other.
    """
    rng = np.random.default_rng(seed)
    learned = growth * np.arange(n_runs) / n_runs
    epoch_s = np.exp(rng.normal(1.0, spread, n_runs) + learned)
    setup_s = rng.uniform(0.5, 3.0, n_runs)
    merit = rng.normal(size=n_runs) + learned
    rungs: dict[tuple[int, int], list[float]] = defaultdict(list)
    events: list[tuple[float, int, int]] = []
    started: dict[int, float] = {}
    waiting = iter(range(n_runs))

    def start(now_s: float) -> Iterator[_Heard]:
        run = next(waiting, None)
        if run is not None:
            started[run] = now_s
            yield _Heard(now_s, (run, 1), "running", 0, 0.0, epoch_s[run])
            heapq.heappush(events, (now_s + setup_s[run] + epoch_s[run], run, 1))

    for _ in range(n_slots):
        yield from start(0.0)
    while events:
        now_s, run, epoch = heapq.heappop(events)
        state = "completed" if epoch == MAX_EPOCHS else "running"
        if is_pruned and epoch in RUNGS:
            judged = rungs[epoch, run % n_strata]
            if judged and merit[run] < np.quantile(judged, 2 / 3):
                state = "pruned"
            judged.append(merit[run])
        yield _Heard(now_s, (run, 1), state, epoch, now_s - started[run], epoch_s[run])
        if state == "running":
            heapq.heappush(events, (now_s + epoch_s[run], run, epoch + 1))
        else:
            yield from start(now_s)


def follow(progress: Progress, reports: list[_Heard]) -> list[tuple[float, Estimate]]:
    """Return, at the end of each run, how much time was left and how much was estimated."""
    end_s = reports[-1].now_s
    pairs = []
    for heard in reports:
        heard.tell(progress)
        if heard.state != "running":
            left = progress.left(heard.now_s)
            assert left is not None
            pairs.append((end_s - heard.now_s, left))
    return pairs


def make_progress(n_runs: int, n_slots: int, n_seeds: int = 1, **known: Any) -> Progress:
    backlog = Backlog(n_runs=n_runs, n_seeds=n_seeds, n_slots=n_slots, max_epochs=MAX_EPOCHS, **known)
    return Progress(backlog)


def train(progress: Progress, key: tuple[int, int], size: float, ends_s: list[float]) -> None:
    """Begin a run when the clock is at 0, and report its epochs, the last as its end if that is its all."""
    progress.begin(key, size, 0.0)
    for epoch, now_s in enumerate(ends_s, start=1):
        progress.hear(key, "completed" if epoch == MAX_EPOCHS else "running", epoch, now_s, now_s)


@pytest.mark.parametrize("is_pruned", [False, True])
@pytest.mark.parametrize(("n_runs", "n_slots"), [(36, 2), (36, 8), (200, 4)])
def test_limits_hold_mostly_though_nobody_knows_what_a_sampler_asks_for(
    n_runs: int, n_slots: int, is_pruned: bool
) -> None:
    are_inside = []
    for seed in range(10):
        reports = list(simulate(n_runs, n_slots, seed, is_pruned=is_pruned, growth=1.0))
        drawn = [heard.size for heard in simulate(n_runs, n_slots, seed, is_pruned=False) if heard.epoch == 0]
        progress = make_progress(n_runs, n_slots, drawn=[drawn], **(ASHA if is_pruned else {}))
        pairs = follow(progress, reports)[n_runs // 4 : -1]
        are_inside += [left.low <= truth <= left.high for truth, left in pairs]

    assert np.mean(are_inside) > 0.8


@pytest.mark.parametrize("n_slots", [2, 8])
def test_time_left_of_runs_that_are_known_is_right_from_the_second_run_on(n_slots: int) -> None:
    ratios, are_inside = [], []
    for seed in range(10):
        # Their costs differ by a factor of ten and more.
        reports = list(simulate(36, n_slots, seed, is_pruned=False, spread=0.8))
        sizes = [heard.size for heard in reports if heard.epoch == 0]
        pairs = follow(make_progress(36, n_slots, waiting=sizes), reports)
        ratios += [left.middle / truth for truth, left in pairs[1:-1]]
        are_inside += [left.low <= truth <= left.high for truth, left in pairs[1:-1]]

    assert all(1 / 1.5 < ratio < 1.5 for ratio in ratios)
    assert np.mean([1 / 1.1 < ratio < 1.1 for ratio in ratios]) > 0.8
    assert np.mean(are_inside) > 0.9


def test_time_left_of_known_runs_that_a_scheduler_stops_is_right_from_the_second_run_on() -> None:
    ratios = []
    for seed in range(10):
        reports = list(simulate(36, 2, seed, is_pruned=True, n_strata=3))
        sizes = [heard.size for heard in reports if heard.epoch == 0]
        progress = make_progress(36, 2, waiting=sizes, drawn=[[1.0]] * 3, **ASHA)
        # The first of each stratum pass whatever they are worth, and fewer of those to come.
        ratios += [left.middle / truth for truth, left in follow(progress, reports)[1:24]]

    assert np.mean([1 / 1.5 < ratio < 1.5 for ratio in ratios]) > 0.95


def test_a_run_that_is_larger_than_those_before_it_is_waited_for_from_its_start_on() -> None:
    progress = make_progress(n_runs=2, n_slots=1)
    train(progress, (0, 1), 1.0, [2.0 * epoch for epoch in range(1, MAX_EPOCHS + 1)])

    progress.begin((1, 1), 50.0, 16.0)

    left = progress.left(16.0)
    assert left is not None
    assert left.middle == pytest.approx(START_S + 50.0 * 16.0)


def test_settings_of_a_sampler_are_expected_to_be_about_as_large_as_its_last() -> None:
    def left_s(size: float) -> float:
        progress = make_progress(n_runs=40, n_slots=1, drawn=[[0.5, 1.0, 2.0]])
        for trial in range(10):
            train(progress, (trial, 1), size, [size * epoch for epoch in range(1, MAX_EPOCHS + 1)])
        left = progress.left(0.0)
        assert left is not None
        return left.middle

    # The space knows none so large or so small; thirty of them are left, of eight epochs each.
    assert 0.5 < left_s(10.0) / (30 * 8 * 10.0) < 1.5
    assert 1.0 < left_s(0.1) / (30 * 8 * 0.1) < 15.0


def test_nothing_is_estimated_before_a_first_epoch_ended() -> None:
    progress = make_progress(n_runs=4, n_slots=2)

    assert progress.left(10.0) is None
    progress.begin((0, 1), 1.0, 7.0)
    progress.hear((0, 1), "failed", None, 3.0, 10.0)
    assert progress.left(10.0) is None


def test_running_and_waiting_runs_are_counted_at_their_pace() -> None:
    progress = make_progress(n_runs=3, n_slots=1, waiting=[1.0] * 3)
    # The first epoch holds the start of the worker and what is compiled once; the others take two seconds.
    train(progress, (0, 1), 1.0, [30.0, 32.0])

    left = progress.left(33.0)
    assert left is not None
    assert left.middle == pytest.approx(11.0 + 2 * (START_S + 16.0))
    assert left.low < left.middle < left.high


def test_waiting_runs_take_as_long_to_start_as_those_before_them() -> None:
    progress = make_progress(n_runs=3, n_slots=1, waiting=[1.0] * 3)
    train(progress, (0, 1), 1.0, [30.0 + 2.0 * epoch for epoch in range(1, MAX_EPOCHS + 1)])
    # Four seconds for the first epoch, two for each of the others: 18 s a run.
    train(progress, (1, 1), 1.0, [4.0, 6.0])

    left = progress.left(6.0)
    assert left is not None
    assert left.middle == pytest.approx(12.0 + 18.0)


def test_runs_of_earlier_legs_are_not_waited_for() -> None:
    progress = make_progress(n_runs=3, n_slots=1, n_ended=2)
    train(progress, (2, 1), 1.0, [4.0, 6.0])

    assert progress.n_ended == 2
    left = progress.left(6.0)
    assert left is not None
    assert left.middle == pytest.approx(12.0)


def test_the_other_seeds_of_a_pruned_setting_are_not_waited_for() -> None:
    progress = make_progress(n_runs=6, n_slots=1, n_seeds=3, waiting=[1.0] * 6)
    train(progress, (0, 1), 1.0, [2.0])
    progress.hear((0, 1), "pruned", 2, 4.0, 4.0)

    # Of the three seeds of the other setting, one in three is expected to be trained, for two epochs of 2 s.
    left = progress.left(4.0)
    assert left is not None
    assert left.middle == pytest.approx(START_S + 4.0)


def test_a_lost_run_that_is_tried_again_counts_as_running_again() -> None:
    progress = make_progress(n_runs=1, n_slots=1)
    train(progress, (0, 1), 1.0, [2.0])
    progress.hear((0, 1), "failed", None, None, 3.0)
    assert progress.n_ended == 1
    progress.begin((0, 1), 1.0, 4.0)

    assert progress.n_ended == 0


def test_a_run_that_was_lost_before_a_worker_took_it_has_ended() -> None:
    progress = make_progress(n_runs=2, n_slots=1)

    progress.hear((0, 1), "failed", None, None, 3.0)

    assert progress.n_ended == 1


def test_a_report_costs_the_same_after_many_runs() -> None:
    progress = make_progress(n_runs=100_000, n_slots=4)
    for heard in simulate(2_000, 4, seed=0, is_pruned=True):
        heard.tell(progress)

    start = time.perf_counter()
    for _ in range(100):
        progress.left(1e6)
    assert time.perf_counter() - start < 1.0  # 10 ms each; a few tenths of one where it was written

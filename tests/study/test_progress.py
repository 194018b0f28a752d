from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from study.progress import Progress

MAX_EPOCHS = 8


@dataclass(frozen=True)
class _Heard:
    """One report of a simulated study."""

    now_s: float
    key: tuple[int, int]
    state: str
    epoch: int
    wall_s: float


def simulate(
    n_runs: int, n_slots: int, seed: int, *, is_pruned: bool, spread: float = 0.4
) -> Iterator[_Heard]:
    """Runs of very unequal cost on a few slots; ASHA stops two of three at epochs 2 and 6, if asked."""
    rng = np.random.default_rng(seed)
    epoch_s = np.exp(rng.normal(1.0, spread, n_runs))
    setup_s = rng.uniform(0.5, 3.0, n_runs)
    merit = rng.normal(size=n_runs)
    rungs: dict[int, list[float]] = {2: [], 6: []}
    events: list[tuple[float, int, int]] = []
    started: dict[int, float] = {}
    waiting = iter(range(n_runs))

    def start(now_s: float) -> None:
        run = next(waiting, None)
        if run is not None:
            started[run] = now_s
            heapq.heappush(events, (now_s + setup_s[run] + epoch_s[run], run, 1))

    for _ in range(n_slots):
        start(0.0)
    while events:
        now_s, run, epoch = heapq.heappop(events)
        state = "completed" if epoch == MAX_EPOCHS else "running"
        if is_pruned and epoch in rungs:
            if rungs[epoch] and merit[run] < np.quantile(rungs[epoch], 2 / 3):
                state = "pruned"
            rungs[epoch].append(merit[run])
        yield _Heard(now_s, (run, 1), state, epoch, now_s - started[run])
        if state == "running":
            heapq.heappush(events, (now_s + epoch_s[run], run, epoch + 1))
        else:
            start(now_s)


def follow(progress: Progress, reports: list[_Heard]) -> list[tuple[float, float]]:
    """Return, at the end of each run, how much time was left and how much was estimated."""
    end_s = reports[-1].now_s
    pairs = []
    for heard in reports:
        progress.hear(heard.key, heard.state, heard.epoch, heard.wall_s, heard.now_s)
        if heard.state != "running":
            left_s = progress.left_s(heard.now_s)
            assert left_s is not None
            pairs.append((end_s - heard.now_s, left_s))
    return pairs


def make_progress(n_runs: int, n_slots: int, n_seeds: int = 1, n_ended: int = 0) -> Progress:
    return Progress(n_runs=n_runs, n_seeds=n_seeds, n_slots=n_slots, max_epochs=MAX_EPOCHS, n_ended=n_ended)


@pytest.mark.parametrize(
    ("n_runs", "n_slots", "is_pruned", "n_outside"),
    [
        (36, 2, False, 0.05),
        (36, 8, False, 0.10),
        (200, 4, False, 0.02),
        (36, 8, True, 0.20),
        (200, 4, True, 0.05),
    ],
)
def test_time_left_is_mostly_right_within_a_factor_from_a_third_of_the_runs_to_the_last_rounds(
    n_runs: int, n_slots: int, is_pruned: bool, n_outside: float
) -> None:
    ratios = []
    for seed in range(10):
        reports = list(simulate(n_runs, n_slots, seed, is_pruned=is_pruned))
        pairs = follow(make_progress(n_runs, n_slots), reports)
        ratios += [estimate / truth for truth, estimate in pairs[n_runs // 3 : n_runs - 2 * n_slots]]

    assert np.mean([not 1 / 1.5 <= ratio <= 1.5 for ratio in ratios]) <= n_outside
    assert 0.8 < np.median(ratios) < 1.2


def test_nothing_is_estimated_before_a_first_epoch_ended() -> None:
    progress = make_progress(n_runs=4, n_slots=2)

    assert progress.left_s(10.0) is None
    progress.hear((0, 1), "failed", None, 3.0, 10.0)
    assert progress.left_s(10.0) is None


def test_running_and_waiting_runs_are_counted_at_their_pace() -> None:
    progress = make_progress(n_runs=3, n_slots=1)
    # Four seconds for the first epoch, two for each of the others: 18 s a run.
    progress.hear((0, 1), "running", 1, 4.0, 4.0)
    progress.hear((0, 1), "running", 2, 6.0, 6.0)

    assert progress.left_s(7.0) == pytest.approx(11.0 + 18.0 + 18.0)


def test_runs_of_earlier_legs_are_not_waited_for() -> None:
    progress = make_progress(n_runs=3, n_slots=1, n_ended=2)
    progress.hear((2, 1), "running", 1, 4.0, 4.0)
    progress.hear((2, 1), "running", 2, 6.0, 6.0)

    assert progress.n_ended == 2
    assert progress.left_s(6.0) == pytest.approx(12.0)


def test_the_other_seeds_of_a_pruned_setting_are_not_waited_for() -> None:
    progress = make_progress(n_runs=6, n_slots=1, n_seeds=3)
    progress.hear((0, 1), "running", 1, 2.0, 2.0)
    progress.hear((0, 1), "pruned", 2, 4.0, 4.0)

    # Of the three seeds of the other setting, one in three is expected to be trained, for two epochs.
    assert progress.left_s(4.0) == pytest.approx(4.0)


def test_a_lost_run_that_is_tried_again_counts_as_running_again() -> None:
    progress = make_progress(n_runs=1, n_slots=1)
    progress.hear((0, 1), "running", 1, 2.0, 2.0)
    progress.hear((0, 1), "failed", None, None, 3.0)
    progress.hear((0, 1), "running", 1, 2.0, 6.0)

    assert progress.n_ended == 0


def test_a_report_costs_the_same_after_many_runs() -> None:
    progress = make_progress(n_runs=100_000, n_slots=4)
    for heard in simulate(2_000, 4, seed=0, is_pruned=True):
        progress.hear(heard.key, heard.state, heard.epoch, heard.wall_s, heard.now_s)

    start = time.perf_counter()
    for _ in range(100):
        progress.left_s(1e6)
    assert time.perf_counter() - start < 0.1  # 1 ms each; a few dozen microseconds where it was written

from __future__ import annotations

import pytest

from study.running.streak import N_ALIKE, FailureStreak

MISSING = "ModuleNotFoundError: No module named 'mine'"


def fail(streak: FailureStreak, n_times: int, reason: str = MISSING) -> FailureStreak:
    for _ in range(n_times):
        streak.note("failed", reason)
    return streak


def test_ten_failures_alike_are_enough_and_nine_are_not() -> None:
    streak = fail(FailureStreak(), N_ALIKE - 1)
    assert streak.verdict is None

    assert fail(streak, 1).verdict == (
        f"the last 10 runs failed alike ({MISSING}); `study retry` trains them again"
    )


@pytest.mark.parametrize("state", ["completed", "pruned", "diverged", "timeout"])
def test_a_run_that_ends_otherwise_begins_the_count_anew(state: str) -> None:
    streak = fail(FailureStreak(), N_ALIKE - 1)

    streak.note(state, MISSING)

    assert fail(streak, N_ALIKE - 1).verdict is None


def test_failures_of_two_kinds_in_turn_end_nothing() -> None:
    streak = FailureStreak()
    for turn in range(3 * N_ALIKE):
        fail(streak, 1, f"kind {turn % 2}")

    assert streak.verdict is None

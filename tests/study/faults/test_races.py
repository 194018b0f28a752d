"""Two runs on one directory; `benchmarks/exclusion.py` lets them race a hundred times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study.faults.races import expect_one_winner, race

pytestmark = pytest.mark.slow


def test_of_two_runs_that_start_at_once_one_wins_and_the_other_names_it(tmp_path: Path) -> None:
    for _ in range(3):  # the first on a folder that is not there yet
        expect_one_winner(race(tmp_path))

"""Drivers and workers are killed at random moments; `benchmarks/kills.py` does it two hundred times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.study.faults.kills import STUDY, expect_nothing_lost_or_doubled, kill, read_final_table
from tests.study.pretend.programs import finish, start

pytestmark = pytest.mark.slow


def test_a_grid_that_was_killed_ends_in_the_tables_of_one_that_was_not(tmp_path: Path) -> None:
    status, said = finish(start(tmp_path / "reference", **STUDY))
    assert status == 0, said
    expected = read_final_table(tmp_path / "reference" / "cheap")

    def check(study: Path) -> None:
        assert read_final_table(study) == expected
        expect_nothing_lost_or_doubled(study)

    tally = kill(tmp_path, 5, np.random.default_rng(0), check)

    assert tally.n_kills >= 5


def test_a_parallel_search_that_was_killed_has_lost_and_doubled_nothing(tmp_path: Path) -> None:
    design = {"kind": "search", "trials": 20, "sampler": "tpe", "scheduler": "none"}

    tally = kill(tmp_path, 3, np.random.default_rng(1), expect_nothing_lost_or_doubled, design=design)

    assert tally.n_kills >= 3

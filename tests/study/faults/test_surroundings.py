from __future__ import annotations

import os

import pytest

from tests.study.scenarios.surroundings import Row, all_rows, run_row

STRIDE = int(os.environ.get("SURROUNDINGS_STRIDE", "5"))
"""The slow tests take every fifth odd file, and all else; SURROUNDINGS_STRIDE=1 takes every one."""

ROWS = all_rows(STRIDE)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_bad_surroundings_are_a_line_and_its_status(
    row: Row, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outcome = run_row(row, tmp_path_factory.getbasetemp() / "row" / str(ROWS.index(row)))
    assert outcome.fault == "", outcome.output[-2000:]

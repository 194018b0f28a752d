from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.running.leg import Leg
from study.store.directory import StudyDirectory
from tests.study.pretend.small_study import make_spec


def make_leg(folder: Path, address: str | None = None, **changes: Any) -> Leg:
    def make_source(*_: object) -> Any:
        raise AssertionError("nothing is trained here")

    return Leg(StudyDirectory(folder), make_spec(**changes), "run", make_source, address=address)


def test_the_loops_are_compiled_ahead_for_runs_of_ours_on_this_machine(tmp_path: Path) -> None:
    assert make_leg(tmp_path)._trains_compiled_cells()


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "auto"},
        {"training": {"cells": "keras"}},
        {"resources": {"gpus_per_trial": 0.5}},
        {"model": "mine:build"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_loops_are_not_compiled_ahead_where_others_or_nobody_runs_them(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert not make_leg(tmp_path, **changes)._trains_compiled_cells()

from __future__ import annotations

from pathlib import Path

import pytest

import analysis
from study.machine.capacity import count_cpus
from tests.study.pretend.programs import finish, start


@pytest.mark.slow
@pytest.mark.skipif(count_cpus() < 2, reason="one CPU takes one run at a time")
def test_every_cpu_trains_although_runs_are_shorter_than_a_workers_start(tmp_path: Path) -> None:
    status, said = finish(start(tmp_path, worker="LateWorker", seeds=4))

    assert status == 0, said
    workers = analysis.load(tmp_path / "cheap").trials["node"].value_counts()
    assert len(workers) == count_cpus()
    assert workers.min() >= workers.sum() / count_cpus() / 3

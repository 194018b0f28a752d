"""A study is stopped, or its directory wanted, while each worker is in the middle of an epoch.

`benchmarks/signals.py` stops studies a hundred times, at any moment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.study.faults.signals import KINDS, STOPPED_STUDY, expect_as_if_never_stopped, stop_and_resume
from tests.study.faults.test_faults import read_attempts
from tests.study.pretend.programs import alive, descendants, finish, start, workers

pytestmark = pytest.mark.slow

GRACE_S = 15.0
"""Generous: two busy cores take five times as long as two idle ones."""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A study whose first trials train, and will for long."""
    process = start(tmp_path, "SlowWorker")
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("plan"):
                break
        deadline = time.monotonic() + 60
        while not workers(process.pid):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.2)
        yield process
    finally:
        process.kill()
        process.communicate()


def expect_stopped(process: subprocess.Popen[str], status: int, study: Path, family: set[int]) -> None:
    start_s = time.monotonic()
    found, said = finish(process, timeout_s=GRACE_S)
    assert found == status, said
    assert "Traceback" not in said
    assert time.monotonic() - start_s < GRACE_S
    # Nobody was at fault: the next leg takes them up where they were.
    assert {(attempt, state) for _, attempt, state, _ in read_attempts(study)} == {(1, "running")}
    deadline = time.monotonic() + 60
    while alive(family):
        assert time.monotonic() < deadline, "processes of Ray's stay behind"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("signals", "to_all", "status"),
    [
        ([signal.SIGINT], False, 130),
        ([signal.SIGINT, signal.SIGINT], False, 130),
        ([signal.SIGTERM], False, 143),
        ([signal.SIGINT], True, 130),  # as a terminal does
        ([signal.SIGTERM], True, 143),  # as a batch system does
    ],
)
def test_a_signal_ends_the_leg_resumable_and_leaves_nobody_behind(
    busy: subprocess.Popen[str], tmp_path: Path, signals: list[signal.Signals], to_all: bool, status: int
) -> None:
    family = set(descendants(busy.pid))
    for number in signals:
        if to_all:
            os.killpg(busy.pid, number)
        else:
            busy.send_signal(number)
        time.sleep(0.2)

    expect_stopped(busy, status, tmp_path / "cheap", family)


def test_a_signal_before_the_trials_ends_the_process_with_its_status(tmp_path: Path) -> None:
    for number, wait_s in ((signal.SIGTERM, 3.0), (signal.SIGINT, 5.0)):
        process = start(tmp_path, "SlowWorker")
        time.sleep(wait_s)
        process.send_signal(number)

        status, said = finish(process, timeout_s=30)

        assert status in (128 + number, -number), said
        assert "Traceback" not in said or status == -number


def test_studies_that_are_stopped_end_in_the_tables_of_one_that_was_not(tmp_path: Path) -> None:
    status, said = finish(start(tmp_path / "reference", **STOPPED_STUDY))
    assert status == 0, said
    reference = tmp_path / "reference" / "cheap"

    def check(study: Path) -> None:
        expect_as_if_never_stopped(study, reference)

    stops = stop_and_resume(tmp_path, len(KINDS), np.random.default_rng(0), check)

    assert {stop.kind for stop in stops} == set(KINDS)
    assert max(stop.stopped_s for stop in stops) < GRACE_S


def test_a_spent_budget_ends_the_leg_and_the_next_one_goes_on(tmp_path: Path) -> None:
    status, said = finish(start(tmp_path, "SlowWorker", resources={"time_budget_s": 3.0}))

    assert status == 0, said
    assert {state for _, _, state, _ in read_attempts(tmp_path / "cheap")} == {"running"}


def test_a_second_process_is_refused_and_told_who_holds_the_study(
    busy: subprocess.Popen[str], tmp_path: Path
) -> None:
    study = tmp_path / "cheap"
    untouched = [study / name for name in ("lock", "manifest.json", "study.yaml")]
    before = [path.read_bytes() for path in untouched]

    status, said = finish(start(tmp_path, "SlowWorker"))

    assert status == 4, said
    assert f"{study} is held by process {busy.pid} on " in said
    assert "plan" not in said
    assert [path.read_bytes() for path in untouched] == before

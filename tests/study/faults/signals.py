"""Stops a study of cheap trials by signals at random moments and continues it until it is done."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.study.faults.kills import STUDY, expect_nothing_lost_or_doubled, read_final_table
from tests.study.pretend.programs import alive, descendants, finish, session_of, start

STOPPED_STUDY: dict[str, Any] = STUDY | {"resources": {"retries": 0}}
"""A signal costs no trial an attempt: there are none to spare."""

GONE_S = 60.0
"""Until then the last process of Ray's is gone."""

MOMENTS = {
    "before Ray": (None, 3.0),
    "Ray starts": ("stage starting Ray", 3.0),
    "training": ("plan", 3.0),
    "report": ("stage writing the report", 1.5),
}
"""The line after which a signal comes, none for the start, and how many seconds after it at most."""


@dataclass(frozen=True)
class Kind:
    """Which signals, and to whom."""

    signals: tuple[signal.Signals, ...]
    to_group: bool

    def __str__(self) -> str:
        return f"{', '.join(s.name for s in self.signals)} to the {'group' if self.to_group else 'driver'}"

    @property
    def allowed_s(self) -> float:
        """So long may the driver take to end after the last signal."""
        return 5.0 if len(self.signals) == 1 else 2.0


KINDS = [
    Kind(signals, to_group)
    for signals in ((signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGINT))
    for to_group in (False, True)
]


@dataclass(frozen=True)
class Stop:
    """How a leg ended that was told to stop.

    Attributes:
        kind: Which signals, and to whom.
        moment: One of `MOMENTS`.
        status: Exit status of the driver.
        said: All that it printed after the moment's line.
        stopped_s: Seconds from the last signal to the driver's end.
        gone_s: Seconds from then to the end of the last process that it had started.
    """

    kind: Kind
    moment: str
    status: int
    said: str
    stopped_s: float
    gone_s: float


def stop_and_resume(
    folder: Path, n_stops: int, rng: np.random.Generator, check: Callable[[Path], None]
) -> list[Stop]:
    """Run studies in `folder`, stopping their legs `n_stops` times in all, each study to its end.

    Args:
        folder: Where the studies lie, one after the other.
        n_stops: How often to stop; each kind of signal comes in turn.
        rng: Decides when.
        check: Called with each study that is done.
    """
    stops: list[Stop] = []
    n_studies = 0
    while len(stops) < n_stops or n_studies == 0:
        n_studies += 1
        study, status = folder / f"study-{n_studies}", None
        while status != 0:
            moment = str(rng.choice(list(MOMENTS))) if len(stops) < n_stops else None
            process = start(study, draws=moment == "report", **STOPPED_STUDY)
            stop = None
            if moment is not None:
                stop = _stop(process, KINDS[len(stops) % len(KINDS)], moment, rng)
            if stop is None:  # it had ended before, or may run to its end
                status, said = finish(process)
                assert status == 0, said
            else:
                expect_stopped_in_order(stop)
                stops.append(stop)
                status = stop.status
        check(study / "cheap")
    return stops


def _stop(process: subprocess.Popen[str], kind: Kind, moment: str, rng: np.random.Generator) -> Stop | None:
    line, longest_s = MOMENTS[moment]
    assert process.stdout is not None
    if line is not None and not any(said.startswith(line) for said in process.stdout):
        return None
    time.sleep(rng.uniform(0.0, longest_s))
    family = set(descendants(process.pid))
    if process.poll() is not None:
        return None
    for number in kind.signals:
        send = os.killpg if kind.to_group else os.kill
        send(process.pid, number)
        last_s = time.monotonic()
        if number is not kind.signals[-1]:
            time.sleep(0.2)
    process.wait(timeout=60.0)
    ended_s = time.monotonic()
    while remaining := alive(family | session_of(process.pid)):
        assert time.monotonic() - ended_s < GONE_S, f"{kind} ({moment}): {remaining} stay behind"
        time.sleep(0.1)
    gone_s = time.monotonic() - ended_s
    status, said = finish(process)
    return Stop(kind, moment, status, said, ended_s - last_s, gone_s)


def expect_stopped_in_order(stop: Stop) -> None:
    """Check what is promised of a leg that was told to stop."""
    number = stop.kind.signals[-1]
    expected = {128 + number}
    if stop.moment == "report":
        expected |= {0, -number}  # it came after the last thing that was left to do
    elif "stage" not in stop.said and stop.moment == "before Ray":
        expected |= {-number}  # it came while Python was loading, before the first of our lines
    assert stop.status in expected, stop
    # Python's own, where a signal ends it that nobody handles.
    assert "Traceback" not in stop.said or stop.status == -signal.SIGINT, stop


def expect_as_if_never_stopped(study: Path, reference: Path) -> None:
    """Compare a study that was stopped, and is done, with one that was not."""
    assert read_final_table(study) == read_final_table(reference), study
    expect_nothing_lost_or_doubled(study)
    with contextlib.closing(sqlite3.connect(study / "records.db")) as connection:
        assert connection.execute("SELECT max(attempt) FROM attempts").fetchone() == (1,), study

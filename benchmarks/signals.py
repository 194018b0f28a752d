"""Tell studies to stop a hundred times: `python -m benchmarks.signals [--stops 100] [--seed 0]`.

Cheap trials on a real Ray, stopped at random moments, from before Ray starts to the report being written,
by SIGINT, SIGTERM or SIGINT twice, sent to the driver alone or to its whole group, and continued until done.
Each study's tables must be those of one that nobody stopped, with one attempt a trial. Prints how long each
kind of stop took. Ends with an error at the first that ended with another status or left a process behind,
and where one took longer than is promised: five seconds after one signal, two after a second.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.study.faults.signals import (
    KINDS,
    MOMENTS,
    STOPPED_STUDY,
    Kind,
    Stop,
    expect_as_if_never_stopped,
    stop_and_resume,
)
from tests.study.pretend.programs import finish, start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stops", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    # A shell starts what runs in the background deaf to SIGINT, and so would be what that starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="signals-") as name:
        folder, start_s = Path(name), time.monotonic()
        status, said = finish(start(folder / "reference", **STOPPED_STUDY))
        assert status == 0, said

        def check(study: Path) -> None:
            expect_as_if_never_stopped(study, folder / "reference" / "cheap")
            print(f"{study.parent.name}: whole after {time.monotonic() - start_s:.0f} s", flush=True)

        stops = stop_and_resume(folder, arguments.stops, np.random.default_rng(arguments.seed), check)
    for kind in KINDS:
        say_times(kind, [stop for stop in stops if stop.kind == kind])
    print(*(f"{moment}: {sum(s.moment == moment for s in stops)}" for moment in MOMENTS), sep=", ")
    late = [stop for stop in stops if stop.stopped_s > stop.kind.allowed_s]
    if late:
        sys.exit("\n".join(f"too late, {stop.stopped_s:.1f} s: {stop}" for stop in late))


def say_times(kind: Kind, stops: list[Stop]) -> None:
    if stops:
        ended = [stop.stopped_s for stop in stops]
        gone = max(stop.stopped_s + stop.gone_s for stop in stops)
        print(
            f"{kind}: {len(stops)} stops, ended after {statistics.median(ended):.2f} s (median) to "
            f"{max(ended):.2f} s, all processes gone after {gone:.1f} s"
        )


if __name__ == "__main__":
    main()

"""What a study was said to take, before it started and while it ran, against what it took.

    python -m benchmarks.foretold REVIEWS [--rows 4000] [--seeds 0 1] [--only grid random quick]

Five studies are priced as `study price` does, and then run: a grid without a scheduler, random settings under
two seeds, the presets `quick` and `imdb`, which are searches within each cell, and TPE with ASHA over the
standard space. All but `quick` train on real reviews. Each line of a run that ended says how much is left,
which is compared with what was; where it says limits, with these.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis.words.numbers import rough_duration
from benchmarks.peers import Task, describe_data, describe_study, write_task
from study.cli.commands.planning import count_slots
from study.cli.console import ConsoleListener
from study.forecast.price import price_study
from study.running.verbs import run_study
from study.search.first_settings import ask_first_settings
from study.spec.presets import find_document
from study.spec.schema import StudySpec

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}

STUDIES: dict[str, dict[str, Any]] = {
    "grid": {},
    "random": {
        "space": {"units": [16, 32, 64], "layers": [1, 2], "sequence_length": [50, 100, 150]},
        "design": {"kind": "random", "trials": 10},
        "seeds": 2,
        "training": {"max_epochs": 3},
    },
    "quick": find_document("quick")[0],
    "imdb": find_document("imdb")[0],
    "search": {
        "design": {"kind": "search", "sampler": "tpe", "scheduler": "asha", "trials": 18},
        "training": {"max_epochs": 6},
    },
}


class Stamped(io.StringIO):
    """A text file that keeps what a line says is left, and when it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[tuple[float, float]] = []
        self.limits: list[tuple[float, float, float]] = []

    def write(self, text: str) -> int:
        now = time.monotonic()
        self.left += [(now, read_s(said)) for said in re.findall(r"about (\S+ \S+) left", text)]
        limits = re.findall(r" left \((\S+ \S+) to (\S+ \S+)\)", text)
        self.limits += [(now, read_s(low), read_s(high)) for low, high in limits]
        return super().write(text)


def read_s(said: str) -> float:
    """Return the seconds of a duration as the console says it."""
    number, unit = said.split()
    return float(number) * SECONDS[unit]


def describe(name: str, task: Task, seed: int) -> StudySpec:
    document = describe_study(task) if name == "grid" else dict(STUDIES[name])
    if name != "quick":
        document["data"] = describe_data(task)
    return StudySpec.from_document(document | {"name": name, "seed": seed}, name)


def factor_of(said_s: float, was_s: float) -> float:
    """How many times too much or too little."""
    return max(said_s / was_s, was_s / said_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--rows", type=int, default=4000, help="to train on; a quarter as many validate")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], help="of the studies: each is run with all"
    )
    parser.add_argument("--only", nargs="+", choices=list(STUDIES), default=list(STUDIES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foretold-") as folder:
        task = Task(Path(folder), epochs=2, n_settings=18, layers=1)
        write_task(options.reviews, options.rows, task.folder)
        for name, seed in itertools.product(options.only, options.seeds):
            compare(describe(name, task, seed), task.folder / str(seed))


def compare(spec: StudySpec, out: Path) -> None:
    """Price a study, run it, and print how near the price and the lines of the time left came."""
    load = os.getloadavg()[0]
    n_slots, n_slots_here = count_slots(spec)
    known = ask_first_settings(spec, n_slots)
    said = price_study(spec, known, n_slots=n_slots, n_slots_here=n_slots_here).seconds
    stamped = Stamped()
    began = time.monotonic()
    run_study(spec, out, listener=ConsoleListener(Console(file=stamped, width=200), spec))
    ended = time.monotonic()
    took_s = ended - began
    factors = [factor_of(left_s, ended - at) for at, left_s in stamped.left]
    n_inside = sum(low <= ended - at <= high for at, low, high in stamped.limits)
    low, middle, high = map(rough_duration, (said.low, said.middle, said.high))
    print(
        f"{spec.name}, seed {spec.seed}, load {load:.1f}: "
        f"foretold {middle} ({low} to {high}), took {took_s:.0f} s, "
        f"factor {factor_of(said.middle, took_s):.2f}; "
        f"left within 1.5: {sum(f <= 1.5 for f in factors)} of {len(factors)} lines, "
        f"{n_inside} of {len(stamped.limits)} limits hold",
        flush=True,
    )


if __name__ == "__main__":
    main()

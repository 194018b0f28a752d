"""Thousands of trials in one study: what each costs the driver, and what stays in memory.

    python -m benchmarks.scale [--trials 2000] [--designs random tpe] [--epochs 1] [--figure scale.svg]
    python -m benchmarks.scale --real 100

The first trains nothing: each trial is a digest, sent through a real Ray Tune, the records and Optuna's
storage. The second trains tiny models of six architectures, twice what a worker keeps traced. Each study runs
in a process of its own, which samples itself and those below it after every block of trials. Memory is the
proportional set size: pages that several processes share are divided among them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

N_BLOCKS = 20

RATE = {"low": 1e-4, "high": 1e-1, "log": True}
DATA = {"source": "recall", "recall": {"n_texts": 400, "length": 12, "distance": 4, "alphabet": 4}}
SPACE = {
    "units": 8,
    "layers": 1,
    "vocab_size": 20,
    "sequence_length": 13,
    "embedding_dim": 8,
    "learning_rate": RATE,
}
DESIGNS: dict[str, dict[str, Any]] = {
    "random": {"kind": "random"},
    "tpe": {"kind": "search", "sampler": "tpe", "scheduler": "none"},
    "asha": {"kind": "search", "sampler": "random", "scheduler": "asha", "grace_period_epochs": 1},
    "real": {"kind": "random"},
}


Sample = dict[str, float]
"""A study after some number of trials; seconds since its first report, memory and files in MB."""


def cpu_seconds_of(pid: int) -> float:
    """CPU seconds of a process so far, 0 where it is gone."""
    try:
        spent = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return spent.user + spent.system


def memory_mb_of(pid: int) -> float:
    """Proportional set size of a process, 0 where it is gone."""
    try:
        return float(psutil.Process(pid).memory_full_info().pss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


def take_sample(n_trials: int, study: Path) -> Sample:
    """Look at this process, at the workers below it, and at Ray's two services."""
    from tests.study.pretend.programs import descendants, workers

    driver = os.getpid()
    training = workers(driver)
    services = [
        pid
        for pid, command in descendants(driver).items()
        if command.split(" ")[0].endswith(("/gcs_server", "/raylet"))
    ]
    return {
        "trials": n_trials,
        "wall_s": time.monotonic(),
        "driver_cpu_s": time.process_time(),
        "ray_cpu_s": sum(map(cpu_seconds_of, services)),
        "driver_mb": memory_mb_of(driver),
        "worker_mb": max(map(memory_mb_of, training), default=0.0),
        "ray_mb": sum(map(memory_mb_of, services)),
        "records_mb": (study / "records.db").stat().st_size / 2**20,
    }


def run(kind: str, n_trials: int, n_epochs: int) -> list[Sample]:
    """Run a study in this process and the Ray below it; return a sample of each block of trials."""
    from study.running.listener import Listener
    from study.running.verbs import run_study
    from study.spec.schema import StudySpec

    document = {
        "name": "scale",
        "data": DATA,
        "space": SPACE,
        "design": DESIGNS[kind] | {"trials": n_trials},
        "training": {"max_epochs": n_epochs},
    }
    block = max(n_trials // N_BLOCKS, 1)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:

        class Sampler(Listener):
            n_ended = 0

            def on_report(self, assignment: Any, report: Any, state: str) -> None:
                self.n_ended += state != "running"
                if state != "running" and self.n_ended % block == 0:
                    samples.append(take_sample(self.n_ended, Path(folder) / "scale"))

        options: dict[str, Any] = {} if kind == "real" else {"load_worker": load_trivial_worker}
        run_study(StudySpec.from_document(document, kind), Path(folder), listener=Sampler(), **options)
    return samples


def load_trivial_worker() -> Any:
    """Give a worker whose epochs take no time: it computes a digest."""
    from tests.study.pretend.worker import PretendWorker

    class TrivialWorker(PretendWorker):
        epoch_s = 0.0
        checkpoint_interval_s = 30.0

    return TrivialWorker


def per_trial(samples: list[Sample]) -> pd.DataFrame:
    """What a trial of each block cost, in milliseconds and KB, beside the memory at its end."""
    table = pd.DataFrame(samples)
    steps = table.diff().iloc[1:]
    n_trials = steps["trials"]
    return pd.DataFrame(
        {
            "trials": table["trials"].iloc[1:],
            "wall_ms": 1000 * steps["wall_s"] / n_trials,
            "driver_ms": 1000 * steps["driver_cpu_s"] / n_trials,
            "ray_ms": 1000 * steps["ray_cpu_s"] / n_trials,
            "records_kb": 1024 * steps["records_mb"] / n_trials,
            **{name: table[name].iloc[1:] for name in ("driver_mb", "worker_mb", "ray_mb")},
        }
    )


def draw(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw milliseconds of the driver a trial, and memory, against the number of trials."""
    import seaborn as sns

    from analysis.plots.style import FULL_WIDTH_IN, new_figure, styled

    table = pd.concat([t.assign(design=name) for name, t in tables.items()])
    memory = table.melt(["trials", "design"], ["driver_mb", "worker_mb"], "process", "megabytes")
    memory["process"] = memory["process"].map({"driver_mb": "driver", "worker_mb": "largest worker"})
    with styled():
        figure = new_figure(FULL_WIDTH_IN, 3.2)
        left, right = figure.subplots(1, 2)
        sns.lineplot(table, x="trials", y="driver_ms", hue="design", ax=left, marker=".")
        sns.lineplot(memory, x="trials", y="megabytes", hue="design", style="process", ax=right)
        left.set(
            title="Cost of a trial",
            xlabel="trials before it",
            ylabel="driver, CPU ms",
            ylim=(0, None),
        )
        right.set(title="Memory", xlabel="trials", ylabel="proportional set size, MB", ylim=(0, None))
        figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--designs", nargs="+", choices=sorted(DESIGNS), default=["random", "tpe"])
    parser.add_argument("--real", type=int, metavar="N", help="train N tiny models instead")
    parser.add_argument("--figure", type=Path, help="where to draw what was measured")
    arguments = parser.parse_args()
    kinds = ["real"] if arguments.real else arguments.designs
    tables = {}
    for kind in kinds:
        # A process of its own: Ray and Optuna leave much behind in one.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            samples = pool.submit(run, kind, arguments.real or arguments.trials, arguments.epochs).result()
        tables[kind] = per_trial(samples)
        print(f"{kind}\n{tables[kind].to_string(index=False, float_format='{:.1f}'.format)}", flush=True)
    if arguments.figure is not None:
        draw(tables, arguments.figure)


if __name__ == "__main__":
    main()

"""Seconds to a validation accuracy: a search of real reviews here, by KerasTuner's Hyperband, and by Optuna.

    python -m benchmarks.race REVIEWS [--rows 4000] [--limit 150] [--seeds 2] [--targets 0.78 0.80 0.82]

All search the same space, on the same texts, with at most six epochs a run and the rate of successive halving
that their documentation shows: KerasTuner's `Hyperband`, Optuna's TPE with its `HyperbandPruner` in one
process, and this project's TPE with ASHA. The clock starts with the process of each, imports included, and
what is printed is when the first epoch of any run reached the target. Whoever has not reached it when the
limit is over is given none. REVIEWS and KerasTuner are as in `benchmarks/peers.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import platformdirs

from benchmarks.peers import (
    BATCH_SIZE,
    CELLS,
    MODULES,
    VOCAB_SIZE,
    KerasTexts,
    Setting,
    Task,
    build_model,
    describe_data,
    write_task,
)

UNITS, LENGTHS, RATES = (16, 32, 64), (50, 100, 150), (3e-4, 1e-2)
MAX_EPOCHS, FACTOR, N_TRIALS = 6, 3, 1000
MANY = 1000


@dataclass
class Log:
    """A file with the seconds since the contender's start and the validation accuracy of each epoch."""

    path: Path
    began: float

    def note(self, val_accuracy: float) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([time.time() - self.began, val_accuracy]) + "\n")

    def read(self) -> list[tuple[float, float]]:
        if not self.path.exists():
            return []
        return [tuple(json.loads(line)) for line in self.path.read_text(encoding="utf-8").splitlines()]


def fit(
    model: Any,
    texts: KerasTexts,
    length: int,
    on_epoch: Callable[[int, float], None],
    epochs: int = MAX_EPOCHS,
    callbacks: Sequence[Any] = (),
    **given: Any,
) -> Any:
    import keras

    class Hearing(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            on_epoch(epoch, float(logs["val_accuracy"]))

    train, validation = texts.cut(length)
    return model.fit(
        train,
        texts.labels[0],
        validation_data=(validation, texts.labels[1]),
        epochs=epochs,
        batch_size=BATCH_SIZE,
        callbacks=[*callbacks, Hearing()],
        **given | {"verbose": 0},
    )


def race_kerastuner(task: Task, seed: int, log: Log) -> None:
    import keras_tuner

    texts = KerasTexts(task)

    class Reviews(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            setting = Setting(
                hp.Choice("cell", list(CELLS)),
                hp.Boolean("bidirectional"),
                hp.Choice("units", list(UNITS)),
                hp.Choice("length", list(LENGTHS)),
            )
            return build_model(setting, task, hp.Float("rate", *RATES, sampling="log"))

        def fit(self, hp: Any, model: Any, *_: Any, **given: Any) -> Any:
            return fit(model, texts, hp.get("length"), lambda _, accuracy: log.note(accuracy), **given)

    tuner = keras_tuner.Hyperband(
        Reviews(),
        objective="val_accuracy",
        max_epochs=MAX_EPOCHS,
        factor=FACTOR,
        hyperband_iterations=MANY,
        seed=seed,
        directory=task.folder / f"kerastuner-{seed}",
        overwrite=True,
    )
    tuner.search(verbose=0)


def race_optuna(task: Task, seed: int, log: Log) -> None:
    import keras
    import optuna

    texts = KerasTexts(task)

    def objective(trial: Any) -> float:
        keras.backend.clear_session()
        setting = Setting(
            trial.suggest_categorical("cell", list(CELLS)),
            trial.suggest_categorical("bidirectional", [False, True]),
            trial.suggest_categorical("units", list(UNITS)),
            trial.suggest_categorical("length", list(LENGTHS)),
        )
        model = build_model(setting, task, trial.suggest_float("rate", *RATES, log=True))
        reached: list[float] = []

        def record(epoch: int, val_accuracy: float) -> None:
            log.note(val_accuracy)
            reached.append(val_accuracy)
            trial.report(val_accuracy, epoch + 1)
            if trial.should_prune():
                raise optuna.TrialPruned

        fit(model, texts, setting.length, record)
        return max(reached)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.HyperbandPruner(1, MAX_EPOCHS, FACTOR),
    )
    study.optimize(objective, n_trials=N_TRIALS)


def race_ours(task: Task, seed: int, log: Log) -> None:
    from study.running.listener import Listener
    from study.running.verbs import run_study
    from study.spec.schema import StudySpec

    class Hearing(Listener):
        def on_report(self, assignment: Any, report: Any, state: str) -> None:
            if report.figures is not None:
                log.note(report.figures.val_accuracy)

    document = {
        "name": f"race-{seed}",
        "seed": seed,
        "data": describe_data(task),
        "space": {
            "cell": list(CELLS),
            "bidirectional": [False, True],
            "units": list(UNITS),
            "sequence_length": list(LENGTHS),
            "learning_rate": {"low": RATES[0], "high": RATES[1], "log": True},
            "layers": task.layers,
            "vocab_size": VOCAB_SIZE,
            "embedding_dim": task.embedding_dim,
            "batch_size": BATCH_SIZE,
        },
        "design": {"kind": "search", "trials": N_TRIALS, "scheduler": "asha", "reduction_factor": FACTOR},
        "training": {"max_epochs": MAX_EPOCHS},
    }
    run_study(StudySpec.from_document(document, "race"), task.folder, listener=Hearing())


RACERS: dict[str, Callable[[Task, int, Log], None]] = {
    "kerastuner": race_kerastuner,
    "optuna": race_optuna,
    "ours": race_ours,
}


def race(who: str, task: Task, seed: int, limit_s: float) -> list[tuple[float, float]]:
    """Let one contender search until the limit; return what it noted."""
    log = task.folder / f"{who}-{seed}.jsonl"
    began = time.time()
    question = json.dumps([who, str(task.folder), task.layers, seed, str(log), began])
    command = [sys.executable, "-m", "benchmarks.race", "--contender", question]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.communicate()
    noted = Log(log, began).read()
    if not noted:
        raise SystemExit(f"{who} trained nothing within {limit_s:g} s")
    return [(seconds, accuracy) for seconds, accuracy in noted if seconds <= limit_s]


def contend(question: str) -> None:
    """What the process of one contender does."""
    who, folder, layers, seed, log, began = json.loads(question)
    RACERS[who](Task(Path(folder), MAX_EPOCHS, 18, layers), seed, Log(Path(log), began))


def seconds_to(noted: list[tuple[float, float]], target: float) -> float:
    return min((seconds for seconds, accuracy in noted if accuracy >= target), default=math.inf)


def print_table(results: dict[str, list[list[tuple[float, float]]]], targets: list[float]) -> None:
    print(f"{'seconds to a validation accuracy of':38}" + "".join(f"{who:>22}" for who in results))
    for target in targets:
        times = {who: [seconds_to(noted, target) for noted in runs] for who, runs in results.items()}
        row = ("  ".join("-" if math.isinf(s) else f"{s:.0f}" for s in many) for many in times.values())
        print(f"{target:<38.3f}" + "".join(f"{cell:>22}" for cell in row))
    for title, figure in (
        ("epochs within the limit, mean", lambda noted: float(len(noted))),
        ("best within the limit, mean", lambda noted: max(accuracy for _, accuracy in noted)),
    ):
        means = [float(np.mean([figure(noted) for noted in runs])) for runs in results.values()]
        print(f"{title:38}" + "".join(f"{mean:22.3f}" for mean in means))


def main() -> None:
    if sys.argv[1:2] == ["--contender"]:
        contend(sys.argv[2])
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--rows", type=int, default=4000, help="to train on; a quarter as many validate")
    parser.add_argument("--limit", type=float, default=150.0, help="seconds of each search")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--targets", type=float, nargs="+", default=[0.76, 0.78, 0.80, 0.82])
    parser.add_argument("--only", nargs="+", choices=list(RACERS), default=list(RACERS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="race-") as folder:
        os.environ.setdefault(
            "NUMBA_CACHE_DIR", platformdirs.user_cache_dir("recurrent-study", appauthor=False)
        )
        os.environ["XDG_CACHE_HOME"] = folder
        task = Task(Path(folder), MAX_EPOCHS, 18, 1)
        write_task(options.reviews, options.rows, task.folder)
        present = [who for who in options.only if find_spec(MODULES[who]) is not None]
        results = {
            who: [race(who, task, seed, options.limit) for seed in range(options.seeds)] for who in present
        }
        print_table(results, options.targets)


if __name__ == "__main__":
    main()

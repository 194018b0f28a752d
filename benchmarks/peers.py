"""The same settings of real reviews under KerasTuner, Optuna, Ray Tune and this project, one after the other.

    python benchmarks/peers.py REVIEWS [--rows 4000] [--epochs 2] [--settings 18] [--only ours ray]
    python benchmarks/peers.py REVIEWS --layers 2 --embedding 128 --optimizer adamax --sizes 48x120 24x80 9x40

REVIEWS is a table (.csv, .tsv, .jsonl or .parquet) with columns `text` and `label`. Each peer does what its
own documentation shows: KerasTuner a hypermodel whose `fit` prepares the data, Optuna an objective in its own
process, Ray Tune a function for each trial on one CPU. All train the same classifier, from a seed, on the
same texts, with the same batches, optimizer and epochs, and encode the texts once. Each runs in a process of
its own; its seconds count from that process's start to its end, imports and, for this project, its records,
lines to beat and report included. Compiled cells come from the user's cache where they were used before.

KerasTuner is needed here alone and is no part of the project: `pip install --no-deps --target FOLDER
keras-tuner kt-legacy tensorboard tensorboard-data-server markdown werkzeug`, then PYTHONPATH=FOLDER. A peer
that is not installed is left out, and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
import pandas as pd
import platformdirs

CELLS = ("rnn", "gru", "lstm")
SIZES = ((64, 150), (32, 100), (16, 50))  # the long ones first, for everybody
N_OF_SIZE = 2 * len(CELLS)
VOCAB_SIZE, BATCH_SIZE, LEARNING_RATE, SEED = 10_000, 64, 1e-3, 0
N_TEST = 100
"""Sealed texts, which this project wants to see; nobody trains on them or reads them."""

TIMEOUT_S = 7200.0

MODULES = {"kerastuner": "keras_tuner", "optuna": "optuna", "ray": "ray", "ours": "study"}


@dataclass(frozen=True)
class Setting:
    cell: str
    bidirectional: bool
    units: int
    length: int

    def __str__(self) -> str:
        return f"{'bi' if self.bidirectional else ''}{self.cell} {self.units} x {self.length}"


@dataclass(frozen=True)
class Trial:
    setting: Setting
    wall_s: float
    val_accuracy: float


@dataclass(frozen=True)
class Task:
    """What everybody is given."""

    folder: Path
    epochs: int
    n_settings: int
    layers: int
    sizes: tuple[tuple[int, int], ...] = SIZES
    embedding_dim: int = 64
    optimizer: str = "adam"

    @property
    def settings(self) -> list[Setting]:
        sizes = self.sizes[len(self.sizes) - self.n_settings // N_OF_SIZE :]
        return [Setting(c, both, u, n) for u, n in sizes for c in CELLS for both in (False, True)]

    def table(self, split: str) -> pd.DataFrame:
        table = pd.read_parquet(self.folder / "reviews.parquet")
        return table[table["split"] == split]


def write_task(source: Path, n_rows: int, folder: Path) -> None:
    """Draw balanced reviews: `n_rows` to train, a quarter as many to validate."""
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".tsv": lambda path: pd.read_csv(path, sep="\t"),
        ".jsonl": lambda path: pd.read_json(path, lines=True),
    }
    table = readers[source.suffix](source)[["text", "label"]].drop_duplicates("text")
    sizes = {"train": n_rows, "validation": n_rows // 4, "test": N_TEST}
    parts = []
    for _, rows in table.groupby("label"):
        share = {split: n // table["label"].nunique() for split, n in sizes.items()}
        drawn = rows.sample(sum(share.values()), random_state=SEED)
        parts.append(drawn.assign(split=np.repeat(list(share), list(share.values()))))
    shuffled = pd.concat(parts).sample(frac=1.0, random_state=SEED)
    shuffled.to_parquet(folder / "reviews.parquet", index=False)


class KerasTexts:
    """Texts as Keras's own layers and helpers encode them, once."""

    def __init__(self, task: Task) -> None:
        import keras

        vectorize = keras.layers.TextVectorization(VOCAB_SIZE, ragged=True)
        train, validation = task.table("train"), task.table("validation")
        vectorize.adapt(train["text"].to_numpy())
        self._pad = keras.utils.pad_sequences
        self._sequences = [vectorize(part["text"].to_numpy()).to_list() for part in (train, validation)]
        self.labels = [pd.factorize(part["label"], sort=True)[0] for part in (train, validation)]

    def cut(self, length: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The last `length` tokens of each text, padded in front, as Keras's example does."""
        train, validation = (self._pad(sequences, maxlen=length) for sequences in self._sequences)
        return train, validation


def build_model(setting: Setting, task: Task, learning_rate: float = LEARNING_RATE) -> Any:
    import keras

    keras.utils.set_random_seed(SEED)
    kinds = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    model = keras.Sequential([keras.layers.Embedding(VOCAB_SIZE, task.embedding_dim)])
    for depth in range(1, task.layers + 1):
        layer = kinds[setting.cell](setting.units, return_sequences=depth < task.layers)
        model.add(keras.layers.Bidirectional(layer) if setting.bidirectional else layer)
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    kind = {"class_name": task.optimizer, "config": {"learning_rate": learning_rate}}
    optimizer = keras.optimizers.get(kind)
    model.compile(optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


def fit_model(model: Any, texts: KerasTexts, length: int, epochs: int) -> float:
    """Train, and return the validation accuracy after the last epoch."""
    train, validation = texts.cut(length)
    history = model.fit(
        train,
        texts.labels[0],
        validation_data=(validation, texts.labels[1]),
        epochs=epochs,
        batch_size=BATCH_SIZE,
        verbose=0,
    )
    return float(history.history["val_accuracy"][-1])


def run_kerastuner(task: Task) -> list[Trial]:
    import keras_tuner

    texts, settings, trials = KerasTexts(task), task.settings, []

    class Reviews(keras_tuner.HyperModel):
        def build(self, hp: Any) -> Any:
            self.began = time.perf_counter()
            index = hp.Choice("setting", list(range(len(settings))))
            return build_model(settings[index], task)

        def fit(self, hp: Any, model: Any, *_: Any, **__: Any) -> float:
            setting = settings[hp.get("setting")]
            val_accuracy = fit_model(model, texts, setting.length, task.epochs)
            trials.append(Trial(setting, time.perf_counter() - self.began, val_accuracy))
            return -val_accuracy  # a single number is minimised

    tuner = keras_tuner.GridSearch(Reviews(), directory=task.folder / "kerastuner", overwrite=True)
    tuner.search(verbose=0)
    return trials


def run_optuna(task: Task) -> list[Trial]:
    import keras
    import optuna

    texts, settings = KerasTexts(task), task.settings

    def objective(trial: Any) -> float:
        keras.backend.clear_session()
        setting = settings[trial.suggest_categorical("setting", list(range(len(settings))))]
        return fit_model(build_model(setting, task), texts, setting.length, task.epochs)

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.GridSampler({"setting": list(range(len(settings)))}, seed=SEED)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=len(settings))
    return [
        Trial(settings[t.params["setting"]], t.duration.total_seconds(), t.value)
        for t in study.trials
        if t.value is not None and t.duration is not None
    ]


def run_ray(task: Task) -> list[Trial]:
    import ray
    from ray import tune

    settings = task.settings

    def train(config: dict[str, Any], texts: KerasTexts) -> None:
        setting = settings[config["setting"]]
        model = build_model(setting, task)
        tune.report({"val_accuracy": fit_model(model, texts, setting.length, task.epochs)})

    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(train, texts=KerasTexts(task)), {"cpu": 1}),
        param_space={"setting": tune.grid_search(list(range(len(settings))))},
        run_config=tune.RunConfig(storage_path=str(task.folder / "ray"), verbose=0),
    )
    return [
        Trial(settings[r.config["setting"]], r.metrics["time_total_s"], r.metrics["val_accuracy"])
        for r in tuner.fit()
    ]


def describe_data(task: Task) -> dict[str, Any]:
    """The reviews as this project's spec names them: words, and cut and padded in front as by the peers."""
    source = str(task.folder / "reviews.parquet")
    return {"source": source, "split": "split", "tokens": "words", "padding": "pre", "truncation": "pre"}


def describe_study(task: Task) -> dict[str, Any]:
    """The settings as a spec of this project."""
    sizes = {(s.units, s.length): None for s in task.settings}
    pairs = [f"(units == {units} and sequence_length == {length})" for units, length in sizes]
    return {
        "name": "peers",
        "seed": SEED,
        "data": describe_data(task),
        "space": {
            "parameters": {
                "units": [units for units, _ in sizes],
                "sequence_length": [length for _, length in sizes],
                "cell": list(CELLS),
                "bidirectional": [False, True],
                "layers": task.layers,
                "vocab_size": VOCAB_SIZE,
                "embedding_dim": task.embedding_dim,
                "optimizer": task.optimizer,
                "batch_size": BATCH_SIZE,
                "learning_rate": LEARNING_RATE,
            },
            "constraints": [" or ".join(pairs)],
        },
        "design": "grid",
        "training": {"max_epochs": task.epochs},
    }


def run_ours(task: Task) -> list[Trial]:
    import analysis
    from study.running.verbs import run_study
    from study.spec.schema import StudySpec

    result = run_study(StudySpec.from_document(describe_study(task), "peers"), task.folder)
    rows = analysis.load(result.directory.path).trials.to_dict("records")
    return [
        Trial(
            Setting(r["cell"], bool(r["bidirectional"]), int(r["units"]), int(r["sequence_length"])),
            float(r["wall_s"]),
            float(r["val_accuracy_last"]),
        )
        for r in rows
    ]


RUNNERS: dict[str, Callable[[Task], list[Trial]]] = {
    "kerastuner": run_kerastuner,
    "optuna": run_optuna,
    "ray": run_ray,
    "ours": run_ours,
}


def measure(who: str, task: Task) -> tuple[float, list[Trial]]:
    """Run one contender in a process of its own; return its seconds and trials."""
    answer = task.folder / f"{who}.json"
    content = asdict(task) | {"folder": str(task.folder)}
    command = [sys.executable, str(Path(__file__)), "--contender", who, json.dumps(content), str(answer)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    wall_s = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{who} failed:\n{done.stderr[-3000:]}")
    rows = json.loads(answer.read_text(encoding="utf-8"))
    return wall_s, [Trial(Setting(**row.pop("setting")), **row) for row in rows]


def contend(who: str, content: str, answer: str) -> None:
    """What the process of one contender does."""
    values = json.loads(content)
    task = Task(**values | {"folder": Path(values["folder"])})
    trials = RUNNERS[who](task)
    Path(answer).write_text(json.dumps([asdict(trial) for trial in trials]), encoding="utf-8")


def print_table(task: Task, results: dict[str, tuple[float, list[Trial]]]) -> None:
    print(f"{'wall s, accuracy after the last epoch':34}" + "".join(f"{who:>18}" for who in results))
    for setting in task.settings:
        cells = []
        for _, trials in results.values():
            (trial,) = (t for t in trials if t.setting == setting)
            cells.append(f"{trial.wall_s:9.1f}   {trial.val_accuracy:.3f}")
        print(f"{setting!s:34}" + "".join(f"{cell:>18}" for cell in cells))
    means = [float(np.mean([t.val_accuracy for t in trials])) for _, trials in results.values()]
    print(f"{'mean accuracy':34}" + "".join(f"{mean:18.3f}" for mean in means))
    sums = [sum(t.wall_s for t in trials) for _, trials in results.values()]
    print(f"{'seconds of the trials, summed':34}" + "".join(f"{total_s:18.1f}" for total_s in sums))
    print(f"{'seconds in all':34}" + "".join(f"{wall_s:18.1f}" for wall_s, _ in results.values()))
    peers = {who: wall_s for who, (wall_s, _) in results.items() if who != "ours"}
    if peers and "ours" in results:
        best = min(peers, key=lambda who: peers[who])
        print(f"ours / best peer ({best}): {results['ours'][0] / peers[best]:.2f}")


def read_size(text: str) -> tuple[int, int]:
    """Read units and length, as 64x150."""
    units, length = map(int, text.split("x"))
    return units, length


def main() -> None:
    if sys.argv[1:2] == ["--contender"]:
        contend(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--rows", type=int, default=4000, help="to train on; a quarter as many validate")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--optimizer", default="adam", choices=("adam", "adamax", "rmsprop"))
    parser.add_argument(
        "--sizes", nargs=3, type=read_size, default=SIZES, metavar="UNITSxLENGTH", help="the largest first"
    )
    parser.add_argument(
        "--settings", type=int, default=18, choices=range(N_OF_SIZE, 19, N_OF_SIZE), help="the smallest first"
    )
    parser.add_argument("--only", nargs="+", choices=list(RUNNERS), default=list(RUNNERS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        # Texts encoded by an earlier call would spare this project, and nobody else, a second.
        os.environ.setdefault(
            "NUMBA_CACHE_DIR", platformdirs.user_cache_dir("recurrent-study", appauthor=False)
        )
        os.environ["XDG_CACHE_HOME"] = folder
        sizes = tuple(options.sizes)
        task = Task(
            Path(folder),
            options.epochs,
            options.settings,
            options.layers,
            sizes,
            options.embedding,
            options.optimizer,
        )
        write_task(options.reviews, options.rows, task.folder)
        results = {}
        for who in options.only:
            if find_spec(MODULES[who]) is None:
                print(f"{who} is left out: {MODULES[who]} is not installed")
                continue
            results[who] = measure(who, task)
            print(f"{who}: {results[who][0]:.1f} s", flush=True)
        print_table(task, results)


if __name__ == "__main__":
    main()

"""Each tool really writes what is read; Optuna does so in `test_tools.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import analysis

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_an_experiment_of_ray_tune_is_read(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from ray import tune

    def train_a_curve(config: dict[str, Any]) -> None:  # in here, so that it travels to the worker by value
        for epoch in range(3):
            if config["lr"] == 0.1 and epoch == 1:
                raise ValueError("the loss is not finite")
            tune.report({"val_loss": 1 / (epoch + 1) + config["lr"], "val_accuracy": 0.5 + 0.1 * epoch})

    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        tune.Tuner(
            train_a_curve,
            param_space={"lr": tune.grid_search([0.1, 0.01]), "net": {"units": 4}, "seed": 7},
            run_config=tune.RunConfig(name="experiment", storage_path=str(tmp_path), verbose=0),
        ).fit()
    finally:
        ray.shutdown()

    study = analysis.import_study(str(tmp_path / "experiment"))

    assert study.parameters == ("lr", "net.units")
    assert study.trials["state"].tolist() == ["failed", "completed"]
    assert "the loss is not finite" in study.trials["reason"].iloc[0]
    assert study.trials["seed"].tolist() == [7, 7]
    assert study.epochs.query("trial == 1")["val_accuracy"].tolist() == [0.5, 0.6, 0.7]


def make_model(units: int) -> Any:
    keras = pytest.importorskip("keras")
    layers = [keras.layers.Input((4,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make_data() -> tuple[Any, Any]:
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype(int)


def test_histories_and_event_files_of_keras_tell_the_same(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    hparams = pytest.importorskip("tensorboard.plugins.hparams.api")
    (tmp_path / "csv").mkdir()
    (tmp_path / "json").mkdir()
    for units in (4, 8):
        for seed in (0, 1):
            keras.utils.set_random_seed(seed)
            events = str(tmp_path / "events" / f"{units}-{seed}")
            params = {"units": units, "seed": seed}
            callbacks = [
                keras.callbacks.CSVLogger(str(tmp_path / "csv" / f"units={units},seed={seed}.csv")),
                keras.callbacks.TensorBoard(events, write_graph=False),
                hparams.KerasCallback(events, params),
            ]
            fitted = make_model(units).fit(
                *make_data(), epochs=3, validation_split=0.25, verbose=0, callbacks=callbacks
            )
            document = {"params": params, "history": fitted.history}
            (tmp_path / "json" / f"{units}-{seed}.json").write_text(json.dumps(document))

    csv, json_, events_ = (analysis.import_study(str(tmp_path / kind)) for kind in ("csv", "json", "events"))

    metrics = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
    assert csv.epochs[metrics].notna().all(axis=None)
    np.testing.assert_allclose(json_.epochs[metrics], csv.epochs[metrics], rtol=1e-6)
    np.testing.assert_allclose(events_.epochs[metrics], csv.epochs[metrics], rtol=1e-6)
    for study in (csv, json_, events_):
        assert study.trials[["units", "seed"]].values.tolist() == [[4, 0], [4, 1], [8, 0], [8, 1]]


def test_a_search_of_keras_tuner_is_read(tmp_path: Path) -> None:
    keras_tuner = pytest.importorskip("keras_tuner")
    tuner = keras_tuner.RandomSearch(
        lambda hp: make_model(hp.Choice("units", [4, 8])),
        objective="val_accuracy",
        max_trials=2,
        directory=str(tmp_path),
        project_name="search",
    )
    tuner.search(*make_data(), epochs=2, validation_split=0.25, verbose=0)

    study = analysis.import_study(str(tmp_path / "search"))

    assert sorted(study.trials["units"]) == [4, 8]
    scores = {trial.hyperparameters["units"]: trial.score for trial in tuner.oracle.trials.values()}
    assert dict(zip(study.trials["units"], study.trials["val_accuracy"], strict=True)) == scores

"""Runs are sent to a real MLflow, with a database of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import analysis
from analysis import Study

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/mlflow.db"


def list_runs(uri: str, name: str) -> tuple[Any, dict[str, Any]]:
    """The study's run, and those below it by name."""
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name(name).experiment_id], max_results=1000)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert {run.data.tags.get("mlflow.parentRunId", parent.info.run_id) for run in runs} == {
        parent.info.run_id
    }
    return parent, {run.info.run_name: run for run in runs if run is not parent}


def read_curve(uri: str, run: Any, metric: str) -> list[tuple[int, float]]:
    history = mlflow.MlflowClient(tracking_uri=uri).get_metric_history(run.info.run_id, metric)
    return [(point.step, point.value) for point in history]


def curves_of(study: Study, metric: str) -> dict[str, list[tuple[int, float]]]:
    merged = study.epochs.merge(study.trials[["trial", "phase", "replicate", "seed"]])
    return {
        f"trial-{trial:04d}/seed={seed}": list(zip(rows["epoch"], rows[metric], strict=True))
        for (trial, seed), rows in merged.groupby(["trial", "seed"])
    }


def test_a_study_is_a_run_with_a_run_below_it_for_each_replicate(small_study: Study, uri: str) -> None:
    assert analysis.write_mlflow(small_study, uri) == small_study.name

    parent, runs = list_runs(uri, small_study.name)

    assert parent.info.status == "FINISHED"
    assert parent.data.params["objective"] == "val_accuracy"
    curves = curves_of(small_study, "val_loss")
    assert {name: read_curve(uri, run, "val_loss") for name, run in runs.items()} == curves
    states = [run.info.status for run in runs.values()]
    assert states.count("KILLED") == (small_study.trials["state"] == "pruned").sum() > 0
    first = small_study.trials.iloc[0]
    sent = runs[f"trial-0000/seed={first['seed']}"].data
    assert sent.params == {name: str(first[name]) for name in (*small_study.parameters, "seed")}
    assert sent.metrics["best_val_accuracy"] == first["val_accuracy"]


def test_what_has_come_since_is_added_to_the_same_runs(write_database: Any, uri: str) -> None:
    records = write_database(n_trials=3, n_seeds=1)
    whole = analysis.load(records)
    with closing(sqlite3.connect(records)) as db:
        complete = list(db.iterdump())
        db.execute("UPDATE attempts SET state = 'running', wall_s = NULL")
        db.execute("DELETE FROM epochs WHERE epoch > 1")
        db.commit()
    analysis.write_mlflow(analysis.load(records), uri)
    parent, early = list_runs(uri, whole.name)
    records.unlink()
    with closing(sqlite3.connect(records)) as db:
        db.executescript("\n".join(complete))

    for _ in range(2):
        analysis.write_mlflow(analysis.load(records), uri)

    assert parent.info.status == "RUNNING"
    assert {run.info.status for run in early.values()} == {"RUNNING"}
    parent, late = list_runs(uri, whole.name)
    assert parent.info.status == "FINISHED"
    assert {name: run.info.run_id for name, run in late.items()} == {
        name: run.info.run_id for name, run in early.items()
    }
    curves = {name: read_curve(uri, run, "val_accuracy") for name, run in late.items()}
    assert curves == curves_of(whole, "val_accuracy")


def test_what_mlflow_does_not_take_is_one_line(small_study: Study) -> None:
    with pytest.raises(analysis.AnalysisError, match=r"^MLflow at http://127\.0\.0\.1:9 does not take .*$"):
        analysis.write_mlflow(small_study, "http://127.0.0.1:9")


def test_a_study_is_sent_nowhere_by_default(
    small_study: Study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    with pytest.raises(analysis.AnalysisError, match=r"none is given; name one, e\.g\. sqlite:///mlflow\.db"):
        analysis.write_mlflow(small_study)
    assert list(tmp_path.iterdir()) == []

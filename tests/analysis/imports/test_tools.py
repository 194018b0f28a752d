"""Files in the documented form of each tool, written here; `test_real_tools.py` lets the tools write them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from analysis import AnalysisError, import_study, summarize


def write_tune_trial(folder: Path, params: dict[str, object], losses: list[float], *, cut: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(json.dumps(params))
    lines = [
        json.dumps(
            {"val_loss": loss, "training_iteration": number, "time_total_s": 2.0 * number, "config": params}
        )
        for number, loss in enumerate(losses, start=1)
    ]
    (folder / "result.json").write_text("\n".join(lines) + "\n" + cut)


def test_a_tune_experiment_tells_settings_seeds_and_those_that_were_stopped(tmp_path: Path) -> None:
    write_tune_trial(tmp_path / "a", {"net": {"units": 8}, "seed": 3}, [0.9, 0.8, 0.7])
    write_tune_trial(tmp_path / "b", {"net": {"units": 8}, "seed": 4}, [0.9, 0.8, 0.75])
    write_tune_trial(tmp_path / "c", {"net": {"units": 4}, "seed": 3}, [0.95])
    write_tune_trial(tmp_path / "d", {"net": {"units": 2}, "seed": 3}, [0.9, 0.8], cut='{"val_loss": 0.')
    (tmp_path / "d" / "error.txt").write_text("Traceback ...\nValueError: boom\n")

    study = import_study(str(tmp_path))

    assert study.facts.made_by == "Ray Tune"
    assert study.parameters == ("net.units",)
    assert study.trials["state"].tolist() == ["completed", "completed", "pruned", "failed"]
    assert study.trials["seed"].tolist() == [3, 4, 3, 3]
    assert study.trials["reason"].iloc[3] == "ValueError: boom"
    assert study.trials["wall_s"].tolist() == [6.0, 6.0, 2.0, 4.0]
    assert study.notes[0].endswith(
        "ended before iteration 3 is taken to have been stopped by its scheduler: 1 run."
    )
    assert study.epochs.query("trial == 1")["val_loss"].tolist() == [0.95]


def write_tune_state(folder: Path, session: str, **statuses: str) -> None:
    """As a session of Tune leaves it: trials as JSON in JSON."""
    trials = [
        [json.dumps({"relative_logdir": name, "status": status}), "{}"] for name, status in statuses.items()
    ]
    (folder / f"experiment_state-{session}.json").write_text(json.dumps({"trial_data": trials}))


def test_a_trial_of_tune_that_was_restored_ended_as_the_last_session_says(tmp_path: Path) -> None:
    for name in "abc":
        write_tune_trial(tmp_path / name, {"x": name}, [0.9, 0.8])
    for name in "ab":
        (tmp_path / name / "error.txt").write_text("ValueError: boom\n")
    write_tune_state(tmp_path, "2026-11-28_17-37-37", a="ERROR", b="ERROR", c="RUNNING")
    write_tune_state(tmp_path, "2026-11-28_17-37-55", a="TERMINATED", b="ERROR", c="RUNNING")

    read = import_study(str(tmp_path)).trials

    assert read["state"].tolist() == ["completed", "failed", "running"]
    assert read["reason"].tolist() == [None, "ValueError: boom", None]
    (tmp_path / "experiment_state-2026-11-28_18-00-00.json").write_text('{"trial_d')
    assert import_study(str(tmp_path)).trials["state"].tolist() == ["completed", "failed", "running"]
    assert import_study(str(tmp_path / "a")).trials["state"].tolist() == ["completed"]


def test_shorter_runs_of_tune_are_completed_where_that_is_said(tmp_path: Path) -> None:
    write_tune_trial(tmp_path / "a", {"x": 1}, [0.9, 0.8])
    write_tune_trial(tmp_path / "b", {"x": 2}, [0.9])

    assert import_study(str(tmp_path), shorter="completed").trials["state"].tolist() == ["completed"] * 2
    with pytest.raises(
        AnalysisError, match="--shorter 'late': runs that ended early are pruned or completed"
    ):
        import_study(str(tmp_path), shorter="late")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("result.json", '{"val_loss": 1}\n{"val_\n{"val_loss": 2}\n', "line 2 is no JSON"),
        ("params.json", "[1, 2]", "is no JSON object"),
        ("params.json", "{", "is no JSON"),
    ],
)
def test_a_damaged_trial_of_tune_is_refused_by_name(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    write_tune_trial(tmp_path / "a", {"x": 1}, [0.9])
    (tmp_path / "a" / name).write_text(content)

    with pytest.raises(AnalysisError, match=rf"a/{name}: {message}"):
        import_study(str(tmp_path))


def test_a_keras_tuner_search_tells_executions_as_seeds(tmp_path: Path) -> None:
    for number, status in enumerate(["COMPLETED", "FAILED"]):
        folder = tmp_path / f"trial_{number}"
        folder.mkdir()
        document = {
            "trial_id": str(number),
            "hyperparameters": {"space": [], "values": {"units": 8, "tuner/epochs": 2}},
            "metrics": {
                "metrics": {
                    "val_accuracy": {"direction": "max", "observations": [{"value": [0.7, 0.8], "step": 1}]}
                }
                if status == "COMPLETED"
                else {}
            },
            "status": status,
            "message": "Traceback\nValueError: bad" if status == "FAILED" else None,
        }
        (folder / "trial.json").write_text(json.dumps(document))

    study = import_study(str(tmp_path))

    assert study.trials[["trial", "replicate", "state"]].values.tolist() == [
        [0, 1, "completed"],
        [0, 2, "completed"],
        [0, 3, "failed"],
    ]
    assert study.trials["val_accuracy"].tolist()[:2] == [0.7, 0.8]
    assert study.trials["reason"].iloc[2] == "ValueError: bad"
    assert study.parameters == ("units",)
    assert "no curves to judge" in study.notes[-1]


def write_keras_tuner_trial(folder: Path, number: int, score: float | None, **metrics: list[float]) -> None:
    (folder / f"trial_{number}").mkdir()
    document = {
        "hyperparameters": {"values": {"units": number}},
        "metrics": {"metrics": {n: {"observations": [{"value": v, "step": 1}]} for n, v in metrics.items()}},
        "status": "COMPLETED",
        "score": score,
    }
    (folder / f"trial_{number}" / "trial.json").write_text(json.dumps(document))


def test_a_keras_tuner_search_chose_by_what_its_scores_are_and_is_not_told_to_train_longer(
    tmp_path: Path,
) -> None:
    write_keras_tuner_trial(tmp_path, 0, 0.5, val_loss=[0.4, 0.6], val_accuracy=[0.7, 0.8])
    write_keras_tuner_trial(tmp_path, 1, 0.3, val_loss=[0.3], val_accuracy=[0.3])
    write_keras_tuner_trial(tmp_path, 2, None, val_loss=[float("nan")], val_accuracy=[0.5])

    study = import_study(tmp_path)

    assert study.facts.objective == "val_loss"
    assert study.trials["state"].tolist() == ["completed", "completed", "completed", "diverged"]
    assert not [text for text in (finding.text for finding in summarize(study)) if "train longer" in text]


def test_histories_of_keras_take_parameters_from_names_and_files(tmp_path: Path) -> None:
    (tmp_path / "cell=lstm").mkdir()
    (tmp_path / "cell=lstm" / "units=8,seed=1.csv").write_text("epoch,loss,val_loss\n0,1.0,0.9\n1,0.8,0.7\n")
    history = {"loss": [1.0, 0.7], "val_loss": [0.9, 0.6]}
    (tmp_path / "b.json").write_text(json.dumps({"params": {"cell": "gru", "units": 8}, "history": history}))
    (tmp_path / "notes.json").write_text('{"x": 1}')

    study = import_study(str(tmp_path))

    assert study.trials[["cell", "units", "val_loss"]].values.tolist() == [
        ["gru", 8, 0.6],
        ["lstm", 8, 0.7],
    ]


def test_a_history_of_keras_keeps_its_epochs_and_drops_a_line_that_was_cut(tmp_path: Path) -> None:
    (tmp_path / "units=4.csv").write_text("epoch,loss,val_loss\n0,1.0,0.9\n1,0.9,0.8\n2,0.8,0.7\n3,0.")
    (tmp_path / "units=8.csv").write_text("epoch,loss,val_loss\n0,1.0,0.9\n2,0.8,0.7\n")

    study = import_study(tmp_path)

    assert study.epochs[["trial", "epoch"]].values.tolist() == [[0, 1], [0, 2], [0, 3], [1, 1], [1, 3]]
    assert study.notes[0] == "units=4.csv: the last line was cut while it was written, and is left out."
    (tmp_path / "units=8.csv").write_text("epoch,loss,val_loss\n0,1.0,0.9\n0,0.8,0.7\n")
    with pytest.raises(
        AnalysisError, match=r"units=8\.csv: each run has each epoch once: .*has epoch 0 twice"
    ):
        import_study(tmp_path)


@pytest.mark.parametrize(
    "history",
    [
        {"loss": [0.6, 0.5], "val_loss": [0.7, 0.6]},
        {"loss": {"0": 0.6, "1": 0.5}, "val_loss": {"0": 0.7, "1": 0.6}},  # DataFrame(history).to_json()
    ],
)
def test_one_history_of_keras_is_a_study_too(tmp_path: Path, history: dict[str, object]) -> None:
    path = tmp_path / "units=8.json"
    path.write_text(json.dumps(history))

    study = import_study(path)

    assert study.facts.made_by == "Keras"
    assert study.epochs[["train_loss", "val_loss"]].values.tolist() == [[0.6, 0.7], [0.5, 0.6]]
    assert study.trials["units"].tolist() == [8]


def test_losses_that_are_nan_or_infinite_are_measured_alike(tmp_path: Path) -> None:
    for name, end in (("a", float("nan")), ("b", float("inf")), ("c", 0.7)):
        write_tune_trial(tmp_path / "tune" / name, {"x": name}, [0.9, end])
        history = {"history": {"val_loss": [0.9, end]}, "params": {"x": name}}
        (tmp_path / f"{name}.json").write_text(json.dumps(history))

    for folder in (tmp_path / "tune", tmp_path):
        study = import_study(folder, kind="ray" if folder.name == "tune" else "keras")

        assert study.trials["state"].tolist() == ["diverged", "diverged", "completed"]
        assert study.trials["epochs_run"].tolist() == [2, 2, 2]


def test_a_table_of_mlflow_is_a_row_a_run(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    pd.DataFrame(
        {
            "run_id": ["a", "b"],
            "status": ["FINISHED", "FAILED"],
            "params.units": ["8", "16"],
            "params.bidirectional": ["True", "False"],
            "metrics.val_loss": [0.5, 0.4],
            "tags.mlflow.user": ["x", "y"],
        }
    ).to_csv(path, index=False)

    study = import_study(str(path))

    assert study.parameters == ("units", "bidirectional")
    assert study.trials["units"].tolist() == [8, 16]
    assert study.trials["bidirectional"].tolist() == [True, False]
    assert study.trials["state"].tolist() == ["completed", "failed"]


def test_a_table_of_wandb_keeps_its_own_columns_out_of_the_parameters(tmp_path: Path) -> None:
    path = tmp_path / "wandb.csv"
    path.write_text(
        '"Name","State","Created","lr","optimizer","val_loss","val_accuracy"\n'
        '"sweet-1","finished","2026-01-01","0.01","adam","0.5","0.8"\n'
        '"dry-2","crashed","2026-01-01","0.1","sgd","0.7","0.6"\n'
    )

    study = import_study(str(path))

    assert study.parameters == ("lr", "optimizer")
    assert study.trials["state"].tolist() == ["completed", "failed"]
    assert study.trials["val_accuracy"].tolist() == [0.8, 0.6]


def test_a_store_of_mlflow_is_read_from_its_files(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "1" / "abc"
    (run / "metrics").mkdir(parents=True)
    (run / "params").mkdir()
    (run / "meta.yaml").write_text(
        "lifecycle_stage: active\nstart_time: 1767225600000\nend_time: 1767225605000\nstatus: 3\n"
    )
    (run / "metrics" / "val_loss").write_text("1767225601000 0.9 0\n1767225602000 0.8 1\n")
    (run / "params" / "units").write_text("8")

    study = import_study(str(tmp_path / "mlruns"))

    assert study.epochs["val_loss"].tolist() == [0.9, 0.8]
    assert study.trials[["units", "wall_s"]].values.tolist() == [[8, 5.0]]
    (run / "metrics" / "val_loss").write_text("soon\n")
    with pytest.raises(AnalysisError, match=r"metrics/val_loss: line 1 is no time, value and step"):
        import_study(str(tmp_path / "mlruns"))


MLFLOW = """
CREATE TABLE experiments (experiment_id INTEGER, name TEXT);
CREATE TABLE runs (run_uuid TEXT, status TEXT, start_time BIGINT, end_time BIGINT, lifecycle_stage TEXT,
    experiment_id INTEGER);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
INSERT INTO experiments VALUES (0, 'Default'), (1, 'mine'), (2, 'other');
INSERT INTO runs VALUES ('p', 'FINISHED', 1000, 2000, 'active', 1),
    ('a', 'FINISHED', 1000, 2000, 'active', 1), ('b', 'KILLED', 2000, 3500, 'active', 1),
    ('c', 'FINISHED', 3000, 4000, 'active', 1),
    ('d', 'FINISHED', 1000, 2000, 'deleted', 1), ('e', 'FINISHED', 1000, 2000, 'active', 2);
INSERT INTO metrics SELECT 'val_loss', 1.0 - step / 10.0, step, run, step, 0
    FROM (SELECT 'a' AS run UNION SELECT 'b' UNION SELECT 'e'), (SELECT 1 AS step UNION SELECT 2);
INSERT INTO metrics VALUES ('val_loss', 0.9, 1, 'c', 1, 0), ('val_loss', 0, 2, 'c', 2, 1);
INSERT INTO params VALUES ('units', '8', 'a'), ('units', '16', 'b'), ('units', '4', 'c'), ('units', '2', 'e');
INSERT INTO tags VALUES ('mlflow.parentRunId', 'p', 'a');
"""


def test_a_database_of_mlflow_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MLFLOW)

    study = import_study(path, study_name="mine")

    assert study.trials["units"].tolist() == [8, 16, 4]
    assert study.trials["state"].tolist() == ["completed", "pruned", "diverged"]
    assert study.trials["wall_s"].tolist() == [1.0, 1.5, 1.0]
    assert study.epochs["val_loss"].tolist()[:4] == [0.9, 0.8, 0.9, 0.8]
    assert study.notes[0] == "Left out as parents of other runs: 1 run."
    assert import_study(f"sqlite:///{path}", study_name="other").trials["units"].tolist() == [2]
    with pytest.raises(
        AnalysisError, match=r"db: holds 2 experiments: say which with --study, one of mine and"
    ):
        import_study(path)
    with pytest.raises(AnalysisError, match="has no experiment 'x' with runs: there are mine and other"):
        import_study(path, study_name="x")


def test_a_server_is_not_read_and_the_way_that_works_is_said() -> None:
    with pytest.raises(AnalysisError, match=r"a server is not read: export mlflow\.search_runs\(\)\.to_csv"):
        import_study("http://localhost:5000")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "hello", "holds no runs of Optuna, Ray Tune"),
        ("a.csv", "", "cannot be read as a table"),
        ("a.csv", "x,val_loss\n", "has no row"),
        ("a.csv", "epoch,val_loss\n1,2\n1,3\n2,2\n2,3\n", "no column that tells runs apart"),
        ("a.parquet", "PAR1", "cannot be read as a table"),
    ],
)
def test_what_holds_no_runs_is_refused_in_a_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(AnalysisError, match=message) as refusal:
        import_study(str(path))
    assert "\n" not in str(refusal.value)


def test_a_folder_around_experiments_is_refused_with_their_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_tune_trial(tmp_path / "results" / name / "a", {"x": 1}, [0.9])
        (tmp_path / "results" / name / "a" / "events.out.tfevents.1.vm").touch()

    with pytest.raises(
        AnalysisError, match=r"itself, but .*results/one and .*results/two do: give one of these"
    ):
        import_study(tmp_path / "results")
    assert len(import_study(tmp_path / "results" / "one").trials) == 1


@pytest.mark.parametrize("kind", ["ray", "keras-tuner", "tensorboard"])
def test_a_file_is_no_folder_of_a_tool(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x.db").write_bytes(b"x")

    with pytest.raises(AnalysisError, match=f"x.db: is a file, but --from {kind} reads a folder"):
        import_study(tmp_path / "x.db", kind=kind)


def test_a_source_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="no such file or folder"):
        import_study(str(tmp_path / "none"))
    with pytest.raises(AnalysisError, match="--from 'sacred': there are optuna, ray"):
        import_study(str(tmp_path), kind="sacred")
    with pytest.raises(AnalysisError, match="holds no runs of Optuna, Ray Tune"):
        import_study(str(tmp_path))

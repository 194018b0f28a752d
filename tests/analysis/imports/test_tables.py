"""Tables that somebody wrote or exported: what their columns may hold."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis import AnalysisError, from_frame, import_study
from analysis.records.loading import Study

HEAD = "run,epoch,units,val_loss"


def read(folder: Path, *lines: str, **naming: str) -> Study:
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return import_study(str(path), metrics=naming)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,1,8,0.5", "a,2,8,abc"], "a metric is a number: 'val_loss' has 'abc' in row 2 below the header"),
        (["a,1,8,0.5", "a,2,8,True"], "a metric is a number: 'val_loss' has 'True' in row 2"),
        (["a,1,8,nan", "a,2,8,abc"], "the column 'val_loss' holds no number, but 'abc' in row 2"),
        (["a,1,8,nan", "a,2,8,"], "the column 'val_loss' holds no number; name another, .*--val-loss NAME"),
        (
            ["a,-2,8,0.5", "a,2,8,0.4"],
            "'epoch' counts in whole numbers from 0 on: run 'a' has -2; correct it",
        ),
        (["b,1,8,0.5", "a,1.5,8,0.5", "a,2,8,0.4"], "from 0 on: run 'a' has 1.5;"),
        (["a,soon,8,0.5", "a,2,8,0.4"], "from 0 on: run 'a' has 'soon';"),
        (["a,,8,0.5", "a,2,8,0.4"], "from 0 on: run 'a' has none;"),
        ([",1,8,0.5", "a,1,8,0.4", "a,2,8,0.4"], "each row is of a run: 'run' is empty in row 1 below the h"),
        (["a,1,8,0.5", "a,2,9,0.4"], "stays the same in a run: run 'a' has units 8, then 9; correct it, or"),
        (["a,2,9,0.5", "a,1,8,0.4", "b,1,4,1", "b,2,4,1"], "run 'a' has units 8, then 9"),
        (["a,1,gru,0.5", "a,2,lstm,0.4", "b,1,gru,1"], "run 'a' has units 'gru', then 'lstm'"),
        (["a,1,8,0.5", "a,1,8,0.4"], "run 'a' has epoch 1 twice; remove one of the two rows"),
        (["a,1,8,0.5", "a,2,8,0.4", "a,2,8,0.3"], "run 'a' has epoch 2 twice; remove one of the two rows"),
    ],
)
def test_a_table_that_holds_what_cannot_be_is_refused_by_its_place(
    tmp_path: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(AnalysisError, match=rf"t\.csv: .*{message}") as refusal:
        read(tmp_path, HEAD, *rows)
    assert "\n" not in str(refusal.value)


def test_a_metric_that_the_user_names_holds_numbers_too(tmp_path: Path) -> None:
    head = "run,epoch,units,q"

    assert read(tmp_path, head, "a,1,8,0.5", "a,2,8,0.4", val_loss="q").epochs["val_loss"].tolist() == [
        0.5,
        0.4,
    ]
    with pytest.raises(AnalysisError, match="a metric is a number: 'q' has 'abc' in row 2"):
        read(tmp_path, head, "a,1,8,0.5", "a,2,8,abc", val_loss="q")


def test_a_loss_in_words_is_the_parameter_that_it_names(tmp_path: Path) -> None:
    study = read(tmp_path, "run,epoch,loss,val_loss", "a,1,mse,0.5", "a,2,mse,0.4", "b,1,mae,0.5")

    assert study.trials["loss"].tolist() == ["mse", "mae"]


def test_what_changes_from_epoch_to_epoch_is_no_parameter_but_for_a_learning_rate(tmp_path: Path) -> None:
    head = "run,epoch,lr,norm,val_loss"

    study = read(tmp_path, head, "a,1,0.1,3,0.5", "a,2,0.01,2,0.4", "b,1,0.2,4,0.5", "b,2,0.2,1,0.4")

    assert study.trials["lr"].tolist() == [0.1, 0.2]
    assert study.parameters == ("lr",)
    assert "Changing from epoch to epoch, and so no parameters: norm." in study.notes
    assert "Changing from epoch to epoch, and taken at its first: lr." in study.notes


def test_a_parameter_that_stands_in_one_row_of_its_run_holds_for_all(tmp_path: Path) -> None:
    study = read(tmp_path, HEAD, "a,1,,0.5", "a,2,8,0.4", "b,1,9,0.5", "b,2,,0.4")

    assert study.trials["units"].tolist() == [8, 9]


@pytest.mark.parametrize("epochs", [(0, 1), (1, 2), (0, 3), (5, 10)])
def test_epochs_count_from_wherever_they_begin(tmp_path: Path, epochs: tuple[int, int]) -> None:
    rows = [f"{run},{epoch},8,0.5" for run in "ab" for epoch in epochs]

    assert read(tmp_path, HEAD, *rows).epochs["epoch"].tolist() == [1, 2, 1, 2]


def test_runs_that_share_a_name_are_told_apart_by_what_else_names_them(tmp_path: Path) -> None:
    study = read(tmp_path, "Name,ID,_step,lr,val_loss", "x,k1,100,0.1,0.5", "x,k2,100,0.2,0.4")

    assert study.trials["lr"].tolist() == [0.1, 0.2]


def test_a_row_a_run_stays_so_where_runs_ended_at_steps_of_their_own(tmp_path: Path) -> None:
    study = read(tmp_path, "Name,_step,lr,val_loss", "x,1,0.1,0.5", "y,2,0.2,0.4")

    assert study.trials["lr"].tolist() == [0.1, 0.2]


def test_a_column_of_a_data_frame_that_is_said_to_be_a_parameter_stays_the_same_in_a_run() -> None:
    frame = pd.DataFrame({"run": list("aabb"), "epoch": [1, 2] * 2, "val_loss": 0.5, "units": [8, 9, 4, 4]})

    with pytest.raises(AnalysisError, match="run 'a' has units 8, then 9"):
        from_frame(frame, ["units"])


def test_a_text_among_the_figures_of_a_data_frame_is_refused() -> None:
    frame = pd.DataFrame({"run": "a", "epoch": [1, 2], "val_loss": [0.5, "abc"]})

    with pytest.raises(AnalysisError, match="'val_loss' has 'abc' in row 2"):
        from_frame(frame)


def test_lists_in_a_column_of_a_data_frame_are_a_parameter() -> None:
    frame = pd.DataFrame(
        {"run": list("aab"), "epoch": [1, 2, 1], "val_loss": 0.5, "hidden": [[8, 4]] * 2 + [[2]]}
    )

    assert from_frame(frame).trials["hidden"].tolist() == ["[8, 4]", "[2]"]


@pytest.mark.parametrize("gone", ["", "inf", "nan", "-inf"])
def test_a_run_whose_loss_is_no_number_in_the_end_diverged(tmp_path: Path, gone: str) -> None:
    rows = [f"a,1,8,0.5,0.9\na,2,8,{gone},0.8\na,3,8,{gone},0.7", "b,1,4,0.5,0.9", "b,2,4,0.4,0.8"]

    study = read(tmp_path, f"{HEAD},train_loss", *rows, "b,3,4,0.3,0.7")

    assert study.trials["state"].tolist() == ["diverged", "completed"]
    assert study.trials["reason"].iloc[0] == "val_loss is not finite from step 2 on"
    assert study.trials["epochs_run"].tolist() == [3, 3]
    assert study.epochs["val_loss"].isna().tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize("losses", ["0.5,,0.4", ",0.5,0.4", "0.5,inf,0.4", ",,0.5"])
def test_a_run_that_ends_in_numbers_did_not_diverge(tmp_path: Path, losses: str) -> None:
    rows = [f"a,{epoch},8,{loss},0.9" for epoch, loss in enumerate(losses.split(","), start=1)]

    assert read(tmp_path, f"{HEAD},train_loss", *rows).trials["state"].tolist() == ["completed"]


def test_the_columns_of_mlflows_own_download_are_no_parameters(tmp_path: Path) -> None:
    study = read(
        tmp_path,
        "Start Time,Duration,Run ID,Name,Source Type,Source Name,User,Status,units,seed,val_loss",
        "2026-01-01 00:00:00,1.2s,a0,bold-0,LOCAL,t.py,me,FINISHED,8,1,0.4",
        "2026-01-01 00:01:00,1.3s,a1,bold-1,LOCAL,u.py,me,KILLED,8,2,0.5",
        "2026-01-01 00:02:00,1.4s,a2,bold-2,LOCAL,t.py,me,FAILED,16,1,0.6",
    )

    assert study.parameters == ("units",)
    assert study.trials["state"].tolist() == ["completed", "pruned", "failed"]


def test_a_history_of_wandb_counts_by_steps_where_epochs_are_there_many_times(tmp_path: Path) -> None:
    head = "run_id,_step,epoch,units,train/loss,val/loss"
    rows = [f"a,{step},{step // 4},8,0.5,{0.4 if step % 4 == 3 else ''}" for step in range(16)]

    study = read(tmp_path, head, *rows)

    assert study.epochs["val_loss"].tolist() == [0.4] * 4
    assert study.notes[0].startswith("Validation was measured at 4 of 16 steps")


@pytest.mark.parametrize("rows", [["a;1;8;0,5", "a;2;8;0,25"], ["a;1;8;0.5", "a;2;8;0.25"]])
def test_a_spreadsheet_may_part_its_cells_by_semicolons(tmp_path: Path, rows: list[str]) -> None:
    assert read(tmp_path, HEAD.replace(",", ";"), *rows).epochs["val_loss"].tolist() == [0.5, 0.25]


def test_without_a_metric_what_there_is_is_listed(tmp_path: Path) -> None:
    with pytest.raises(
        AnalysisError, match="no metric was recorded among Epoche, Verlust and units; say which"
    ):
        read(tmp_path, "run,Epoche,Verlust,units", "a,1,0.5,8", "b,1,0.4,9")

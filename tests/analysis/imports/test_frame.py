from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis import AnalysisError, from_frame
from analysis.report.build import build_report
from analysis.report.comparison import build_comparison
from analysis.report.content import Grid, Note


@pytest.fixture
def epochs() -> pd.DataFrame:
    """Two settings under two seeds each, four epochs: the loss of the second turns after its second."""
    rows = []
    for run, (units, seed) in enumerate([(8, 1), (8, 2), (16, 1), (16, 2)]):
        for epoch in range(4):
            turn = 0.3 * max(epoch - 1, 0) if units == 16 else 0.0
            rows.append(
                {
                    "run": f"r{run}",
                    "epoch": epoch,
                    "loss": 1.0 - 0.2 * epoch,
                    "val_loss": 1.1 - 0.1 * epoch + turn,
                    "val_acc": 0.6 + 0.05 * epoch + 0.01 * seed,
                    "units": units,
                    "seed": seed,
                }
            )
    return pd.DataFrame(rows)


def test_a_table_of_epochs_becomes_settings_under_seeds(epochs: pd.DataFrame) -> None:
    study = from_frame(epochs)

    assert study.parameters == ("units",)
    assert study.trials[["trial", "replicate", "seed", "units"]].values.tolist() == [
        [0, 1, 1, 8],
        [0, 2, 2, 8],
        [1, 1, 1, 16],
        [1, 2, 2, 16],
    ]
    assert study.trials["best_epoch"].tolist() == [4, 4, 4, 4]
    assert study.trials["val_accuracy"].tolist() == pytest.approx([0.76, 0.77, 0.76, 0.77])
    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4] * 4
    assert study.epochs["train_accuracy"].isna().all()


@pytest.mark.parametrize("how", ["column", "index", "names"])
def test_parameters_come_from_a_table_of_runs_or_columns(epochs: pd.DataFrame, how: str) -> None:
    params = epochs.drop_duplicates("run")[["run", "units", "seed"]]
    bare = epochs.drop(columns=["units", "seed"])

    study = {
        "column": lambda: from_frame(bare, params),
        "index": lambda: from_frame(bare, params.set_index("run")),
        "names": lambda: from_frame(epochs, ["units", "seed"]),
    }[how]()

    assert study.trials["units"].tolist() == [8, 8, 16, 16]


def test_names_that_do_not_tell_are_given(epochs: pd.DataFrame) -> None:
    strange = epochs.rename(columns={"val_loss": "b", "val_acc": "quality", "loss": "a"})

    study = from_frame(strange, ["units", "seed"], metrics={"val_loss": "b", "val_accuracy": "quality"})

    assert study.epochs["val_loss"].tolist() == epochs["val_loss"].tolist()
    assert study.epochs["train_loss"].isna().all()


def test_runs_without_a_parameter_are_not_called_replicates_in_silence(epochs: pd.DataFrame) -> None:
    told = "No run has a parameter: all 4 are taken for replicates of one setting."

    assert from_frame(epochs.drop(columns="units")).notes[0].startswith(told)
    assert not any(note.startswith("No run") for note in from_frame(epochs).notes)


def test_without_accuracy_the_loss_chooses(epochs: pd.DataFrame) -> None:
    study = from_frame(epochs.drop(columns="val_acc"))

    assert study.facts.objective == "val_loss"
    assert study.trials["best_epoch"].tolist() == [4, 4, 2, 2]


def test_percent_are_divided_where_it_is_said_and_refused_where_not(epochs: pd.DataFrame) -> None:
    hundred = epochs.assign(val_acc=100 * epochs["val_acc"])

    assert from_frame(hundred, percent=True).trials["val_accuracy"].max() == pytest.approx(0.77)
    with pytest.raises(
        AnalysisError, match=r"'val_acc' is taken for val_accuracy and reaches 77, .*--percent"
    ):
        from_frame(hundred)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="run"), r"needs the column 'run': it has epoch, loss"),
        (lambda frame: frame.assign(epoch=0), r"each run has each epoch once: run 'r0' has epoch 0 twice"),
        (
            lambda frame: frame[["run", "epoch", "loss"]].rename(columns={"loss": "train_loss"}),
            r"none is seen among train_loss; .*--val-loss NAME",
        ),
        (lambda frame: frame.assign(**{"val/acc": 0.5}), r"val_acc and val/acc may each be val_accuracy"),
        (lambda frame: frame.iloc[:0], r"holds no run"),
    ],
)
def test_a_table_that_says_too_little_is_refused(epochs: pd.DataFrame, change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AnalysisError, match=message):
        from_frame(change(epochs), metrics={})


def test_an_unknown_name_for_a_metric_is_refused(epochs: pd.DataFrame) -> None:
    with pytest.raises(AnalysisError, match=r"--val-loss 'x': the runs have no such metric; they have loss"):
        from_frame(epochs, metrics={"val_loss": "x"})


def test_a_seed_that_no_run_has_is_refused(epochs: pd.DataFrame) -> None:
    with pytest.raises(
        AnalysisError, match=r"--seed 'fold': no run has such a parameter; there are: seed, units"
    ):
        from_frame(epochs, seed="fold")


def test_steps_of_training_are_counted_as_epochs_and_named(epochs: pd.DataFrame) -> None:
    study = from_frame(epochs.assign(epoch=500 * (epochs["epoch"] + 1)))

    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4] * 4
    assert study.notes[0] == (
        "Counted as epochs are the 4 steps at which runs were measured: epoch 1 here is 500 there, epoch 2 "
        "is 1000, epoch 4 is 2000."
    )


@pytest.mark.parametrize("first", [0, 1])
def test_epochs_that_count_by_one_are_not_spoken_of(epochs: pd.DataFrame, first: int) -> None:
    study = from_frame(epochs.assign(epoch=epochs["epoch"] + first))

    assert study.notes[0].startswith("The runs are a table's;")


def test_runs_at_steps_of_their_own_are_not_compared_in_silence(epochs: pd.DataFrame) -> None:
    own = epochs["epoch"].where(epochs["run"] != "r1", 10 * epochs["epoch"] + 5)
    own = own.where(epochs["run"] != "r2", epochs["epoch"] + 100)

    study = from_frame(epochs.assign(epoch=own))

    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4] * 4
    assert (
        "need not be the same step in two runs: run 'r0' at 0 to 3 (4 of them), run 'r1' at 5 to 35 (4"
        in (study.notes[0])
    )


def test_what_was_logged_between_two_validations_is_left_out() -> None:
    steps = np.arange(100)
    loss = 1 - 0.004 * steps
    frame = pd.DataFrame({"run": "a", "epoch": steps, "train_loss": loss - 0.1})
    frame["val_loss"] = np.where(steps % 20 == 19, loss, np.nan)

    study = from_frame(frame)

    assert study.epochs["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert study.epochs["train_loss"].tolist() == pytest.approx((loss[19::20] - 0.1).tolist())
    assert study.notes[:2] == (
        "Validation was measured at 5 of 100 steps: these alone are taken, and what was recorded of "
        "training between them is left out.",
        "Counted as epochs are the 5 steps at which runs were measured: epoch 1 here is 19 there, epoch 2 "
        "is 39, epoch 5 is 99.",
    )


def test_what_was_imported_is_written_and_read_again(epochs: pd.DataFrame, tmp_path: Path) -> None:
    study = from_frame(epochs, name="mine")

    analysis.write_parquet(study, tmp_path)

    again = analysis.load(tmp_path)
    pd.testing.assert_frame_equal(again.trials, study.trials)
    pd.testing.assert_frame_equal(again.epochs, study.epochs)
    assert again.facts == study.facts
    assert again.notes == study.notes
    assert again.facts.made_by == "a table"


def test_values_that_are_not_plain_become_their_text() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "epoch": [1, 1], "val_loss": [0.5, 0.4]})
    params = pd.DataFrame({"when": pd.to_datetime(["2026-01-01", "2026-01-02"]), "n": np.int64([1, 2])})

    study = from_frame(frame, params.set_axis(["a", "b"]))

    assert study.trials["when"].tolist() == ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]
    assert study.trials["n"].tolist() == [1, 2]


def test_findings_of_such_a_study_claim_nothing_of_texts_that_are_not_known(epochs: pd.DataFrame) -> None:
    said = " ".join(finding.text for finding in analysis.summarize(from_frame(epochs)))

    assert "76.5%" in said
    assert " 0 validation texts" not in said
    assert "these 0" not in said
    assert "study extend" not in said


def test_the_space_is_what_the_runs_show() -> None:
    n = 12
    frame = pd.DataFrame({"run": range(n), "epoch": 1, "val_loss": 0.5})
    params = pd.DataFrame(
        {
            "lr": np.geomspace(0.001, 1.0, n),
            "units": [8, 16] * (n // 2),
            "width": range(1, n + 1),
            "cell": ["gru", "lstm"] * (n // 2),
            "hidden": [[32, 64], [16]] * (n // 2),
            "dropout": 0.1,
        }
    )

    study = from_frame(frame, params)

    assert study.facts.space["parameters"] == {
        "lr": {"low": 0.001, "high": 1.0, "log": True},
        "units": {"choice": [8, 16], "ordered": True},
        "width": {"low": 1, "high": 12, "log": True},
        "cell": ["gru", "lstm"],
        "hidden": ["[32, 64]", "[16]"],
        "dropout": 0.1,
    }
    assert study.trials["hidden"].tolist()[:2] == ["[32, 64]", "[16]"]


def test_a_figure_below_nothing_is_refused(epochs: pd.DataFrame) -> None:
    with pytest.raises(AnalysisError, match=r"falls to -0\.1, but none is below 0"):
        from_frame(epochs.assign(val_loss=-0.1))


def test_of_two_seeds_in_a_run_the_first_counts_every_time() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "epoch": 1, "val_loss": 0.5})
    params = pd.DataFrame({"seed": [3, 4], "data.random_state": [7, 7]}, index=["a", "b"])

    study = from_frame(frame, params)

    assert study.trials["seed"].tolist() == [3, 4]
    assert study.parameters == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda d: from_frame(d, foo=1),  # type: ignore[call-arg]
            "there is no argument 'foo': there are metrics, seed, objective, ",
        ),
        (lambda d: from_frame(d, n_validation=-3), "n_validation counts samples from 0 on, not -3"),
        (lambda d: from_frame(d.to_dict("records")), "epochs is a pandas DataFrame, no list"),
        (lambda d: from_frame(d, "units"), r"params is a list of columns, or a table: write \['units'\]"),
        (lambda d: from_frame(pd.concat([d, d[["loss"]]], axis=1)), "epochs has two columns 'loss'"),
        (
            lambda d: from_frame(d, pd.DataFrame({"units": [1, 2, 3, 4]})),
            "params have a row for run 0, of which there is no epoch; the first run is 'r0'",
        ),
        (
            lambda d: from_frame(d, d.drop_duplicates("run")[["run", "units"]].iloc[1:]),
            "params lack a row for run 'r0'",
        ),
        (
            lambda d: from_frame(d, metrics={"val_loss": "loss", "val_accuracy": "loss"}),
            "'loss' is one metric, and is said to be val_loss and val_accuracy: name it once",
        ),
        (lambda d: from_frame(d, metrics=["val_loss"]), "metrics is a mapping"),  # type: ignore[arg-type]
    ],
)
def test_arguments_that_nobody_would_read_are_refused_in_a_line(  # type: ignore[no-untyped-def]
    epochs: pd.DataFrame, call, message: str
) -> None:
    with pytest.raises(AnalysisError, match=message) as refusal:
        call(epochs)
    assert "\n" not in str(refusal.value)


def test_a_source_may_be_a_path_and_an_argument_that_is_unknown_is_refused(
    epochs: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    epochs.to_csv(path, index=False)

    assert len(analysis.import_study(path).trials) == 4
    with pytest.raises(AnalysisError, match="there is no argument 'sed'"):
        analysis.import_study(path, sed="seed")  # type: ignore[call-arg]


def test_a_report_of_runs_of_another_tool_speaks_of_no_recurrent_models_and_no_texts(
    epochs: pd.DataFrame,
) -> None:
    one, other = from_frame(epochs), from_frame(epochs, name="other")

    report, comparison = build_report(one), build_comparison([one, other])

    said = " ".join(
        [
            report.kind,
            *(block.text for part in report.sections for block in part.blocks if isinstance(block, Note)),
        ]
    )
    assert report.kind == "Study of runs of a table"
    assert "0 to train on" not in one._repr_html_()
    assert "recurrent" not in said
    assert comparison.findings[0].text.startswith(
        "The studies were not judged on what is known to be the same"
    )
    (grid,) = [block for part in comparison.sections for block in part.blocks
               if isinstance(block, Grid) and block.name == "verdicts-studies"]  # fmt: skip
    assert "text" not in " ".join(grid.shown.astype(str).to_numpy().ravel())

"""One real study, from texts through Ray Tune, Optuna and TensorFlow to a report."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pandas as pd
import pytest

import analysis

RUN = """
import sys
from study.cli.app import main
status = None
try:
    main()
except SystemExit as stopped:
    status = stopped.code
assert "tensorflow" not in sys.modules, "the driver loads TensorFlow"
sys.exit(status)
"""

ARGUMENTS = [
    "run", "quick", "--name", "tiny", "--data", "recall", "--trials", "5", "--epochs", "3",
    "--set", "data.recall={n_texts: 300, length: 8, distance: 2, alphabet: 4}",
    "--set", "space.units=[4, 8]", "--set", "space.vocab_size=20", "--set", "space.sequence_length=9",
    "--set", "space.layers=1", "--set", "space.embedding_dim=4", "--set", "design.grace_period_epochs=1",
    "--set", "design.scientific=[]", "--sampler", "tpe",
]  # fmt: skip


def run_study(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], cwd=folder, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished study."""
    folder = tmp_path_factory.mktemp("studies")
    finished = run_study(folder, ARGUMENTS)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "report: studies/tiny/report/index.html" in finished.stdout
    return folder / "studies" / "tiny"


def test_every_trial_is_recorded_with_figures_of_every_epoch(study: Path) -> None:
    loaded = analysis.load(study)

    assert set(loaded.trials.state) <= {"completed", "pruned"}
    assert (loaded.trials.state == "completed").any()
    assert len(loaded.epochs) == loaded.trials.epochs_run.sum()
    assert loaded.epochs[["train_loss", "val_loss", "train_accuracy", "val_accuracy"]].notna().all(axis=None)
    assert (loaded.trials.cells == "compiled").all()
    assert (loaded.trials.wall_s > 0).all()


def test_optuna_knows_what_the_records_know(study: Path) -> None:
    trials = optuna.load_study(study_name="tiny", storage=f"sqlite:///{study / 'optuna.db'}").trials
    loaded = analysis.load(study).trials

    assert len(trials) == 5
    assert all(trial.state.is_finished() for trial in trials)
    first = loaded[(loaded.trial == 0) & (loaded.replicate == 1)].iloc[0]
    if first.state == "completed":
        assert trials[0].value == pytest.approx(first.val_accuracy)


def test_tables_and_report_are_derived_from_the_records(study: Path) -> None:
    trials = pd.read_parquet(study / "trials.parquet")

    assert len(trials) == len(analysis.load(study).trials)
    page = (study / "report" / "index.html").read_text()
    assert "tiny" in page
    assert list((study / "report").rglob("*.csv"))
    assert list((study / "report").rglob("*.svg"))


def test_the_best_models_lie_beside_their_vocabulary(study: Path) -> None:
    cards = [json.loads(path.read_text()) for path in sorted(study.glob("models/*/model.json"))]

    assert 1 <= len(cards) <= 3
    for card in cards:
        folder = study / "models" / f"trial-{card['trial']:04d}"
        assert (folder / "model.keras").stat().st_size > 1000
        words = (folder / "vocabulary.txt").read_text().splitlines()
        assert len(words) <= card["params"]["vocab_size"] - 3


def test_the_manifest_says_on_what_it_ran_and_holds_no_secret(study: Path) -> None:
    text = (study / "manifest.json").read_text()
    manifest = json.loads(text)

    (leg,) = manifest["legs"]
    assert leg["outcome"] == "done"
    assert leg["packages"]["tensorflow"]
    assert manifest["data"]["test_split"] == "sealed"
    token = Path("~/.ray/auth_token").expanduser()
    assert not token.exists() or token.read_text() not in text


def test_no_checkpoint_outlives_its_trial(study: Path) -> None:
    assert not list(study.glob("checkpoints/*"))


def test_the_same_command_again_trains_nothing_and_keeps_the_records(study: Path) -> None:
    before = rows(study)

    finished = run_study(study.parent.parent, ARGUMENTS)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert rows(study) == before
    assert len(json.loads((study / "manifest.json").read_text())["legs"]) == 1


def rows(study: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(study / "records.db")
    content = connection.execute("SELECT * FROM epochs").fetchall()
    connection.close()
    return content


def test_the_best_setting_is_confirmed_on_the_test_split_which_is_opened_once(study: Path) -> None:
    finished = run_study(study.parent.parent, ["confirm", "studies/tiny", "--top", "1", "--seeds", "2"])

    assert finished.returncode == 0, finished.stdout + finished.stderr
    confirmed = analysis.load(study).trials.query("phase == 'confirm'")
    assert len(confirmed) == 2
    assert confirmed.test_accuracy.between(0, 1).all()
    lines = analysis.load(study).baselines  # they answer the split that is open now, too
    assert lines.test_accuracy.between(0, 1).all()
    assert analysis.load(study).trials.query("phase == 'search'").test_accuracy.isna().all()
    (opening,) = json.loads((study / "manifest.json").read_text())["data"]["test_openings"]
    assert opening["n_seeds"] == 2


@pytest.mark.slow
def test_the_best_of_each_cell_is_confirmed_and_compared(tmp_path: Path) -> None:
    grid = ["design={kind: grid}", "space.units=4", "space.cell=[rnn, gru]"]
    asked = [word for word in ARGUMENTS if word not in ("--trials", "5")]
    begun = run_study(tmp_path, [*asked, *(word for setting in grid for word in ("--set", setting))])
    assert begun.returncode == 0, begun.stdout + begun.stderr

    finished = run_study(tmp_path, ["confirm", "studies/tiny", "--top-per", "cell", "--seeds", "3"])

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "The best of each cell over fresh seeds: " in " ".join(finished.stdout.split())
    path = tmp_path / "studies" / "tiny"
    confirmed = analysis.load(path).trials.query("phase == 'confirm'")
    assert confirmed.groupby("cell").size().to_dict() == {"gru": 3, "rnn": 3}
    table = pd.read_csv(path / "report" / "tables" / "verdicts-best-of-levels.csv")
    assert table["factor"].tolist() == ["cell", "cell"]
    assert sorted(table["split"]) == ["test", "validation"]
    assert table["n_pairs"].tolist() == [3, 3]


@pytest.mark.slow
def test_a_study_that_was_stopped_early_has_its_like_with_more_epochs(study: Path) -> None:
    arguments = ["run", "--like", "studies/tiny", "--name", "longer", "--set", "training.max_epochs=4"]

    finished = run_study(study.parent.parent, [*arguments, "--trials", "2"])

    assert finished.returncode == 0, finished.stdout + finished.stderr
    longer = analysis.load(study.parent / "longer")
    assert longer.facts.max_epochs == 4
    assert longer.spec["warm_start"] == ["studies/tiny"]
    assert "completed" in set(longer.trials["state"])
    assert "the best are proposed first" in " ".join(finished.stdout.split())


@pytest.mark.slow
def test_a_learning_curve_is_trained_and_told(study: Path) -> None:
    data = ["--set", "data.recall={n_texts: 600, length: 8, distance: 2, alphabet: 4}", "--seeds", "2"]
    sizes = ["--sizes", "50,100,200", "--epochs", "2", "--set", "space.cell=gru", "--set", "space.units=4"]

    finished = run_study(study.parent.parent, ["learn", "recall", "--name", "curve", *data, *sizes])

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "From 50 to 200 training texts, accuracy" in finished.stdout
    curve = analysis.load(study.parent / "curve")
    assert sorted(curve.trials["train_size"]) == [50, 50, 100, 100, 200, 200]
    assert curve.lines_by_amount.groupby(["train_size", "seed"]).ngroups == 6
    tables = study.parent / "curve" / "report" / "tables"
    assert len(pd.read_csv(tables / "accuracy-by-amount.csv")) == 3
    assert (study.parent / "curve" / "report" / "figures" / "accuracy-by-amount.svg").exists()

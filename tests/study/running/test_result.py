from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import analysis
from study.errors import IntegrityError, StudyError
from study.running.result import StudyResult, open_result
from study.store.directory import StudyDirectory
from tests.study.pretend.legs import GRID, run_leg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / GRID.name
    run_leg(path, GRID)
    return path


@pytest.fixture
def result(folder: Path) -> StudyResult:
    return open_result(folder)


def test_tables_are_those_of_the_records(result: StudyResult, folder: Path) -> None:
    study = analysis.load(folder)

    assert result.trials.equals(study.trials)
    assert result.epochs.equals(study.epochs)
    assert (result.name, result.path) == (study.name, folder)


def test_the_best_setting_has_the_best_mean_over_its_seeds_and_exactly_what_was_trained(
    result: StudyResult,
) -> None:
    means = result.trials.groupby("trial")["val_accuracy"].mean()
    trained = result.trials.query(f"trial == {means.idxmax()}").iloc[0]

    params = result.best_params

    assert result.best_score == pytest.approx(means.max())
    assert params == {name: trained[name] for name in result.study.parameters}
    assert json.loads(json.dumps(params)) == params
    assert type(params["units"]) is int


def test_the_best_model_is_that_of_the_best_run(result: StudyResult) -> None:
    best = result.trials.loc[result.trials["val_accuracy"].idxmax()]

    card = result.best_model().card

    assert (card.trial, card.replicate) == (best["trial"], best["replicate"])


def test_a_result_is_its_directory_where_a_path_is_asked_for(result: StudyResult, folder: Path) -> None:
    assert Path(result) == folder
    assert os.fspath(result) == str(folder)


def test_a_study_that_is_done_says_so(result: StudyResult, folder: Path) -> None:
    assert result.interruption is None
    assert result.report == folder / "report" / "index.html"
    assert repr(result).startswith(f"<StudyResult {folder}: 4 runs; best val_accuracy 0.")
    assert repr(result).endswith("; done>")
    assert "\n" not in repr(result)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("interrupted", "interrupted, or running now"), ("stopped: signal SIGINT", "signal SIGINT")],
)
def test_a_study_that_is_not_done_says_why(folder: Path, tmp_path: Path, outcome: str, said: str) -> None:
    copy = copy_study(folder, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["legs"][-1]["outcome"] = outcome
    (copy / "manifest.json").write_text(json.dumps(manifest))

    result = open_result(copy)

    assert result.interruption == said
    assert f"not done ({said}): study.resume goes on" in repr(result)


def copy_study(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("study.yaml", "manifest.json", "records.db"):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def test_a_study_in_which_nothing_completed_has_no_best_setting(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = analysis.load(folder)
    study.trials.loc[:, "state"] = "failed"
    monkeypatch.setattr("analysis.load", lambda path: study)

    result = open_result(folder)

    assert (result.n_failed, result.exit_status) == (4, 6)
    assert "4 runs, 4 of them failed; no run completed" in repr(result)
    with pytest.raises(StudyError, match="none was; go on with"):
        _ = result.best_params


@pytest.mark.parametrize(
    ("signal", "n_failed", "n_ended", "missing", "status"),
    [
        (None, 0, 4, (), 0),
        (None, 0, 0, (), 0),
        (None, 1, 4, (), 1),
        (None, 0, 4, ("a figure",), 1),
        (None, 4, 4, (), 6),
        (15, 4, 4, (), 143),
    ],
)
def test_a_result_knows_the_exit_status_that_tells_of_it(
    folder: Path, signal: int | None, n_failed: int, n_ended: int, missing: tuple[str, ...], status: int
) -> None:
    result = StudyResult(StudyDirectory(folder), None, None, signal, n_failed, missing, n_ended)

    assert result.exit_status == status


def test_a_notebook_shows_figures_findings_and_nothing_unescaped(folder: Path) -> None:
    result = StudyResult(StudyDirectory(folder), None, "<b>", None, 0)

    html = result._repr_html_()

    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "Best setting: " in html
    assert "best val_accuracy" in html


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"a study directory holds study\.yaml"):
        open_result(tmp_path)


def test_a_study_without_its_manifest_is_damaged(folder: Path, tmp_path: Path) -> None:
    copy = copy_study(folder, tmp_path / "copy")
    (copy / "manifest.json").unlink()

    with pytest.raises(IntegrityError, match=r"manifest\.json"):
        open_result(copy)

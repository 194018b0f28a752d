"""Runs of other tools, imported by the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import analysis
from study.cli.commands.importing import import_
from study.cli.tables import print_studies
from study.errors import StudyError
from study.store.directory import StudyDirectory


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "runs.csv"
    path.write_text("run,epoch,units,val_loss\na,10,8,0.5\na,20,8,0.4\nb,10,4,0.5\nb,20,4,0.3\n")
    return path


def fail(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("is_there", [False, True])
def test_an_import_that_fails_leaves_nothing_half_made(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    to = tmp_path / "out"
    if is_there:
        to.mkdir()
    monkeypatch.setattr("analysis.report.write.write_folder", fail)

    with pytest.raises(OSError, match="No space"):
        import_(str(table), to)

    assert to.exists() == is_there
    assert not is_there or not list(to.iterdir())


def test_what_was_imported_is_listed_keeps_its_notes_and_says_what_it_is(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.write_report", lambda study, folder: folder)
    monkeypatch.setattr("study.cli.commands.importing.say_faults", lambda folder: None)
    import_(str(table), tmp_path / "studies" / "theirs")
    capsys.readouterr()

    print_studies(tmp_path / "studies")

    assert capsys.readouterr().out.split("\n")[1].split()[:3] == ["theirs", "2", "imported"]
    notes = analysis.load(tmp_path / "studies" / "theirs").notes
    assert notes[0].startswith("Counted as epochs are the 2 steps at which runs were measured")
    assert not any("manifest" in note for note in notes)
    with pytest.raises(StudyError, match="holds runs of another tool, or tables alone: it can be reported"):
        StudyDirectory(tmp_path / "studies" / "theirs").require()

"""Names, files and strangers that mean harm."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analysis
from study.cli.app import main
from study.errors import StudyError
from study.running.verbs import resume_study
from study.running.verification import verify
from study.spec.schema import check_name
from study.store.checkpoints import Checkpoint, CheckpointFolder
from study.store.checksums import write_checksums
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from study.store.models import ModelStore
from study.trial import Assignment
from tests.study.faults.torn_files import contents, make_whole_study
from tests.study.pretend.legs import CORPUS
from tests.study.pretend.programs import ROOT
from tests.study.pretend.small_study import make_spec

HOSTILE = [
    "../x", "../../etc/cron.d/x", "/etc/passwd", "a/../../b", "..", ".", "~", "~root", "a\0b", "a\nb", "=1+1",
    "@SUM(1)", "-rf", "$(id)", "`id`", "a;b", "a|b", "CON:", "a\\b", "\u202egpj", "\u2028", "a" * 65, "", " ",
    "<script>", "{{7*7}}", "%2e%2e%2f", "file:///etc", "ray://x",
]  # fmt: skip


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80)))
@settings(max_examples=500)
def test_no_name_leads_out_of_the_folder_of_studies(name: str) -> None:
    folder = Path("/studies")
    with suppress(StudyError):
        path = (folder / check_name(name)).resolve()
        assert path.parent == folder.resolve()
        assert path.name == name


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_by_the_spec_in_one_line(name: str) -> None:
    with pytest.raises(StudyError) as refused:
        make_spec(name=name)

    assert "\n" not in str(refused.value)


class Canary:
    """Sings when somebody unpickles it."""

    def __init__(self, song: Path) -> None:
        self._song = song

    def __reduce__(self) -> Any:
        return (Path.touch, (self._song,))


def test_nothing_in_a_study_directory_is_unpickled(tmp_path: Path) -> None:
    song = tmp_path / "song"
    canary = pickle.dumps(Canary(song))
    assert pickle.loads(canary) is None  # noqa: S301 - it does sing
    song.unlink()
    directory = StudyDirectory(tmp_path / "small")
    assignment = Assignment(trial=0, replicate=1, attempt=1, seed=0, params={})
    folder = CheckpointFolder(directory.checkpoints)
    folder.save(assignment, Checkpoint(1, canary))
    for path in (
        directory.spec,
        directory.manifest,
        directory.records,
        directory.optuna,
        directory.path / "trials.parquet",
        directory.path / "epochs.parquet",
        directory.path / "SHA256SUMS",
        directory.path / "tuner.pkl",
        directory.models / "trial-0000" / "model.json",
        directory.models / "trial-0000" / "model.keras",
    ):
        write_atomically(path, canary)

    assert verify(directory).damages
    for look in (
        lambda: analysis.load(directory.path),
        directory.read_spec,
        lambda: resume_study(directory.path),
        lambda: ModelStore(directory.models, 3, CORPUS),
        lambda: folder.load(assignment),
    ):
        with suppress(ValueError):
            look()

    assert not song.exists()


LOOKS = (
    ["list", "{out}"],
    ["verify", "{study}"],
    ["predict", "{study}", "a text"],
    ["export", "{study}", "{out}/exported"],
)
REPORTS = (
    ["report", "{study}"],
    ["compare", "{study}", "{study}", "--out", "{out}/comparison"],
)
"""The commands that look at a study; drawing takes seconds."""


def expect_silence(
    study: Path, song: Path, looks: Iterable[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Look at a study; whatever is said, it is said in one line, and no canary sings."""
    for look in looks:
        arguments = [part.format(study=study, out=study.parent) for part in look]
        monkeypatch.setattr(sys, "argv", ["study", *arguments])
        with pytest.raises(SystemExit):  # anything else would be a traceback
            main()
        assert capsys.readouterr().err.count("\n") <= 1, arguments
        assert not song.exists(), arguments


@pytest.mark.slow
def test_no_canary_in_any_file_of_a_study_sings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    song, study = tmp_path / "song", make_whole_study(tmp_path / "small")
    canary = pickle.dumps(Canary(song))
    paths = contents(study.path)
    assert len(paths) >= 13
    for path in paths:
        content = path.read_bytes()
        path.write_bytes(canary)
        reports = REPORTS if path.parent == study.path and path != study.spec else ()
        expect_silence(study.path, song, (*LOOKS, *reports), monkeypatch, capsys)
        path.write_bytes(content)


@pytest.mark.slow
def test_a_model_that_would_run_code_is_refused_whatever_its_card_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    song, study = tmp_path / "song", make_whole_study(tmp_path / "small")
    monkeypatch.setenv("SONG", str(song))
    sing = keras.layers.Lambda(lambda ids: __import__("pathlib").Path(os.environ["SONG"]).touch() or ids)
    folders = sorted(study.models.iterdir())
    assert folders
    for folder in folders:
        keras.Sequential([keras.layers.Input((10,)), sing]).save(folder / "model.keras")
        card = json.loads((folder / "model.json").read_text())
        card["sha256"] = hashlib.sha256((folder / "model.keras").read_bytes()).hexdigest()
        (folder / "model.json").write_text(json.dumps(card))
    write_checksums(study)
    assert not verify(study).damages
    assert song.exists()  # when it was built: it does sing
    song.unlink()

    expect_silence(study.path, song, LOOKS, monkeypatch, capsys)

    monkeypatch.setattr(sys, "argv", ["study", "predict", str(study.path), "a text"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 5
    assert "a model is one that Keras reads in its safe mode" in capsys.readouterr().err


@pytest.mark.slow
def test_strangers_are_refused_on_every_port_of_a_local_study_which_are_on_loopback(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.study.scenarios.probe_ports", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr
    ports = json.loads(said.stdout)

    assert {"gcs_server", "raylet", "driver"} <= {port["process"] for port in ports}
    for port in ports:
        assert port["address"] in ("127.0.0.1", "::ffff:127.0.0.1"), port
        strangers = {*port["without"].values(), *port["wrong"].values()}
        assert strangers <= {"UNAUTHENTICATED", "UNIMPLEMENTED", "UNAVAILABLE"}, port
        if port["http"] is None:
            # It is the token that makes the difference, not the question.
            assert "UNAUTHENTICATED" in strangers, port
            assert "OK" in port["with"].values(), port
        else:
            assert port["http"] == 401, port

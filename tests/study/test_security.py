"""Names, files and strangers that mean harm."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analysis
from study.checkpoints import Checkpoint, CheckpointFolder
from study.directory import StudyDirectory, check_name, write_atomically
from study.errors import StudyError
from study.run import read_spec, resume_study
from study.shelf import ModelShelf
from study.trial import Assignment
from study.verification import verify
from tests.study.pretend_legs import CORPUS
from tests.study.pretend_programs import ROOT
from tests.study.small_study import make_spec

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
        directory.search,
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
        lambda: read_spec(directory),
        lambda: resume_study(directory.path),
        lambda: ModelShelf(directory.models, 3, CORPUS, "words"),
        lambda: folder.load(assignment),
    ):
        with suppress(ValueError):
            look()

    assert not song.exists()


@pytest.mark.slow
def test_strangers_are_refused_on_every_port_of_a_local_study_which_are_on_loopback(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.study.probe_ports", str(tmp_path)],
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

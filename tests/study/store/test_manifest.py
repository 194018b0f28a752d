from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.errors import IntegrityError
from study.machine.capacity import Capacity
from study.store.directory import StudyDirectory
from study.store.manifest import RECORDED_VARIABLES, Manifest, breaks_checkpoints
from study.trial import Assignment
from tests.study.pretend.small_study import make_spec


def make_corpus(**changes: Any) -> Any:
    facts = {"source": "texts.csv", "fingerprint": "a" * 64, "split_fingerprint": "b" * 64}
    return SimpleNamespace(**facts | {"validated_on": "validation", "reading": None} | changes)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return Manifest.create(StudyDirectory(tmp_path), make_spec(), make_corpus())


def test_the_same_texts_and_splits_are_continued(manifest: Manifest) -> None:
    manifest.check_data(make_corpus())


@pytest.mark.parametrize("changed", ["fingerprint", "split_fingerprint"])
def test_a_study_is_not_continued_on_other_texts_or_splits(manifest: Manifest, changed: str) -> None:
    with pytest.raises(IntegrityError, match=rf"texts\.csv has {changed} cccccccccccc"):
        manifest.check_data(make_corpus(**{changed: "c" * 64}))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"legs": []}', '{"legs": [], "data": 3}', "\0" * 100])
def test_a_damaged_manifest_is_refused_by_name(manifest: Manifest, tmp_path: Path, content: str) -> None:
    directory = StudyDirectory(tmp_path)
    directory.manifest.write_text(content)

    with pytest.raises(IntegrityError, match=r"manifest\.json cannot be read"):
        Manifest.open(directory)


def test_only_listed_variables_of_the_environment_are_recorded(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    monkeypatch.setenv("TZ", "UTC")

    manifest.begin_leg("run", Capacity(2, 0.0, 1))

    text = StudyDirectory(tmp_path).manifest.read_text()
    assert "planted" not in text
    recorded = Manifest.open(StudyDirectory(tmp_path)).content["legs"][-1]["environment"]
    assert recorded["TZ"] == "UTC"
    assert set(recorded) <= set(RECORDED_VARIABLES)


def test_a_leg_counts_as_interrupted_until_it_is_known_to_have_ended(manifest: Manifest) -> None:
    manifest.begin_leg("run", Capacity(2, 0.0, 1))
    assert manifest.content["legs"][-1]["outcome"] == "interrupted"

    manifest.end_leg("done", 1.5)

    assert manifest.content["legs"][-1]["outcome"] == "done"


def test_what_a_leg_ran_on_is_compared_with_the_leg_before_it(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.store.manifest.installed_version", {"keras": "3.15.1", "numpy": "2.4.0"}.get)
    monkeypatch.setattr("study.store.manifest._git_revision", lambda: None)
    assert manifest.changes() == {}
    manifest.begin_leg("run", Capacity(2, 0.0, 1))
    assert Manifest.open(StudyDirectory(tmp_path)).changes() == {}

    monkeypatch.setattr("study.store.manifest.installed_version", {"keras": "3.16.0", "numpy": "2.4.0"}.get)

    later = Manifest.open(StudyDirectory(tmp_path))
    assert later.changes() == {"keras": ("3.15.1", "3.16.0")}
    later.begin_leg("resume", Capacity(2, 0.0, 1))
    assert Manifest.open(StudyDirectory(tmp_path)).changes() == {}


def test_a_leg_notes_which_runs_it_took_up(manifest: Manifest) -> None:
    run = Assignment(trial=3, replicate=2, attempt=1, seed=0, params={})

    manifest.begin_leg("resume", Capacity(2, 0.0, 1), [run])

    assert manifest.content["legs"][-1]["taken_up"] == [[3, "search", 2]]


@pytest.mark.parametrize(
    ("changes", "breaks"),
    [
        ({}, False),
        ({"keras": ("3.15.1", "3.15.2")}, False),
        ({"keras": ("3.15.1", "3.16.0")}, True),
        ({"tensorflow": ("2.20.0", "3.0.0")}, True),
        ({"numpy": ("1.26.0", "2.0.0")}, False),
    ],
)
def test_checkpoints_are_those_of_one_release_of_what_trains(
    changes: dict[str, tuple[str, str]], breaks: bool
) -> None:
    assert breaks_checkpoints(changes) is breaks

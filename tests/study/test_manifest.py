from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster import Capacity
from study.directory import StudyDirectory
from study.errors import IntegrityError
from study.manifest import RECORDED_VARIABLES, Manifest
from tests.study.small_study import make_spec


def make_corpus(**changes: Any) -> Any:
    facts = {"source": "texts.csv", "fingerprint": "a" * 64, "split_fingerprint": "b" * 64}
    return SimpleNamespace(**facts | {"validated_on": "validation"} | changes)


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

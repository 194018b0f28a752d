from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.cli.options import gather_spec
from study.data.spec import DataSpec
from study.designs import SearchDesign
from study.errors import DataError, StudyError
from study.spec.schema import StudySpec
from study.spec.sources import make_spec

TEXTS = pd.DataFrame(
    {
        "text": [f"a film that was {how} in its part {i}" for how in ("good", "bad") for i in range(20)],
        "label": [1] * 20 + [0] * 20,
    }
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    path = tmp_path / "my reviews.csv"
    TEXTS.to_csv(path, index=False)
    return path


def test_a_preset_is_found_by_its_name() -> None:
    spec = make_spec("quick")

    assert spec.name == "quick"
    assert spec.data.source == "docstrings"


def test_a_word_that_is_preset_and_source_is_the_preset() -> None:
    assert make_spec("imdb").description != ""
    assert make_spec("reuters") == StudySpec(name="reuters", data={"source": "reuters"})


def test_a_spec_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "asked.yaml"
    path.write_text(json.dumps({"name": "asked", "seeds": 2}))

    assert make_spec(path) == make_spec(str(path)) == StudySpec(name="asked", seeds=2)


def test_texts_alone_come_to_the_study_that_the_command_line_makes_of_them(reviews: Path) -> None:
    spec = make_spec(reviews, seeds=2)

    assert spec.name == "my-reviews"
    assert spec == gather_spec(None, {"data.source": str(reviews), "seeds": 2}, None)
    assert spec.space != StudySpec(name="standard").space


def test_what_is_asked_is_put_over_what_suits_the_texts(reviews: Path) -> None:
    derived = make_spec(reviews)

    spec = make_spec(reviews, space={"units": 8}, training={"max_epochs": 2}, design={"trials": 9})

    document = derived.to_document()
    document["space"]["parameters"]["units"] = 8
    document["training"]["max_epochs"] = document["design"]["grace_period_epochs"] = 2
    document["design"]["trials"] = 9
    assert spec == StudySpec.from_document(document)


def test_a_cell_that_is_fixed_is_no_question(reviews: Path) -> None:
    asked = make_spec(reviews, space={"cell": "gru"}, design={"trials": 5})

    assert isinstance(asked.design, SearchDesign)
    assert (asked.design.scientific, asked.design.trials) == ((), 5)
    assert asked == gather_spec(None, {"data.source": str(reviews), "design.trials": 5}, ["space.cell=gru"])


def test_trials_are_shared_by_the_cells_and_it_is_said(
    reviews: Path, caplog: pytest.LogCaptureFixture
) -> None:
    design = make_spec(reviews, design={"trials": 8}).design

    assert isinstance(design, SearchDesign)
    assert design.trials == 9
    assert "8 trials cannot be shared by 3 levels of cell: 9 are taken" in caplog.text


def test_a_spec_is_taken_as_it_is() -> None:
    spec = StudySpec(name="mine")

    assert make_spec(spec) is spec
    assert make_spec(spec, name="other") == StudySpec(name="other")


def test_a_mapping_is_a_spec_as_a_file_holds_it() -> None:
    assert make_spec({"name": "mine", "training": {"max_epochs": 2}}).training.max_epochs == 2


def test_settings_are_put_over_a_preset_key_by_key() -> None:
    quick = make_spec("quick")

    spec = make_spec("quick", space={"units": 8}, training={"patience": 2}, data={"limit_train": 10})

    changed = quick.to_document()
    changed["space"]["parameters"]["units"] = 8
    changed["training"]["patience"] = 2
    changed["data"]["limit_train"] = 10
    assert spec == StudySpec.from_document(changed)


def test_a_design_without_a_kind_changes_the_presets() -> None:
    changed = make_spec("quick").design.model_copy(update={"trials": 6})

    assert make_spec("quick", design={"trials": 6}).design == changed


def test_a_design_with_a_kind_replaces_the_presets() -> None:
    design = {"kind": "random", "trials": 6}

    assert make_spec("quick", design=design).design == StudySpec(name="any", design=design).design


def test_constraints_may_be_put_over_a_presets_space() -> None:
    given = {"parameters": {"units": [16, 64]}, "constraints": ["units < 64 or layers == 1"]}

    space = make_spec("quick", space=given).space

    assert [constraint.text for constraint in space.constraints] == given["constraints"]
    assert space.parameters["layers"] == make_spec("quick").space.parameters["layers"]


def test_a_space_of_its_own_replaces_the_presets() -> None:
    space = make_spec("quick").space.fix({"cell": "gru"})

    assert make_spec("quick", space=space, design={"kind": "grid"}).space == space


def test_values_may_be_paths_tuples_numpy_numbers_and_parts_of_a_spec(reviews: Path) -> None:
    spec = make_spec(
        reviews,
        name="mine",
        seeds=np.int64(2),
        warm_start=(Path("studies/old"),),
        data=DataSpec(limit_train=10),
        space={"units": np.array([8, 16])[0], "cell": ("lstm", "gru")},
    )

    assert (spec.seeds, spec.warm_start, spec.data.limit_train) == (2, ("studies/old",), 10)
    assert spec.data.source == str(reviews)


def test_the_same_frame_gives_the_same_spec_and_another_gives_another() -> None:
    first, again = make_spec(TEXTS, name="mine"), make_spec(TEXTS.copy(), name="mine")
    other = make_spec(TEXTS.assign(label=TEXTS["label"].iloc[::-1].to_list()), name="mine")

    assert first == again
    assert other.data.source != first.data.source


def test_a_frames_columns_may_be_named() -> None:
    frame = TEXTS.rename(columns={"text": "review", "label": "stars"})

    spec = make_spec(frame, name="mine", data={"text": "review", "label": "stars", "limit_train": 10})

    assert (spec.data.text, spec.data.label, spec.data.limit_train) == ("review", "stars", 10)


@pytest.mark.parametrize(
    ("source", "settings", "said"),
    [
        ("quik", {}, "did you mean quick?"),
        ("docstring", {}, "did you mean docstrings?"),
        ("nowhere/texts.csv", {}, "'nowhere/texts.csv' is none; presets: imdb"),
        ("~nobody-of-this-name/x.csv", {}, "is none"),
        ("x" * 5000, {}, "is none"),
        ("nowhere.yaml", {}, "nowhere.yaml: No such file"),
        (7, {}, "int is none"),
        (None, {}, "NoneType is none"),
        ([1, 2], {}, "list is none"),
        (TEXTS, {}, "give one, e.g. name='reviews'"),
        (TEXTS, {"name": "a b"}, "'a b' is not"),
        (TEXTS, {"name": "a", "data": 3}, "3 is not; see docs/spec.md"),
        (TEXTS, {"name": "a", "data": {"txt": "b"}}, "did you mean 'text'?"),
        (TEXTS, {"name": "a", "data": {"source": "b.csv"}}, "data.source='b.csv' is a second"),
        ("docstrings", {"data": {"source": "b.csv"}}, "data.source='b.csv' is a second"),
        ("quick", {"trials": 3}, "trials is not a key"),
        ("quick", {"training": {"epochs": 3}}, "did you mean 'max_epochs'?"),
        ("quick", {"space": {"cel": "lstm"}}, "did you mean 'cell'?"),
        ("quick", {"space": "lstm"}, "a space is a mapping"),
        ("quick", {"design": {"kind": "gird"}}, "did you mean 'grid'?"),
        ("quick", {"seeds": 0}, "seeds: input should be greater"),
        ({"name": "a", 3: 4}, {}, "3 is not a key"),
    ],
)
def test_what_is_no_study_is_refused_in_one_line(source: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as caught:
        make_spec(source, **settings)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"seeds": 0}, "the arguments: seeds"),
        ({"training": {"max_epochs": 0}}, "the arguments: training.max_epochs"),
        ({"design": {"trials": 0}}, "the arguments: design.trials"),
        ({"space": {"units": [0]}}, "the arguments: space.units"),
        ({"space": {"parameters": {"units": [0]}}}, "the arguments: space.units"),
        ({"design": {"kind": "grid"}, "seeds": 0}, "the arguments: seeds"),
    ],
)
def test_a_value_put_over_a_preset_is_not_looked_for_in_the_preset(
    settings: dict[str, Any], place: str
) -> None:
    with pytest.raises(StudyError, match=f"^{place}"):
        make_spec("quick", **settings)


def test_a_study_is_not_run_from_the_directory_of_another(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("name: old\n")

    with pytest.raises(StudyError, match="is a study already"):
        make_spec(tmp_path)


def test_yaml_that_is_none_is_a_study_error(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: [")

    with pytest.raises(StudyError, match=r"bad\.yaml:2"):
        make_spec(path)


def test_a_spec_that_cannot_be_leaves_no_file_of_its_frame(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 40"):
        make_spec(TEXTS.assign(text=[*TEXTS["text"][:39], 5]), name="mine")
    with pytest.raises(StudyError, match="did you mean 'text'"):
        make_spec(TEXTS, name="mine", data={"tex": "text"})

    assert not list(tmp_path.rglob("*.parquet"))

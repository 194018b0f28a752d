from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from search_spaces import Fixed, SpaceError
from search_spaces.documents import dump_document, load_document
from study.errors import StudyError
from study.spec.presets import find_document, preset_names
from study.spec.schema import Resources, StudySpec, Training, check_name
from tests.study.pretend.small_study import make_spec


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_spec_and_survives_yaml(name: str) -> None:
    spec = StudySpec.from_document(*find_document(name))

    text = dump_document(spec.to_document())

    assert StudySpec.from_document(load_document(text, "study.yaml"), "study.yaml") == spec


def test_the_space_of_a_spec_replaces_standard_domains_and_keeps_the_rest() -> None:
    spec = make_spec(space={"cell": "gru"})

    assert spec.space.parameters["cell"] == Fixed("gru")
    assert spec.space.parameters["learning_rate"] == Fixed(0.001)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": 3}, r"trials is not a key: known: 'name'"),
        ({"data": {"limit_trian": 3}}, r"data\.limit_trian is not a key: did you mean 'limit_train'\?"),
        (
            {"data": {"recall": {"distanse": 9}}},
            r"data\.recall\.distanse is not a key: did you mean 'distance'\?",
        ),
        (
            {"design": {"kind": "search", "trails": 3}},
            r"design\.trails is not a key: did you mean 'trials'\?",
        ),
        (
            {"design": {"kind": "serach"}},
            r"design\.kind: 'serach' is not a kind: did you mean 'search'\?",
        ),
        ({"training": {"max_epochs": "many"}}, r"training\.max_epochs: .*'many'"),
        ({"training": {"max_epochs": 0}}, r"training\.max_epochs: .* 1: 0 is not"),
        ({"seed": -1}, r"seed: .* 0: -1 is not"),
        ({"seeds": True}, "seeds: .*True"),
        ({"name": "a/b"}, "name: a study's name is up to 64 letters"),
        ({"objective": "test_accuracy"}, "objective: .*'test_accuracy'"),
        (
            {"design": {"kind": "search", "grace_period_epochs": 9}},
            r"grace_period_epochs=9 exceeds training\.max_epochs=3: no trial could stop early",
        ),
    ],
)
def test_a_bad_spec_is_explained_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message) as caught:
        make_spec(**changes)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"unit": [1, 2]}, "did you mean 'units'"),
        ({"units": {"low": 9, "high": 2}}, "low=9 is above high=2"),
        ({"units": {"low": 0, "high": 2, "log": True}}, "log"),
        ({"units": []}, "at least one"),
        (["units"], "mapping"),
    ],
)
def test_a_bad_space_is_explained_in_one_line(space: object, message: str) -> None:
    with pytest.raises((StudyError, SpaceError), match=message) as caught:
        make_spec(space=space)

    assert "\n" not in str(caught.value)


def test_the_reference_names_every_key() -> None:
    text = (Path(__file__).parents[3] / "docs" / "spec.md").read_text()
    keys = {"name", *StudySpec.model_fields}
    for part, model in (("training", Training), ("resources", Resources)):
        keys |= {f"{part}.{name}" for name in model.model_fields}
    keys = {f"{key}.*" if key in ("data", "design") else key for key in keys - {"training", "resources"}}

    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_a_spec_without_a_name_is_told_so() -> None:
    with pytest.raises(StudyError, match=r"^test: name is missing; give it"):
        StudySpec.from_document({"seed": 1}, "test")


@pytest.mark.parametrize(
    ("name", "domain", "said"),
    [
        ("cell", "GRU", "one of rnn, gru, lstm: 'GRU' is not; did you mean 'gru'?"),
        ("cell", None, "one of rnn, gru, lstm: None is not"),
        ("bidirectional", [0, 1], "true or false: 0 is not"),
        ("units", [8, 0], "a whole number from 1 on: 0 is not"),
        ("units", {"low": 1.5, "high": 8.0}, "a whole number from 1 on: 1.5 is not"),
        ("layers", [True], "a whole number from 1 on: True is not"),
        ("vocab_size", 3, "a whole number from 4 on: 3 is not"),
        ("dropout", [0.0, 1.0], "below 1: 1.0 is not"),
        ("learning_rate", 0, "a number above 0: 0 is not"),
        ("optimizer", 7, "schedulefreeadamw, sgd: 7 is not; see"),
        ("optimizer", ["Adam", "adamm"], "sgd: 'adamm' is not; did you mean 'adam'?"),
    ],
)
def test_what_the_standard_model_cannot_be_built_from_is_refused(name: str, domain: Any, said: str) -> None:
    with pytest.raises(StudyError, match=re.escape(f"space.{name} is ")) as refused:
        make_spec(space={name: domain})

    assert said in str(refused.value)
    make_spec(space={name: domain}, model="mine:build")


def test_a_parameter_that_some_settings_lack_is_refused_where_the_model_needs_it() -> None:
    space = {"conditions": {"dropout": "layers > 1"}}

    with pytest.raises(StudyError, match="dropout applies only where 'layers > 1' holds"):
        make_spec(space=space)


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", ".hidden", "-flag", "a b", "=1+1", "a\n", "ü", "x" * 65, "a\x00", "~"]
)
def test_a_name_that_could_leave_its_folder_or_upset_a_reader_is_refused(name: str) -> None:
    with pytest.raises(StudyError, match="64 letters"):
        check_name(name)


@pytest.mark.parametrize("name", ["a", "imdb-2026_11.b", "x" * 64])
def test_a_plain_name_is_taken(name: str) -> None:
    assert check_name(name) == name


def test_a_class_weight_is_a_parameter_like_any_other() -> None:
    spec = make_spec(space={"class_weight": ["none", "balanced"]})

    assert list(spec.space.parameters["class_weight"].choices) == ["none", "balanced"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": {"class_weight": ["heavy"]}}, "space.class_weight is none or balanced: 'heavy' is not"),
        ({"training": {"class_weight": {"spam": 0.0}}}, "a weight above 0 by class: {'spam': 0.0} is not"),
        (
            {"training": {"class_weight": "balanced"}, "space": {"class_weight": ["none", "balanced"]}},
            "training.class_weight is given once",
        ),
    ],
)
def test_a_class_weight_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=re.escape(said)):
        make_spec(**changes)


def test_the_first_study_compares_cells_over_the_same_settings_of_all_else() -> None:
    spec = StudySpec.from_document(*find_document("quick"))

    by_cell = defaultdict(list)
    for setting in spec.design.plan(spec.space, spec.seed) or ():
        by_cell[setting["cell"]].append({name: setting[name] for name in setting if name != "cell"})

    assert len(by_cell["lstm"]) == 6
    assert by_cell["rnn"] == by_cell["lstm"] == by_cell["gru"]


def test_a_spec_is_a_key_by_its_value() -> None:
    design = {"kind": "search", "sampler_options": {"n_startup_trials": 4}}
    options: dict[str, Any] = {"design": design, "space": {"units": [8, 16]}}

    assert {make_spec(**options): 1}[make_spec(**options)] == 1
    assert hash(make_spec(seeds=2)) != hash(make_spec(seeds=3))


def test_a_spec_at_a_prompt_counts_what_is_searched() -> None:
    fixed = {"cell": "lstm", "bidirectional": False, "layers": 1, "vocab_size": 100, "sequence_length": 10}

    assert "grid over 1 parameter;" in repr(make_spec(space={**fixed, "units": [8, 16]}))

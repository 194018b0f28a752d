"""The card of the best model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.metrics import f1_score

from analysis import Study, load, write_report
from analysis.records.models import find_best_model
from analysis.report.chapters.card import card_chapter
from analysis.report.content import Grid, Listing, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.intervals import wilson_interval

PARAMS = {"cell": "gru", "units": 32, "sequence_length": 50, "learning_rate": 0.001}


def add_model(study: Path, trial: int, score: float, **changes: Any) -> Path:
    folder = study / "models" / f"trial-{trial:04d}"
    folder.mkdir(parents=True)
    card = {"trial": trial, "phase": "search", "replicate": 1, "seed": 5, "epoch": 3, "score": score}
    card |= {"params": PARAMS, "classes": ["no", "yes"], "sha256": "", "vocabulary_sha256": ""}
    card |= {"encoding": {"tokens": "words", "padding": "pre", "truncation": "post"}}
    (folder / "model.json").write_text(json.dumps(card | changes))
    (folder / "model.keras").write_bytes(b"x" * 1_500_000)
    return folder


@pytest.fixture
def study(make_study: Callable[..., Study]) -> Study:
    return make_study(prune_fraction=0, fail_fraction=0)


def chapter_of(study: Study) -> Section:
    chapter = card_chapter(Evidence(study))
    assert chapter is not None
    return chapter


def test_the_best_of_the_models_is_shown_with_its_run(study: Study) -> None:
    add_model(study.path.parent, 1, 0.7)
    add_model(study.path.parent, 2, 0.8)
    run = study.trials[(study.trials["trial"] == 2) & (study.trials["replicate"] == 1)].iloc[0]

    grid = chapter_of(study).blocks[0]

    assert isinstance(grid, Grid)
    said = dict(grid.frame.to_numpy().tolist())
    assert said["run"] == f"trial 2, replicate 1, seed {run['seed']}, epoch 3"
    assert said["file"] == "model.keras, 1.5 MB"
    low, high = (100 * float(end) for end in wilson_interval(run["val_accuracy"] * 400, 400))
    accuracy = f"{100 * run['val_accuracy']:.1f}% ({low:.1f}% to {high:.1f}%, 95% over 400 texts)"
    assert said["validation accuracy"] == accuracy
    assert "test accuracy" not in said


def test_its_parameters_are_yaml(study: Study) -> None:
    add_model(study.path.parent, 1, 0.7)

    listing = chapter_of(study).blocks[1]

    assert isinstance(listing, Listing)
    assert yaml.safe_load(listing.text) == PARAMS


def test_what_is_to_be_copied_names_the_model_as_it_lies(study: Study) -> None:
    folder = add_model(study.path.parent, 1, 0.7)

    own, keras, shell = (block for block in chapter_of(study).blocks[2:] if isinstance(block, Listing))

    assert f"study.open('{study.path.parent}').best_model()" in own.text
    assert f"load_model('{folder}/model.keras', compile=False)" in keras.text
    assert "filled with 0 in front" in keras.text
    assert "longer text the first 50 ids" in keras.text
    assert f"study predict {study.path.parent} " in shell.text


@pytest.mark.parametrize(
    ("tokens", "classes", "said"),
    [
        (
            "words",
            ("no", "yes"),
            ("a word in lower case", "(n, 1): the probability of the second class, 'yes'"),
        ),
        ("chars", ("a", "b", "c"), ("one character", "(n, 3): a probability for each class, in the order")),
        ("bpe", ("no", "y\nes"), ("a part of a word", "second class, 'y\\nes'")),
        ("of a later release", ("no", "yes"), ("# ids: 1 begins a text", "(n, 1)")),
    ],
)
def test_with_plain_keras_it_is_said_what_goes_in_and_what_comes_out(
    study: Study, tokens: str, classes: tuple[str, ...], said: tuple[str, str]
) -> None:
    encoding = {"tokens": tokens, "padding": "pre", "truncation": "post"}
    add_model(study.path.parent, 1, 0.7, encoding=encoding)
    named = replace(study, facts=study.facts.model_copy(update={"classes": classes}))

    (keras,) = [b for b in chapter_of(named).blocks if isinstance(b, Listing) and "Keras" in b.title]

    assert all(text in keras.text for text in said)
    compile(keras.text, "listing", "exec")


def test_a_study_that_kept_no_model_has_no_card(study: Study) -> None:
    assert card_chapter(Evidence(study)) is None


def test_a_card_that_cannot_be_read_is_passed_over(study: Study) -> None:
    add_model(study.path.parent, 1, 0.7)
    add_model(study.path.parent, 2, 0.8, params="none")
    (add_model(study.path.parent, 3, 0.9) / "model.keras").unlink()

    best = find_best_model(study.path.parent)

    assert best is not None
    assert best.card.trial == 1


def test_a_card_from_data_is_shown_as_text(study: Study, tmp_path: Path) -> None:
    add_model(study.path.parent, 1, 0.7, params=PARAMS | {"note": "</code><script>x</script>"})

    page = write_report(load(study.path.parent), tmp_path / "report", figures=False)

    assert "<script>x" not in page.read_text(encoding="utf-8")
    assert "&lt;script&gt;x" in page.read_text(encoding="utf-8")


def test_a_line_of_a_listing_in_markdown_cannot_end_it(study: Study, tmp_path: Path) -> None:
    add_model(study.path.parent, 1, 0.7, params=PARAMS | {"note": "a\n```\n# b"})

    page = write_report(load(study.path.parent), tmp_path / "report", format="md", figures=False)

    lines = page.read_text(encoding="utf-8").splitlines()
    start = lines.index("### Its parameters") + 2
    listing = lines[start : lines.index("", start)]
    assert all(line.startswith("    ") for line in listing)
    assert any(line.strip().startswith("units: 32") for line in listing)


def read_card(study: Study) -> dict[str, str]:
    grid = chapter_of(study).blocks[0]
    assert isinstance(grid, Grid)
    return dict(grid.frame.to_numpy().tolist())


def test_the_speed_of_the_model_is_told_where_it_was_measured(study: Study) -> None:
    add_model(study.path.parent, 1, 0.7, ms_per_text={"1": 3.214, "256": 0.0567})
    assert read_card(study)["speed"].startswith(
        "3.21 ms a text alone and 0.06 ms a text in batches of 256, on the machine that trained it"
    )
    add_model(study.path.parent, 2, 0.8)
    assert "speed" not in read_card(study)


def test_macro_f1_and_area_stand_with_their_intervals(study: Study) -> None:
    add_model(study.path.parent, 2, 0.8)
    labels = study.labels
    assert labels is not None
    f1 = f1_score(labels, study.predictions[2, "search", 1] > 0.5, average="macro")
    trials = study.trials.assign(val_macro_f1=f1, val_roc_auc=0.9)
    study = replace(study, trials=trials)

    said = read_card(study)

    value, low, high = map(float, re.findall(r"[01]\.\d+", said["validation macro-F1"])[:3])
    assert value == pytest.approx(f1, abs=5e-4)
    # Of two classes of about one size macro-F1 varies as the accuracy does.
    half = 1.96 * np.sqrt(f1 * (1 - f1) / 400)
    assert (f1 - low, high - f1) == (pytest.approx(half, rel=0.25), pytest.approx(half, rel=0.25))
    assert re.fullmatch(r"0\.900 \(0\.8\d+ to 0\.9\d+\)", said["validation ROC AUC"])

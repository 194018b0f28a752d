from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from study.data.corpus import fingerprint_rows
from study.errors import StudyError
from study.prediction.answers import (
    EMPTY,
    UNKNOWN,
    answer,
    check_target,
    say_warnings,
    to_lines,
    write_answers,
)
from study.prediction.evaluation import evaluate

TEXTS = ["good film", "", "zzz", "=bad film", " \t"]


class PretendModel:
    """Knows three words, and takes what is good for good."""

    card = SimpleNamespace(classes=("neg", "pos"), fingerprint=fingerprint_rows(["good"], ["pos"]))

    def predict(self, texts: list[str]) -> np.ndarray:
        good = np.array([0.9 if "good" in text else 0.2 for text in texts])
        return np.stack([1 - good, good], axis=1).reshape(-1, 2)

    def encode(self, texts: list[str]) -> np.ndarray:
        known = ("good", "bad", "film")
        return np.array(
            [[1, *(3 if any(word in text for word in known) else 2 for _ in "ab")] for text in texts]
        )


MODEL: Any = PretendModel()


def test_an_empty_text_gets_no_class_and_an_unknown_one_is_told() -> None:
    table = answer(MODEL, TEXTS)

    assert table["class"].tolist() == ["pos", "", "neg", "neg", ""]
    assert table["note"].tolist() == ["", EMPTY, UNKNOWN, "", EMPTY]
    assert table["probability"].isna().tolist() == [False, True, False, False, True]
    assert say_warnings(table) == [
        "2 of 5 texts are empty and get no class",
        "1 of 5 texts holds no word that the model knows: its class says nothing",
    ]


def test_lines_hold_class_probability_and_text() -> None:
    assert to_lines(answer(MODEL, TEXTS[:2])) == "pos\t0.9000\tgood film\n-\t-\t\n"


def test_all_probabilities_are_given_on_demand() -> None:
    table = answer(MODEL, TEXTS, all_probabilities=True)

    assert table[["p(neg)", "p(pos)"]].iloc[0].tolist() == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".txt"])
def test_answers_are_written_as_the_name_tells(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"

    write_answers(answer(MODEL, TEXTS[:1]), path)

    match suffix:
        case ".csv":
            assert pd.read_csv(path)["class"].tolist() == ["pos"]
        case ".jsonl":
            assert json.loads(path.read_text())["class"] == "pos"
        case ".parquet":
            assert pd.read_parquet(path)["text"].tolist() == ["good film"]
        case _:
            assert path.read_text() == "pos\t0.9000\tgood film\n"


def test_a_spreadsheet_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    write_answers(answer(MODEL, TEXTS), tmp_path / "x.csv")

    assert "'=bad film" in (tmp_path / "x.csv").read_text()


@pytest.mark.parametrize(("name", "said"), [("x.xlsx", "written as .txt"), ("there.csv", "exists")])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_computed(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "there.csv").write_text("")
    with pytest.raises(StudyError, match=said):
        check_target(tmp_path / name)


def test_figures_are_those_of_the_confusion() -> None:
    labels = ["pos", "neg", "neg", "pos", "neg"]
    figures = evaluate(MODEL, ["good", "good", "bad", "bad", "bad"], labels)

    assert figures.confusion.to_numpy().tolist() == [[2, 1], [1, 1]]
    assert figures.accuracy == 0.6
    assert figures.majority == 0.6
    assert figures.low < 0.6 < figures.high
    # neg: 2 of 3 given and labelled; pos: 1 of 2.
    assert figures.classes["f1"].tolist() == pytest.approx([2 / 3, 1 / 2])
    assert figures.macro_f1 == pytest.approx(7 / 12)
    assert figures.loss == pytest.approx(-(np.log([0.9, 0.1, 0.8, 0.2, 0.8])).mean())


@pytest.mark.parametrize(("text", "familiar"), [("good", True), ("goods", False)])
def test_texts_that_the_model_was_trained_on_are_known_again(text: str, familiar: bool) -> None:
    assert evaluate(MODEL, [text], ["pos"]).familiar is familiar


def test_labels_that_are_no_classes_of_the_model_are_refused() -> None:
    with pytest.raises(StudyError, match="the texts have '1'"):
        evaluate(MODEL, ["good", "bad"], ["pos", "1"])

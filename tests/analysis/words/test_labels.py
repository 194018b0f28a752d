from __future__ import annotations

import pandas as pd
import pytest

from analysis.words.labels import (
    CELLS,
    OTHER_COLOR,
    color_of,
    label_level,
    label_number,
    label_setting,
    label_value,
    varied_parameters,
)
from search_spaces import recurrent

NOTEBOOK = {
    "cell": "lstm",
    "bidirectional": True,
    "units": 64,
    "layers": 2,
    "vocab_size": 15000,
    "sequence_length": 150,
    "learning_rate": 0.00033601,
}


@pytest.mark.parametrize(
    ("varied", "expected"),
    [
        (tuple(NOTEBOOK), "biLSTM 2\u00d764, 15k words, 150 tokens, lr 3.4e-4"),
        (("cell",), "LSTM"),
        (("bidirectional", "units"), "both directions 64 units"),
        (("layers", "vocab_size"), "2 layers, 15k words"),
        ((), "the one setting"),
        (("missing",), "the one setting"),
    ],
)
def test_a_setting_is_named_by_what_varied(varied: tuple[str, ...], expected: str) -> None:
    assert label_setting(NOTEBOOK, varied) == expected


@pytest.mark.parametrize(
    ("factor", "value", "expected"),
    [
        ("cell", "rnn", "SimpleRNN"),
        ("cell", "other", "other"),
        ("bidirectional", False, "one direction"),
        ("bidirectional", 1.0, "both directions"),
        ("dropout", 0.25, "0.25"),
        ("units", float("nan"), "not set"),
        ("own", "x", "x"),
    ],
)
def test_values_have_words(factor: str, value: object, expected: str) -> None:
    assert label_value(factor, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (15000.0, "15,000"),
        (0.001, "0.001"),
        (0.000241, "2.41e-4"),
        (3e-5, "3e-5"),
        (1e-10, "1e-10"),
        (0.0, "0"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, expected: str) -> None:
    assert label_number(value) == expected


def test_a_parameter_that_is_sometimes_unset_varies() -> None:
    trials = pd.DataFrame({"a": [1, 1], "b": [1, None], "c": ["x", "y"]})
    assert varied_parameters(trials, ("a", "b", "c")) == ("b", "c")


def test_what_is_no_cell_is_grey() -> None:
    assert color_of("lstm") != color_of("gru") != color_of("<b>") == color_of(None)


@pytest.mark.parametrize(
    ("factor", "value", "expected"),
    [("units", 64, "units 64"), ("cell", "gru", "cell GRU"), ("bidirectional", True, "both directions")],
)
def test_a_level_names_its_parameter_unless_its_value_does(factor: str, value: object, expected: str) -> None:
    assert label_level(factor, value) == expected


def test_each_cell_of_the_standard_space_has_a_name_and_colours_of_its_own() -> None:
    assert set(CELLS) == set(recurrent.CELLS)
    for shown in (
        [cell.label for cell in CELLS.values()],
        [OTHER_COLOR, *(cell.color for cell in CELLS.values())],
        [cell.color_on_dark for cell in CELLS.values()],
    ):
        assert len(set(shown)) == len(shown)

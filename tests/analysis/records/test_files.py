from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from analysis.records.files import neutralize, write_csv


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1+2", "@sum", "\tx", "\rx", "\0x"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert neutralize(text) == "'" + text


@pytest.mark.parametrize("value", [-0.5, 3, None, True, "LSTM", "a=b", ""])
def test_numbers_and_plain_texts_are_left_alone(value: object) -> None:
    assert neutralize(value) is value


def test_a_csv_neutralizes_headings_and_texts_but_not_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"=name": ["=cmd()", None], "value": [-0.5, 0.1234567890123456]})

    write_csv(frame, tmp_path / "table.csv")

    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["'=name", "value"], ["'=cmd()", "-0.5"], ["", "0.1234567890123456"]]

from __future__ import annotations

from typing import Any

import pytest
import yaml

from analysis.report.widening import widen
from search_spaces import Space


@pytest.mark.parametrize(
    ("domain", "end", "wider"),
    [
        ([16, 32, 64], "upper", [16, 32, 64, 128]),
        ([16, 32, 64], "lower", [8, 16, 32, 64]),
        ([64, 16, 32], "upper", [16, 32, 64, 128]),
        ([0.001, 0.003], "upper", [0.001, 0.003, 0.009]),
        ([0.0, 0.2, 0.5], "upper", [0.0, 0.2, 0.5, 1.25]),
        ({"choice": [50, 100], "ordered": True}, "upper", {"choice": [50, 100, 200], "ordered": True}),
        ({"low": 8, "high": 128, "log": True}, "upper", {"low": 8, "high": 256, "log": True}),
        ({"low": 8, "high": 128, "log": True}, "lower", {"low": 4, "high": 128, "log": True}),
        ({"low": 1, "high": 3}, "upper", {"low": 1, "high": 4}),
        ({"low": 0.1, "high": 0.5}, "lower", {"low": 0.0, "high": 0.5}),
    ],
)
def test_a_range_goes_on_at_one_end(domain: Any, end: str, wider: Any) -> None:
    said = widen(domain, end)

    assert said is not None
    read = yaml.safe_load(said)  # as `--set` reads it
    assert read == (wider if isinstance(wider, dict) else pytest.approx(wider))
    Space.from_document({"parameters": {"x": read}})  # and a space takes it


@pytest.mark.parametrize(
    "domain", [["lstm", "gru"], [False, True], 32, [32], {"low": 0, "high": 1, "mean": 0.5, "std": 1}, None]
)
def test_what_has_no_next_number_stays(domain: Any) -> None:
    assert widen(domain, "upper") is None


def test_whole_numbers_end_at_one() -> None:
    assert widen([1, 2, 3], "lower") is None
    assert widen({"low": 1, "high": 8}, "lower") is None

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.values import is_missing, is_number


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan"), np.float32("nan"), pd.NA, pd.NaT])
def test_what_stands_for_no_value_is_missing(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, 0.0, "", "nan", False, [], [math.nan], {}, np.array([math.nan])])
def test_what_is_empty_is_a_value(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "is_one"), [(1, True), (np.int64(1), True), (math.nan, True), (True, False)]
)
def test_a_truth_value_is_no_number(value: Any, is_one: bool) -> None:
    assert is_number(value) == is_one
    assert not is_number(str(value))
    assert not is_number(np.bool_(True))

"""What a single value of a table, a document or another tool's run is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def is_missing(value: Any) -> bool:
    """Whether there is none: None, NaN, or pandas' own NA."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def is_number(value: Any) -> bool:
    """Whether a value is a figure; a truth value is none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_)

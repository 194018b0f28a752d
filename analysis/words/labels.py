"""Names for readers: of cells, factors, values and settings; and the colours that cells keep everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.values import is_missing


@dataclass(frozen=True)
class Cell:
    """A cell as readers meet it.

    Its colour is from the palette of Okabe and Ito (2008), told apart under every common colour blindness.
    """

    label: str
    color: str
    color_on_dark: str


CELLS: Mapping[str, Cell] = {
    "rnn": Cell("SimpleRNN", "#D55E00", "#F08A3C"),
    "gru": Cell("GRU", "#009E73", "#2FC297"),
    "lstm": Cell("LSTM", "#0072B2", "#56ABE0"),
}
"""In the order in which figures show them: from the simplest to the most elaborate."""

CELL_LABELS = {name: cell.label for name, cell in CELLS.items()}
CELL_COLORS = {name: cell.color for name, cell in CELLS.items()}
OTHER_COLOR = "#5B6475"

FACTOR_LABELS = {
    "cell": "cell",
    "bidirectional": "direction",
    "units": "units",
    "layers": "layers",
    "vocab_size": "vocabulary",
    "sequence_length": "length",
    "embedding_dim": "embedding",
    "dropout": "dropout",
    "optimizer": "optimizer",
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "train_size": "training texts",
}
_DIRECTIONS = {True: "both directions", False: "one direction"}


def color_of(cell: Any) -> str:
    """The colour of a cell type, grey for what is none of ours."""
    return CELL_COLORS.get(str(cell), OTHER_COLOR)


def label_factor(name: str) -> str:
    """The word for a parameter, its own name if it is not one of ours."""
    return FACTOR_LABELS.get(name, name)


def label_value(factor: str, value: Any) -> str:
    """The word for one value of a parameter."""
    if is_missing(value):
        return "not set"
    if factor == "cell":
        return CELL_LABELS.get(str(value), str(value))
    if factor == "bidirectional" and value in (0, 1):
        return _DIRECTIONS[bool(value)]
    if isinstance(value, bool | str):
        return str(value)
    return label_number(float(value))


def label_level(factor: str, value: Any) -> str:
    """A parameter and its value: `units 64`; the value alone where it names both: `both directions`."""
    label = label_value(factor, value)
    return label if label in _DIRECTIONS.values() else f"{label_factor(factor)} {label}"


def label_number(value: float) -> str:
    """A number as people write it: 15,000; 0.001; 2.41e-4."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if 0 < abs(value) < 0.001:
        return _shorten_exponent(f"{value:.2e}")
    return f"{value:.3g}"


def _shorten_exponent(text: str) -> str:
    base, exponent = text.split("e")
    digits = base.rstrip("0").rstrip(".") if "." in base else base
    return f"{digits}e{int(exponent)}"


TIMES = "\u00d7"
"""Between layers and units."""

_PHRASES = {
    "vocab_size": "{} words",
    "sequence_length": "{} tokens",
    "embedding_dim": "embedding {}",
    "dropout": "dropout {}",
    "optimizer": "{}",
    "learning_rate": "lr {}",
    "batch_size": "batch {}",
    "train_size": "{} texts",
}


def label_setting(params: Mapping[str, Any], varied: Iterable[str]) -> str:
    """A setting in a few words: what was varied, not what all settings share.

    `biLSTM 2x64, 15k words, 150 tokens` (with a real multiplication sign) has two layers of 64 units.
    """
    given = [name for name in varied if not is_missing(params.get(name))]
    parts = [_label_model(params, given)]
    for name in given:
        if name not in ("cell", "bidirectional", "units", "layers"):
            text = _shorten_number(params[name]) if name in _PHRASES else label_value(name, params[name])
            phrase = _PHRASES.get(name, f"{name} {{}}")
            parts.append((phrase.removesuffix("s") if text == "1" else phrase).replace("{}", text))
    return ", ".join(part for part in parts if part) or "the one setting"


def _label_model(params: Mapping[str, Any], given: Sequence[str]) -> str:
    words = []
    if "cell" in given:
        name = label_value("cell", params["cell"])
        words.append(f"bi{name}" if "bidirectional" in given and params["bidirectional"] else name)
    elif "bidirectional" in given:
        words.append(label_value("bidirectional", params["bidirectional"]))
    if "units" in given and "layers" in given:
        words.append(
            f"{label_value('layers', params['layers'])}{TIMES}{label_value('units', params['units'])}"
        )
    elif "units" in given:
        words.append("1 unit" if params["units"] == 1 else f"{label_value('units', params['units'])} units")
    elif "layers" in given:
        words.append(
            "1 layer" if params["layers"] == 1 else f"{label_value('layers', params['layers'])} layers"
        )
    return " ".join(words)


def _shorten_number(value: Any) -> str:
    """15000 as `15k`, 0.000336 as `3.4e-4`: what a list of settings has room for."""
    if isinstance(value, str | bool):
        return str(value)
    if value >= 1000 and value % 1000 == 0:
        return f"{value // 1000:.0f}k"
    if 0 < abs(value) < 0.01:
        return _shorten_exponent(f"{value:.1e}")
    return label_number(float(value))


def varied_parameters(trials: pd.DataFrame, parameters: Iterable[str]) -> tuple[str, ...]:
    """The parameters that took more than one value; being unset counts as a value."""
    return tuple(name for name in parameters if trials[name].nunique(dropna=False) > 1)

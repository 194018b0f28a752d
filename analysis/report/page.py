"""A report as one HTML file that needs nothing else and asks nothing of a network."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis.records.schema import FURTHER_METRICS
from analysis.report.content import Block, Chart, Grid, Listing, Report
from analysis.report.svg import Drawn, inline_svg
from analysis.words.labels import CELLS
from analysis.words.numbers import MINUS, NONE

_NUMERIC = re.compile(
    rf"[<+{MINUS}]?\d[\d,.]*%?( \u00b1 [\d.]+| \([\d.]+ to [\d.]+\)| points?| of [\d,]+| runs"
    rf"| to {MINUS}?\d[\d,.]*)?"
    r"|\d[\d,.]* (s|min|h)( \d+ (s|min))?|none from \d+ \w+"
)
_TEXTS = ("what", "value", "asked", "tried", "never drawn")
"""Columns that are no column of numbers, though a number may stand in each row."""

_PERCENT = ("accuracy",)
_SECONDS = ("wall_s", "setup_s", "epoch_s", "to_best_s")


def render_html(report: Report, drawings: Mapping[str, Drawn]) -> str:
    """Fill the page.

    Args:
        report: What to say.
        drawings: The drawn figures as SVG, by name; a figure that is missing leaves its reading.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
    )
    script = _template_text("report.js")
    return environment.get_template("report.html.j2").render(
        report=report,
        sections=[
            {
                "anchor": section.anchor,
                "title": section.title,
                "short": section.short or section.title,
                "lead": section.lead,
                "blocks": [_block(block, drawings) for block in section.blocks],
            }
            for section in report.sections
        ],
        # Safe: files of this package, not data.
        css=Markup(style_sheet()),  # noqa: S704 - ours, not data
        script=Markup(script),  # noqa: S704 - ours, not data
        script_hash=_hash(script),
        data=None if report.rows is None else embed_json(table_data(report.rows)),
    )


def style_sheet() -> str:
    """The page's rules, among them what gives each cell its colour: the one for white on paper, too."""
    light, dark = (
        " ".join(f"--{name}: {color.lower()};" for name, color in colors)
        for colors in (
            [(name, cell.color) for name, cell in CELLS.items()],
            [(name, cell.color_on_dark) for name, cell in CELLS.items()],
        )
    )
    rules = [
        f":root {{ {light} }}",
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}",
        *(f"td[data-cell={name}]::before {{ background: var(--{name}); }}" for name in CELLS),
    ]
    return _template_text("report.css") + "\n".join(rules) + "\n"


def _template_text(name: str) -> str:
    return (resources.files("analysis.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


def _block(block: Block, drawings: Mapping[str, Drawn]) -> dict[str, Any]:
    if isinstance(block, Chart):
        drawn = drawings.get(block.name)
        return {
            "kind": "chart",
            "name": block.name,
            "title": block.title,
            "reading": block.reading,
            "table": block.table,
            "wide": block.wide,
            "svgs": {} if drawn is None else _inline(drawn, block),
        }
    if isinstance(block, Grid):
        return _grid(block)
    if isinstance(block, Listing):
        return {"kind": "listing", "title": block.title, "text": block.text}
    return {"kind": "note", "text": block.text, "tone": block.tone}


def _inline(drawn: Drawn, chart: Chart) -> dict[str, Markup]:
    """A figure's drawings by the width of the page that they are for."""
    if drawn.narrow is None:
        return {"any": inline_svg(drawn.wide, chart.name, chart.alt)}
    return {
        "wide": inline_svg(drawn.wide, chart.name, chart.alt),
        "narrow": inline_svg(drawn.narrow, f"{chart.name}-narrow", chart.alt),
    }


def _grid(grid: Grid) -> dict[str, Any]:
    columns = [name for name in grid.shown.columns if not _is_empty(grid.shown[name])]
    shown = grid.shown[columns].head(grid.limit)
    return {
        "kind": "grid",
        "anchor": f"table-{grid.name}",
        "name": grid.name,
        "title": grid.title,
        "reading": grid.reading,
        "columns": columns,
        "name_column": next((name for name in columns if name != "#"), ""),
        "numeric": {name for name in columns if name not in _TEXTS and _looks_numeric(shown[name])},
        "rows": [list(zip(columns, row, strict=True)) for row in shown.itertuples(index=False, name=None)],
        "hidden": max(0, len(grid.frame) - len(shown)),
    }


def _is_empty(column: pd.Series[Any]) -> bool:
    return all(text in ("", NONE) for text in column)


def _looks_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column of texts should be set flush right."""
    return all(str(text) in ("", NONE) or _NUMERIC.fullmatch(str(text)) for text in column)


def table_data(rows: pd.DataFrame) -> dict[str, Any]:
    """The table of all trials by columns, numbers cut to what the page shows."""
    columns, values = [], []
    for name in rows.columns:
        kind = _kind_of(str(name), rows[name])
        columns.append({"name": str(name), "label": str(name).replace("_", " "), "kind": kind})
        values.append(_column_values(rows[name], kind))
    return {"columns": columns, "values": values}


def _kind_of(name: str, column: pd.Series[Any]) -> str:
    if column.dtype == bool or not pd.api.types.is_numeric_dtype(column):
        return "text"
    if any(word in name for word in _PERCENT):
        return "percent"
    if "loss" in name:
        return "loss"
    if name in FURTHER_METRICS:
        return "score"
    if name in _SECONDS:
        return "seconds"
    known = column.dropna()
    # Seeds and counts are whole; a learning rate is not.
    return "integer" if (known == np.floor(known)).all() else "number"


def _column_values(column: pd.Series[Any], kind: str) -> list[Any]:
    missing = column.isna().to_numpy()
    values = column.tolist()
    if kind == "text":
        return [None if gone else str(value) for value, gone in zip(values, missing, strict=True)]
    if kind == "integer":
        return [None if gone else int(value) for value, gone in zip(values, missing, strict=True)]
    return [
        None if gone or math.isinf(value) else float(f"{value:.6g}")
        for value, gone in zip(values, missing, strict=True)
    ]


def embed_json(value: object) -> Markup:
    """JSON that cannot leave its `<script>` element, whatever texts it holds (OWASP: escape by context)."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    # Safe: without those signs the parser sees text only; U+2028 and U+2029 are escaped by ensure_ascii.
    return Markup(text)  # noqa: S704 - escaped above

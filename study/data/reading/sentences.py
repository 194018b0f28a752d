"""What was understood of files, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.words.numbers import count, count_of
from study.data.rows import Reading

_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "\x01": "control character"}
_QUOTINGS = {
    "double": 'quoted by "',
    "double-escaped": 'quoted by ", escaped by a backslash',
    "single": "quoted by '",
    "single-escaped": "quoted by ', escaped by a backslash",
    "escaped": "escaped by a backslash",
    "none": "not quoted",
}


def explain_reading(reading: Reading) -> list[str]:
    """Say how files were read and what was left out."""
    form = reading.form
    parts = [str(form[key]) for key in ("layout",) if key in form]
    parts.append(_say_format(form))
    if form.get("encoding", "utf-8") != "utf-8":
        parts.append(f"in {form['encoding']}")
    if "text" in form and "header" in form:
        parts.append(f"texts in {_say_columns(form['text'])}, labels in {_say_columns(form.get('label'))}")
    elif "text" in form:
        parts.append(f"texts in {form['text']!r}, labels in {form.get('label')!r}")
    if "split" in form:
        parts.append(f"splits in {form['split']!r}")
    if "class names" in form:
        parts.append(f"names of classes from {form['class names']}")
    said = [f"read as {', '.join(parts)}: {count(reading.n_read, 'row')}"]
    for reason, n_rows in reading.left_out.items():
        said.append(f"{count_of(n_rows, reading.n_read, 'row')} left out: {reason}")
    return said + list(reading.notes)


def _say_format(form: Mapping[str, Any]) -> str:
    said = str(form.get("format", ""))
    if said == "delimited":
        delimiter = _DELIMITERS.get(form["delimiter"], repr(form["delimiter"]))
        header = "with a header" if form["header"] else "without a header"
        said = f"fields between {delimiter}s, {_QUOTINGS[form['quoting']]}, {header}"
    return f"{said} ({form['compression']})" if "compression" in form else said


def _say_columns(names: object) -> str:
    shown = [names] if isinstance(names, str) else list(names) if isinstance(names, list) else []
    return " + ".join(f"column {name}" if str(name).isdigit() else repr(name) for name in shown)

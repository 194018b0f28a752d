"""Lines that are no table: a label and then a text, or a text alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from study.data.reading.table import Table

_FASTTEXT = "__label__"
_TWO_LEVELS = re.compile(r"[^\s:]+:[^\s:]+$")
_MANY, _OFTEN = 50, 3


def read_marked_lines(lines: Sequence[str], name: str, form: dict[str, Any]) -> Table | None:
    """Read lines that begin with what can only be a label: `__label__x text` or `LABEL:sublabel text`.

    Of two levels the first is the column `label`, and both together are `fine`.

    Returns:
        The table; None where the lines do not look so.
    """
    heads, texts = _part(lines)
    if not heads:
        return None
    if all(head.startswith(_FASTTEXT) for head in heads):
        if any(text.startswith(_FASTTEXT) for text in texts):
            return None  # several labels a text, which is another task
        labels = [head.removeprefix(_FASTTEXT).rstrip(",") for head in heads]
        rows = list(zip(labels, texts, strict=True))
        return Table.of_rows(name, ("label", "text"), rows, form | {"format": "__label__ and text"})
    if all(_TWO_LEVELS.match(head) for head in heads):
        levels = [(head.partition(":")[0], head, text) for head, text in zip(heads, texts, strict=True)]
        if len({coarse for coarse, *_ in levels}) <= max(2, len(levels) // 5):
            said = form | {"format": "LABEL:sublabel and text"}
            return Table.of_rows(name, ("label", "fine", "text"), levels, said)
    return None


def read_labelled_lines(
    lines: Sequence[str], name: str, form: dict[str, Any], *, is_sure: bool = False
) -> Table | None:
    """Read lines of a label, a space and a text.

    Args:
        lines: The lines.
        name: The file's.
        form: What is known of how the file is read.
        is_sure: Whether somebody said so. Else first words are labels only where they recur as labels do:
            few, and each of them often.

    Returns:
        The table; None where the lines do not look so.
    """
    heads, texts = _part(lines)
    counts = Counter(heads)
    is_few = 2 <= len(counts) <= len(heads) ** 0.5 and min(counts.values()) >= _OFTEN
    if not (heads and is_sure) and (len(heads) < _MANY or not is_few):
        return None
    rows = list(zip(heads, texts, strict=True))
    return Table.of_rows(name, ("label", "text"), rows, form | {"format": "label and text"})


def _part(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """First words and the rest of the lines; nothing where a line has one word alone."""
    parted = [line.split(None, 1) for line in lines if line.strip()]
    if len(parted) < 2 or any(len(parts) < 2 for parts in parted):
        return [], []
    return [parts[0] for parts in parted], [parts[1].rstrip("\r\n") for parts in parted]


def read_texts(lines: Sequence[str], name: str, label: str, form: dict[str, Any]) -> Table:
    """Read lines of texts that all have one label."""
    rows = [(line.rstrip("\r\n"), label) for line in lines if line.strip("\r\n")]
    return Table.of_rows(name, ("text", "label"), rows, form | {"format": "a text a line"})

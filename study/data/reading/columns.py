"""Which columns of a table hold texts, labels and splits: by their names, else by what stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from study.data.messages import listed, nearest, quoted
from study.data.reading.profiles import FRACTION, NUMBER, Profile
from study.data.reading.table import Table
from study.data.spec import DataSpec
from study.data.splits import canonical_split
from study.errors import DataError

TEXT_WORDS = (
    *("text", "texts", "sentence", "review", "content", "comment", "tweet", "document", "body", "message"),
    *("question", "answer", "utterance", "headline", "title", "description", "summary", "abstract", "sms"),
    *("article", "phrase", "post", "email", "query", "premise", "hypothesis", "reviewtext", "narrative"),
)
"""Words in the names of columns that hold texts."""

LABEL_WORDS = (
    *(
        "label",
        "labels",
        "class",
        "category",
        "target",
        "sentiment",
        "intent",
        "polarity",
        "emotion",
        "topic",
    ),
    *("stars", "rating", "overall", "score", "genre", "type", "spam", "sarcastic", "stance", "tag", "coarse"),
    *("classification", "gold", "language", "author", "outcome", "y"),
)
"""Words in the names of columns that hold labels, the surest first."""

_SPLIT_NAMES = ("split", "set", "fold", "partition", "subset", "usage")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FEW = 20  # rows, of which none may have another's label


@dataclass(frozen=True)
class Roles:
    """The columns to read, by their indices.

    Attributes:
        text: Of the texts; several are joined.
        label: Of the labels; None where the table has none.
        split: Of the splits; None where the table has none.
        other_labels: Of columns that could be labels as well.
        other_texts: Of columns that hold texts too and are left out.
    """

    text: tuple[int, ...]
    label: int | None
    split: int | None
    other_labels: tuple[int, ...] = ()
    other_texts: tuple[int, ...] = ()


def find_roles(table: Table, spec: DataSpec) -> Roles:
    """The columns to read.

    Args:
        table: The table.
        spec: The names asked for; what it leaves open is found.

    Raises:
        DataError: If a column that was asked for is missing or there twice, or none looks like texts.
    """
    asked = spec.text_columns
    split = _find_split(table, spec)
    label = None if spec.label is None else _position(table, spec.label, "label")
    text = tuple(_position(table, name, "text") for name in asked)
    if not text and "text" in table.names:
        text = (_position(table, "text", "text"),)
    if label is None and "label" in table.names:
        label = _position(table, "label", "label")
    taken = {*text, label, split}
    profiles = [Profile.of(table, index) for index in range(len(table.names))]
    free = [index for index, profile in enumerate(profiles) if profile.is_free_text and index not in taken]
    if not text and not free:
        free = _longest(table, profiles, taken)
    candidates: list[int] = []
    if label is None:
        candidates = _rank_labels(table, profiles, taken | set(free if not text else ()))
        label = candidates[0] if candidates else None
    if not text:
        text = _pick_texts(table, profiles, [index for index in free if index != label], {label, split})
        if not text:
            raise _no_column(table, "text", "text")
    left_out = [index for index in free if index not in {*text, label} and _names_text(table, index)]
    return Roles(text, label, split, tuple(candidates[1:4]), () if asked else tuple(left_out))


def missing_label(table: Table) -> DataError:
    """The error for a table without labels."""
    return _no_column(table, "label", "label")


def adopt(roles: Roles, model: Table, table: Table, spec: DataSpec) -> Roles:
    """The same columns in another table of the same source: by name, else by index.

    Raises:
        DataError: If it lacks a column of texts.
    """
    if table.has_names and not model.has_names:
        return find_roles(table, spec)  # GLUE names the columns of the test split alone
    if not table.has_names:
        width = len(table.names)
        if any(index >= width for index in roles.text):
            raise _no_column(table, "text", model.names[roles.text[-1]])
        return replace(roles, label=roles.label if roles.label is not None and roles.label < width else None)
    names = list(table.names)
    text = tuple(_position(table, model.names[index], "text") for index in roles.text)
    label = model.names[roles.label] if roles.label is not None else None
    return Roles(text, names.index(label) if label in names else None, _find_split(table, spec))


def looks_like_names(cells: Sequence[str], rest: Sequence[Sequence[str]], spec: DataSpec) -> bool:
    """Whether a first row names the columns.

    It does where it has names that were asked for or are usual for texts and labels, or where its cells are
    short and are not what stands below them.
    """
    names = [cell.strip() for cell in cells]
    asked = [*spec.text_columns, *filter(None, (spec.label, spec.split))]
    if any(name in names and not name.isdecimal() for name in asked):
        return True
    below = [{row[index].strip() for row in rest if index < len(row)} for index in range(len(names))]
    if any(name and name in seen for name, seen in zip(names, below, strict=True)):
        return False  # one of its cells stands in a row too
    if any(len(name) > 40 or len(name.split()) > 4 for name in names):
        return False
    usual = {*TEXT_WORDS, *LABEL_WORDS, "id", "index", "split"}
    if any(_words(name) and set(_words(name)) <= usual for name in names):
        return True
    if not rest or any(NUMBER.match(name) or FRACTION.match(name) for name in names):
        return False
    if any(seen and all(NUMBER.match(value) for value in seen) for seen in below):
        return True  # a word above numbers
    # A word above few others, and beside it a word above texts.
    is_above_labels = any(
        name and 2 <= len(seen) <= len(rest) / 4 for name, seen in zip(names, below, strict=True)
    )
    lengths = sorted(max((len(cell) for cell in row), default=0) for row in rest)
    return is_above_labels and max(map(len, names)) < lengths[len(lengths) // 4] / 2


def rate_columns(names: Sequence[str] | None, rows: Sequence[Sequence[str]], *, is_tabbed: bool) -> int:
    """How much a few rows look like texts with labels: 2 by their names, 1 by their content, 0 not.

    Args:
        names: What may be the columns' names.
        rows: The rows.
        is_tabbed: Whether tabs are between the cells, which stand in few texts.
    """
    if names is not None:
        words = {word for name in names for word in _words(name.strip())}
        if words & set(TEXT_WORDS) and words & set(LABEL_WORDS):
            return 2
    table = Table.of_rows("", None, rows, {})
    profiles = [Profile.of(table, index) for index in range(len(table.names))]
    texts = [index for index, profile in enumerate(profiles) if profile.is_free_text]
    is_labelled = any(
        profile.may_be_label
        and index not in texts
        and (profile.n_distinct <= max(2, 0.3 * profile.n) or (is_tabbed and profile.n < _FEW))
        for index, profile in enumerate(profiles)
    )
    return int(bool(texts) and is_labelled)


def _rank_labels(table: Table, profiles: Sequence[Profile], taken: set[int | None]) -> list[int]:
    """Indices of columns that may hold labels, the likeliest first."""
    ranked = []
    for index, profile in enumerate(profiles):
        if index in taken or not profile.may_be_label:
            continue
        rank = _label_rank(table.names[index]) if table.has_names else None
        n = profile.n - profile.n_empty
        is_whole = profile.n_empty < profile.n / 2 if rank is not None else not profile.n_empty
        n_most = max(2, 0.5 * n) if rank is not None or n < 20 else max(2, 0.3 * n)
        is_last_hope = len(profiles) == 2 and (n < _FEW or (table.has_names and rank is not None))
        if (is_whole and profile.n_distinct <= n_most) or is_last_hope:
            is_constant = profile.n_distinct < 2
            ranked.append((is_constant, rank is None, rank or 0, profile.n_distinct, index))
    indices = [index for *_, index in sorted(ranked)]
    return indices[:1] + [index for index in indices[1:] if profiles[index].n_distinct > 1]


def _longest(table: Table, profiles: Sequence[Profile], taken: set[int | None]) -> list[int]:
    """The column of the longest different strings, where none is free text."""
    indices = [
        index
        for index, profile in enumerate(profiles)
        if profile.is_string and index not in taken and profile.n_distinct > profile.n / 2
        if not (table.has_names and _label_rank(table.names[index]) is not None)
    ]
    return [max(indices, key=lambda index: profiles[index].mean_length)] if len(indices) > 0 else []


def _pick_texts(
    table: Table, profiles: Sequence[Profile], free: Sequence[int], taken: set[int | None]
) -> tuple[int, ...]:
    named = [index for index in free if table.has_names and _names_text(table, index)]
    if named or free:
        return tuple(named or free) + _overflow(table, profiles, (named or free)[-1], taken)
    others = [
        index for index, p in enumerate(profiles) if p.is_string and p.n_empty < p.n and index not in taken
    ]
    named = [index for index in others if table.has_names and _names_text(table, index)]
    best = max(named or others, key=lambda index: profiles[index].mean_length, default=None)
    return () if best is None else (best, *_overflow(table, profiles, best, taken))


def _overflow(
    table: Table, profiles: Sequence[Profile], last: int, taken: set[int | None]
) -> tuple[int, ...]:
    """Columns without a name behind the text: what some rows have there is the rest of their text."""
    indices = []
    for index in range(last + 1, len(profiles)):
        if index in taken or not table.has_names or table.names[index].strip():
            break
        indices.append(index)
    return tuple(indices)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _names_text(table: Table, index: int) -> bool:
    return bool(set(_words(table.names[index])) & set(TEXT_WORDS))


def _label_rank(name: str) -> int | None:
    found = [LABEL_WORDS.index(word) for word in _words(name) if word in LABEL_WORDS]
    return min(found, default=None)


def _find_split(table: Table, spec: DataSpec) -> int | None:
    if spec.split is not None:
        return _position(table, spec.split, "split")
    if "split" in table.names:
        return _position(table, "split", "split")
    for index, name in enumerate(table.names):
        if table.has_names and name.strip().lower() in _SPLIT_NAMES:
            cells = table.sample[index]
            if cells and all(isinstance(cell, str) and canonical_split(cell) for cell in cells):
                return index
    return None


def _position(table: Table, name: str, role: str) -> int:
    """The index of the one column with a name; numbers count columns where there are no names."""
    indices = [index for index, there in enumerate(table.names) if there == name]
    if not indices:
        indices = [index for index, there in enumerate(table.names) if there.strip() == name]
    if len(indices) == 1:
        return indices[0]
    raise _no_column(table, role, name, n_found=len(indices))


def _no_column(table: Table, role: str, name: str, n_found: int = 0) -> DataError:
    hint = "" if n_found else nearest(name, table.names)
    names = listed(table.names) or "none"
    shown = names if table.has_names or not table.names else f"{names} (numbered, as it has no header)"
    return DataError(
        f"{quoted(table.name)} must have one column of {role}s named {quoted(name)}{hint}: it has "
        f"{shown}; name the right one with --{role}, or as `{role}` in a spec"
    )

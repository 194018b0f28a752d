"""Tables from lines of delimited fields. No row is lost: what can be read in two ways is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from study.data.messages import listed, quoted
from study.data.reading.columns import looks_like_names
from study.data.reading.dialects import (
    USUAL_DELIMITERS,
    Dialect,
    Row,
    Trial,
    guess_delimiter,
    plausible_quotings,
    try_dialect,
    usual_width,
)
from study.data.reading.table import SAMPLED, Table
from study.data.spec import DataSpec, Quoting
from study.errors import DataError

_MOST = 0.95
_NAMES = {"\t": "tab", ",": "comma", ";": "semicolon", " ": "space"}


def read_delimited(
    lines: Sequence[str], name: str, suffix: str, spec: DataSpec, form: dict[str, Any]
) -> Table | None:
    """Read lines as a table.

    Args:
        lines: The file's.
        name: Its name, for messages.
        suffix: Its suffix: a hint at the delimiter.
        spec: What was asked for; what it leaves open is found.
        form: What is known of how the file is read.

    Returns:
        The table; None where the lines look like none and nothing says that they are one.

    Raises:
        DataError: If they are nearly a table, with the line that is not; or could be two different ones.
    """
    if not any(line.strip() for line in lines):
        if suffix not in USUAL_DELIMITERS:
            return None
        return Table.of_rows(name, [], [], form)
    trial = _find_trial(lines, name, suffix, spec)
    if trial is None:
        return None
    _check_count(trial, lines, name)
    header, rows = _part_header(trial.rows, spec)
    if header is not None:
        header = (
            [cell.strip() for cell in header] if len({*map(str.strip, header)}) == len(header) else header
        )
    dialect = trial.dialect
    said = {
        "format": "delimited",
        "delimiter": dialect.delimiter,
        "quoting": dialect.quoting,
        "header": header is not None,
    }
    return Table.of_rows(name, header, rows, form | said)


def name_delimiter(delimiter: str) -> str:
    """A delimiter as a reader should see it."""
    return _NAMES.get(delimiter, quoted(delimiter))


def _find_trial(lines: Sequence[str], name: str, suffix: str, spec: DataSpec) -> Trial | None:
    quotings: list[Quoting] = [spec.quoting] if spec.quoting else plausible_quotings(lines)
    if spec.delimiter is not None:
        return _settle([Dialect(spec.delimiter, quoting) for quoting in quotings], lines, name, None)
    found, is_regular = guess_delimiter(lines, suffix, quotings)
    if found is None:
        if suffix not in USUAL_DELIMITERS:
            return None
        found = try_dialect(Dialect(USUAL_DELIMITERS[suffix], quotings[0]), lines)
    dialect = found.dialect
    if len(dialect.delimiter) > 1:
        quotings = ["none"]
    width = usual_width(found.rows) if is_regular and found.rows else None
    dialects = [replace(dialect, quoting=quoting) for quoting in quotings]
    return _settle(dialects, lines, name, width)


def _settle(dialects: Sequence[Dialect], lines: Sequence[str], name: str, width: int | None) -> Trial:
    """The reading of the whole file: the first regular one, if no other that is regular has other rows.

    Args:
        dialects: To try, the likeliest first.
        lines: The file's.
        name: Its name.
        width: Fields in a row of the first lines, where they are regular.
    """
    failed: list[Trial] = []
    regular: list[Trial] = []
    for dialect in dialects:
        is_rival = dialect.quoting in ("none", "escaped") or (regular and _is_escaped(regular[0], lines))
        if regular and not is_rival:
            continue  # of dialects that nobody writes unless they must, where a usual one will do
        trial = try_dialect(dialect, lines, width=width)
        (regular if trial.is_regular else failed).append(trial)
    if not regular:
        raise _not_well_formed(_nearest(failed), name)
    escaped = next((trial for trial in regular if trial.dialect.quoting == "double-escaped"), None)
    best = escaped if escaped and len(escaped.rows) == len(regular[0].rows) else regular[0]
    for rival in regular:
        if rival.dialect.quoting not in ("none", "escaped") or best.dialect.quoting in ("none", "escaped"):
            continue
        if len(rival.rows) == len(best.rows):
            best = best if _shows_quoting(best, lines) else rival
        elif _is_plausible(rival, best):
            raise _two_readings(best, rival, lines, name)
    return best


def _nearest(failed: Sequence[Trial]) -> Trial:
    """The reading that is most likely meant: the first, unless nearly all rows of another are regular."""
    for trial in failed[1:]:
        width = usual_width(trial.rows) if trial.rows else 0
        if (
            trial.dialect.quoting == "none"
            and sum(len(row) == width for row in trial.rows) > len(trial.rows) * _MOST
        ):
            return trial
    return failed[0]


def _is_escaped(trial: Trial, lines: Sequence[str]) -> bool:
    """Whether a backslash stands before every quote inside of a text."""
    if trial.dialect.quoting != "double" or not any('\\"' in line for line in lines):
        return False
    return not any('"' in cell.replace('\\"', "") for row in trial.rows for cell in row)


def _is_plausible(unquoted: Trial, quoted_: Trial) -> bool:
    """Whether what would be new rows without quotes look like rows: one of their cells is seen elsewhere.

    A text that was quoted because of its line ends gives rows whose other cells are pieces of text.
    """
    inside = {tuple(row) for row in quoted_.rows}
    new = [row for row in unquoted.rows if tuple(row) not in inside]
    old = [row for row in unquoted.rows if tuple(row) in inside]
    counted = [Counter(cells) for cells in zip(*old, strict=True)] if old else []
    return any(
        all(row[column].strip() and seen[row[column]] for row in new) for column, seen in enumerate(counted)
    )


def _shows_quoting(trial: Trial, lines: Sequence[str]) -> bool:
    """Whether quotes, if any, are a writer's: around what needs them, or at least not bare in fields."""
    mark = '"' if trial.dialect.quoting.startswith("double") else "'"
    needing = (mark, trial.dialect.delimiter, "\n")
    is_opened = any(line.startswith(mark) or f"{trial.dialect.delimiter}{mark}" in line for line in lines)
    has_bare = has_needed = False
    for row in trial.rows:
        for cell in row:
            has_bare = has_bare or mark in cell
            has_needed = has_needed or any(piece in cell for piece in needing[1:])
    doubled = has_bare and any(f"{mark}{mark}" in line for line in lines)
    return not is_opened or has_needed or doubled or not has_bare


def _check_count(trial: Trial, lines: Sequence[str], name: str) -> None:
    other = trial.dialect.count_otherwise(lines)
    if other is not None and other != len(trial.rows):
        raise DataError(
            f"two readers must find the same rows: in {quoted(name)} Python's finds {len(trial.rows)} and "
            f"Arrow's {other}; check its quotes, or give --quoting none if they are part of the texts"
        )


def _part_header(rows: list[Row], spec: DataSpec) -> tuple[Row | None, list[Row]]:
    if spec.header is False or not rows:
        return None, rows
    if spec.header is None:
        step = max(1, (len(rows) - 1) // SAMPLED)
        if not looks_like_names(rows[0], rows[1::step], spec):
            return None, rows
    return rows[0], rows[1:]


def _not_well_formed(trial: Trial, name: str) -> DataError:
    way_out = (
        'put texts with quotes, delimiters or line ends in "..." and double the quotes inside, or say how '
        "the file is written with `delimiter` and `quoting`"
    )
    if trial.error == "no delimiter":
        shown = name_delimiter(trial.dialect.delimiter)
        first = quoted(trial.rows[0][0]) if trial.rows else "nothing"
        return DataError(
            f"a table needs a column of texts and one of labels: {quoted(name)} has no {shown} in {first}; "
            "name the right `delimiter`"
        )
    if trial.error and "fields" in trial.error:
        return DataError(f"each row of {quoted(name)} needs the header's {trial.error}; {way_out}")
    return DataError(f"{quoted(name)} must be well-formed: {trial.error}; {way_out}")


def _two_readings(first: Trial, unquoted: Trial, lines: Sequence[str], name: str) -> DataError:
    merged = next(
        (number for number, row in first.dialect.rows(lines) if any("\n" in cell for cell in row)), len(lines)
    )
    cells = next(row for row in first.rows if any("\n" in cell for cell in row))
    return DataError(
        f"a file must be read in one way: {quoted(name)} has {len(first.rows)} rows where quotes enclose "
        f"texts and {len(unquoted.rows)} where they are part of them, first at line {merged}, "
        f"{listed(cells)}; say which with `quoting`: {first.dialect.quoting} or {unquoted.dialect.quoting}"
    )

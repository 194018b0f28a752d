"""How fields stand in the lines of a table: delimiter, quotes and escapes; and how one is read.

Two sniffers of dialects were tried, DuckDB's and clevercsv's, and both lose or merge rows of sets as they are
published; so a dialect is taken only where a strict reader finds rows of one width in all of the file.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from analysis.arrow import hold_bytes
from study.data.reading.columns import rate_columns
from study.data.rows import MAX_ROW_BYTES
from study.data.spec import Quoting

Row = list[str]

DELIMITERS = ("\t", ",", ";", "|", ":::", "|||", "@", "\x01")
"""Delimiters that are tried, in this order."""


_SAMPLED_LINES, _SAMPLED_CHARACTERS = 2_000, 400_000
USUAL_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
"""By the suffixes that promise a table."""


@dataclass(frozen=True)
class Dialect:
    """How fields are kept apart.

    Attributes:
        delimiter: Between two fields; of several characters only without quotes.
        quoting: `double` "..." or `single` '...' quotes, doubled inside or, `-escaped`, behind a backslash;
            `escaped`: no quotes, a backslash before a delimiter or line end of a text; `none`: neither.
        skips_space: Whether a space behind a delimiter is none of the field's.
    """

    delimiter: str
    quoting: Quoting
    skips_space: bool = False

    def rows(self, lines: Sequence[str]) -> Iterator[tuple[int, Row]]:
        """Rows with the number of the line they end at; empty lines are none.

        Raises:
            csv.Error: If the lines break the rules of the dialect; its `line` is the number of the line.
        """
        if self.quoting == "none":
            for number, line in enumerate(lines, start=1):
                if bare := line.rstrip("\r\n"):
                    fields = bare.split(self.delimiter)
                    yield number, [field.lstrip(" ") for field in fields] if self.skips_space else fields
            return
        with _field_limit(MAX_ROW_BYTES):
            reader = csv.reader(
                lines,
                delimiter=self.delimiter,
                quotechar={"d": '"', "s": "'"}.get(self.quoting[0]),
                quoting=csv.QUOTE_NONE if self.quoting == "escaped" else csv.QUOTE_MINIMAL,
                doublequote=True,  # without, csv takes what stands behind a closing quote, strict or not
                escapechar="\\" if self.quoting.endswith("escaped") else None,
                skipinitialspace=self.skips_space,
                strict=True,  # a stray quote would otherwise swallow rows without a word
            )
            while True:
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    error.line = reader.line_num  # type: ignore[attr-defined]
                    raise
                if row:
                    yield reader.line_num, row

    def count_otherwise(self, lines: Sequence[str]) -> int | None:
        """How many rows Arrow's reader, which shares no code with Python's, finds; None if it cannot tell."""
        import pyarrow
        import pyarrow.csv

        if self.quoting in ("none", "escaped") or len(self.delimiter) > 1 or not self.delimiter.isascii():
            return None
        data = "".join(lines).encode()
        quote = '"' if self.quoting.startswith("double") else "'"
        escapes = self.quoting.endswith("-escaped")
        try:
            table = pyarrow.csv.read_csv(
                hold_bytes(data),
                read_options=pyarrow.csv.ReadOptions(
                    autogenerate_column_names=True, block_size=min(2**31 - 2, max(2**20, len(data) + 1))
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char=quote,
                    double_quote=not escapes,
                    escape_char="\\" if escapes else False,
                    newlines_in_values=True,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=["f0"], column_types={"f0": pyarrow.binary()}
                ),
            )
        except pyarrow.ArrowException:
            return None
        return int(table.num_rows)


@dataclass(frozen=True)
class Trial:
    """What came of reading lines in a dialect.

    Attributes:
        rows: Rows up to the first that breaks a rule.
        error: What was wrong, None where all rows have one width of two fields or more.
    """

    dialect: Dialect
    rows: list[Row]
    error: str | None

    @property
    def is_regular(self) -> bool:
        """Whether it may be the file's dialect."""
        return self.error is None


def try_dialect(
    dialect: Dialect, lines: Sequence[str], *, is_cut: bool = False, width: int | None = None
) -> Trial:
    """Read lines in a dialect.

    Args:
        dialect: How.
        lines: The lines.
        is_cut: Whether they end before the file does: the last row may be incomplete then.
        width: The fields that rows must have: reading ends at the first that has others. None to read all and
            judge then.
    """
    rows: list[Row] = []
    error = None
    try:
        for line, row in dialect.rows(lines):
            rows.append(row)
            if width is not None and len(row) != width:
                return Trial(dialect, rows, _say_width(width, line, row))
    except csv.Error as fault:
        if not (is_cut and "unexpected end" in str(fault)):
            error = f"{fault} in the row that ends at line {fault.line}"  # type: ignore[attr-defined]
    widths = set(map(len, rows))
    if error is None and rows and (len(widths) > 1 or widths == {1}):
        error = _width_error(dialect, lines, rows)
    return Trial(dialect, rows, error)


def usual_width(rows: Sequence[Row]) -> int:
    """The first row's width where it names the columns of others or of most; else the most frequent."""
    counts = Counter(map(len, rows))
    frequent = counts.most_common(1)[0][0]
    return len(rows[0]) if counts[len(rows[0])] > 1 or len(rows) < 3 else frequent


def guess_delimiter(
    lines: Sequence[str], suffix: str, quotings: Sequence[Quoting]
) -> tuple[Trial | None, bool]:
    """The delimiter by the first lines.

    Returns:
        The reading in which they make the best table, None where they make none; and whether its rows are
        regular.
    """
    sample, is_cut = _head(lines)
    best: tuple[tuple[float, ...], Trial] | None = None
    near: tuple[tuple[float, ...], Trial] | None = None
    for order, delimiter in enumerate(DELIMITERS):
        if not any(delimiter in line for line in sample):
            continue
        is_usual = USUAL_DELIMITERS.get(suffix) == delimiter
        for dialect in _dialects_of(delimiter, quotings, sample):
            trial = _try_sample(dialect, sample, is_cut=is_cut)
            if not trial.rows:
                continue
            width = usual_width(trial.rows)
            fitting = [row for row in trial.rows if len(row) == width]
            rating = rate_columns(fitting[0], fitting, is_tabbed=delimiter == "\t") if width > 1 else 0
            if trial.is_regular and (rating or is_usual or (suffix in USUAL_DELIMITERS and order < 4)):
                key = (float(rating), float(is_usual), float(not dialect.skips_space), -order)
                if best is None or key > best[0]:
                    best = key, trial
            elif width > 1:
                share = len(fitting) / len(trial.rows) if trial.error and "fields" in trial.error else 0.0
                key = (float(is_usual), float(rating), share, -order)
                if (is_usual or (share >= 0.9 and rating)) and (near is None or key > near[0]):
                    near = key, trial
    if best is not None:
        return best[1], True
    return (near[1], False) if near is not None else (None, False)


def _dialects_of(delimiter: str, quotings: Sequence[Quoting], sample: Sequence[str]) -> list[Dialect]:
    """The dialects to try with a delimiter."""
    if len(delimiter) > 1:
        return [Dialect(delimiter, "none")]
    spaces = (False, True) if any(f'{delimiter} "' in line for line in sample) else (False,)
    return [Dialect(delimiter, quoting, space) for space in spaces for quoting in quotings]


def _try_sample(dialect: Dialect, sample: Sequence[str], *, is_cut: bool) -> Trial:
    """Read a sample; where a space stands behind every delimiter, it is part of no field."""
    trial = try_dialect(dialect, sample, is_cut=is_cut)
    if dialect.skips_space or not trial.is_regular or not trial.rows:
        return trial
    if all(cell.startswith(" ") for row in trial.rows for cell in row[1:]):
        spaced = try_dialect(replace(dialect, skips_space=True), sample, is_cut=is_cut)
        return spaced if spaced.is_regular else trial
    return trial


def plausible_quotings(lines: Sequence[str]) -> list[Quoting]:
    """Ways of quoting that could make a difference to these lines."""
    found: list[Quoting] = ["double"]
    has_backslash = any("\\" in line for line in lines)
    if any('"' in line for line in lines):
        if any('\\"' in line for line in lines):
            found.append("double-escaped")
        found.append("none")
    if any(line.startswith("'") or line.rstrip("\r\n").endswith("'") for line in lines):
        found.append("single")
        if any("\\'" in line for line in lines):
            found.append("single-escaped")
    if has_backslash:
        found.append("escaped")
    return found


def _head(lines: Sequence[str]) -> tuple[Sequence[str], bool]:
    n_characters = 0
    for n_lines, line in enumerate(lines[:_SAMPLED_LINES]):
        n_characters += len(line)
        if n_characters > _SAMPLED_CHARACTERS and n_lines > 100:
            return lines[:n_lines], True
    return lines[:_SAMPLED_LINES], len(lines) > _SAMPLED_LINES


def _width_error(dialect: Dialect, lines: Sequence[str], rows: Sequence[Row]) -> str | None:
    width = usual_width(rows)
    if width == 1:
        return "no delimiter"
    for line, row in dialect.rows(lines):
        if len(row) != width:
            return _say_width(width, line, row)
    return None


def _say_width(width: int, line: int, row: Row) -> str:
    return f"{width} fields: the row that ends at line {line} has {len(row)}"


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    """Let csv read fields up to a limit; csv's own is 128 kB and global."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)

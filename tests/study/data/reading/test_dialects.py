"""No row of a table is lost, merged or cut: it comes back as it was written, or is refused with its place."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from study.data import DataSpec
from study.data.files import read_path
from study.data.reading.dialects import Dialect, try_dialect
from study.data.rows import Rows
from study.errors import DataError
from tests.study.data.published import sentences

REPEATABLE = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=15,
)

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")
_WORDS = (
    "film",
    "good",
    "a,b",
    "x;y",
    'a "b" c',
    "don't",
    "tab\there",
    "new\nline",
    "back\\slash",
    "|",
    "caf\u00e9",
    "(ok)",
)
WRITERS: dict[str, dict[str, Any]] = {
    "minimal": {},
    "all": {"quoting": csv.QUOTE_ALL},
    "strings": {"quoting": csv.QUOTE_NONNUMERIC},
    "escaped quotes": {"doublequote": False, "escapechar": "\\"},
    "single quotes": {"quotechar": "'"},
    "escapes alone": {"quoting": csv.QUOTE_NONE, "escapechar": "\\", "quotechar": None},
}


def read(path: Path, **options: Any) -> Rows:
    return read_path(DataSpec(source=str(path), **options))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Rows of a text and a label, enough of them to tell which is which."""
    n_rows = draw(st.integers(12, 30))
    words = st.lists(st.sampled_from(_WORDS), min_size=3, max_size=9).map(" ".join)
    texts = draw(st.lists(words, min_size=n_rows, max_size=n_rows))
    labels = draw(st.lists(st.sampled_from(("pos", "neg", "neutral")), min_size=n_rows, max_size=n_rows))
    return [
        (f"{text} {number}", label) for number, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


@REPEATABLE
@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(ENCODINGS),
    suffix=st.sampled_from([".csv", ".tsv", ".txt", ""]),
    names=st.sampled_from([None, ("text", "label"), ("review", "stars"), ("Content", "Sentiment")]),
    is_label_first=st.booleans(),
)
@pytest.mark.parametrize("writer", sorted(WRITERS))
def test_what_pythons_csv_writes_comes_back_row_for_row(
    tmp_path: Path,
    writer: str,
    rows: list[tuple[str, str]],
    delimiter: str,
    line_end: str,
    encoding: str,
    suffix: str,
    names: tuple[str, str] | None,
    is_label_first: bool,
) -> None:
    path = tmp_path / f"x{suffix}"
    order = -1 if is_label_first else 1
    with path.open("w", newline="", encoding=encoding) as stream:
        out = csv.writer(stream, delimiter=delimiter, lineterminator=line_end, **WRITERS[writer])
        out.writerows(row[::order] for row in ([names] if names else []) + rows)

    found = read(path)

    assert list(zip(found.texts, found.labels, strict=True)) == rows


@REPEATABLE
@given(
    rows=tables(),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(ENCODINGS),
    compression=st.sampled_from(["", ".gz", ".bz2", ".xz", ".zip"]),
    has_index=st.booleans(),
)
def test_what_pandas_writes_comes_back_row_for_row(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    delimiter: str,
    encoding: str,
    compression: str,
    has_index: bool,
) -> None:
    path = tmp_path / f"x.csv{compression}"
    frame = pd.DataFrame(rows, columns=["review", "sentiment"])
    frame.to_csv(path, sep=delimiter, encoding=encoding, index=has_index)

    found = read(path)

    assert list(zip(found.texts, found.labels, strict=True)) == rows


@REPEATABLE
@given(rows=tables(), bad_row=st.integers(1, 10), damage=st.sampled_from(["more", "fewer"]))
def test_a_row_with_other_fields_is_refused_with_its_line(
    tmp_path: Path, rows: list[tuple[str, str]], bad_row: int, damage: str
) -> None:
    path = tmp_path / "x.csv"
    text = io.StringIO(newline="")
    out = csv.writer(text, quoting=csv.QUOTE_ALL)
    out.writerow(("text", "label"))
    for number, row in enumerate(rows):
        out.writerow(row if number != bad_row else (*row, "x") if damage == "more" else row[:1])
        if number == bad_row:
            line = text.getvalue().count("\n")
    path.write_text(text.getvalue(), newline="")

    assert f"the row that ends at line {line} has {3 if damage == 'more' else 1}" in refusal(path)


def lines_of(*rows: str) -> list[str]:
    return [f"{'ab'[number % 2]}\t{text}" for number, text in enumerate([*sentences(20), *rows])]


def test_what_could_be_read_in_two_ways_is_refused_with_both_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("\n".join([*lines_of()[:20], 'a\t"hello there', 'b\tworld again"']) + "\n")

    message = refusal(path)

    assert (
        "21 rows where quotes enclose texts and 22 where they are part of them, first at line 22" in message
    )
    assert "`quoting`: double or none" in message
    assert len(read(path, quoting="none").texts) == 22
    assert len(read(path, quoting="double").texts) == 21


def test_a_quote_that_opens_a_text_and_never_closes_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("\n".join(lines_of('"open')) + "\n")

    rows = read(path)

    assert len(rows.texts) == 21
    assert rows.texts[20] == '"open'


def test_bare_and_doubled_quotes_stand_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    lines = [f"{text}\t{number % 2}" for number, text in enumerate(sentences(20))]
    path.write_text("\n".join([*lines, '"Well, ""yes"", yes"\t1', 'a sea of faux "masterpieces\t0']) + "\n")

    assert read(path).texts[-2:] == ['Well, "yes", yes', 'a sea of faux "masterpieces']


def test_unusual_line_ends_within_a_text_end_no_row(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    texts = [
        text.replace(" ", mark, 1) for text, mark in zip(sentences(12), "\x85\u2028\x0b\x0c" * 3, strict=True)
    ]
    path.write_text("".join(f"{text}\t{number % 2}\n" for number, text in enumerate(texts)), encoding="utf-8")

    assert read(path).texts == texts


def test_lines_that_end_as_they_did_before_2001_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_bytes("".join(f"{text}\t{n % 2}\r" for n, text in enumerate(sentences(12))).encode())

    assert read(path).texts == sentences(12)


@pytest.mark.parametrize("shift", ["header", "delimiter", "text", "label"])
def test_a_guess_can_be_overridden(tmp_path: Path, shift: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "review,stars,tone\n"
        + "".join(
            f'"{text}",{n % 5},{"ab"[n % 2]}\n' for n, text in enumerate(sentences(20)) if '"' not in text
        )
    )
    asked: dict[str, Any] = {"header": False, "delimiter": "tab", "text": ("review", "tone"), "label": "tone"}

    if shift == "delimiter":
        assert "has no tab in" in refusal(path, delimiter="tab")
    elif shift == "header":
        assert len(read(path, header=False, text="1", label="3").texts) == len(read(path).texts) + 1
    elif shift == "text":
        assert read(path, text=asked["text"]).texts[1].endswith(" b")
    else:
        assert set(read(path, label="tone").labels) == {"a", "b"}


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_prose_is_no_table(delimiter: str) -> None:
    trial = try_dialect(Dialect(delimiter, "none"), [f"{text}\n" for text in sentences(40)])

    assert not trial.is_regular


@REPEATABLE
@given(raw=st.binary(max_size=300))
@pytest.mark.parametrize(
    "name", ["x", "x.txt", "x.json", "x.gz", "x.zip", "x.csv.bz2", "x.csv.zst", "x.xz", "x.arrow"]
)
def test_any_bytes_under_any_name_are_read_or_refused_in_one_line(
    tmp_path: Path, name: str, raw: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    try:
        read(path)
    except DataError as error:
        assert "\n" not in str(error)


@REPEATABLE
@given(cut=st.integers(1, 400), suffix=st.sampled_from([".gz", ".bz2", ".xz"]))
def test_a_compressed_file_that_was_cut_is_refused(tmp_path: Path, cut: int, suffix: str) -> None:
    path = tmp_path / f"x.csv{suffix}"
    pd.DataFrame({"text": sentences(40), "label": ["a", "b"] * 20}).to_csv(path, index=False)
    raw = path.read_bytes()
    assume(cut < len(raw))
    path.write_bytes(raw[:-cut])

    assert "x.csv" in refusal(path)

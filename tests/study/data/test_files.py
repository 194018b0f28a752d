from __future__ import annotations

import csv
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from study.data import DataSpec, load_corpus
from study.data.files import read_path
from study.data.rows import Rows, check_rows
from study.errors import DataError

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples on any machine, however busy
ROWS = [
    (f'A text, number {number}; it\'s "good".\nOr so.', "pos" if number % 2 else "neg")
    for number in range(20)
]


def write_table(path: Path, columns: dict[str, list[Any]]) -> Path:
    rows = list(zip(*columns.values(), strict=True))
    match path.suffix:
        case ".parquet":
            pq.write_table(pa.table(columns), path)
        case ".jsonl":
            path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
        case suffix:
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream, delimiter="\t" if suffix == ".tsv" else ",")
                writer.writerows([list(columns), *rows])
    return path


def read(path: Path, **options: Any) -> Rows:
    return read_path(DataSpec(source=str(path), **options))


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_corpus(DataSpec(source=str(path), **options))
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_status == 2
    return message


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_table_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path = write_table(
        tmp_path / f"x{suffix}",
        {"text": [text for text, _ in ROWS], "id": [7] * 20, "label": [label for _, label in ROWS]},
    )
    rows = read(path)
    assert list(zip(rows.texts, rows.labels, strict=True)) == ROWS
    assert rows.splits is None
    assert rows.file is not None
    assert (rows.file.name, rows.file.n_bytes) == (path.name, path.stat().st_size)


@pytest.mark.parametrize("suffix", [".arrow", ".feather"])
def test_a_table_of_arrows_is_one_in_a_folder_too(tmp_path: Path, suffix: str) -> None:
    texts, labels = zip(*ROWS, strict=True)
    path = tmp_path / "folder" / f"x{suffix}"
    path.parent.mkdir()
    table = pa.table({"text": texts, "label": labels})
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    (path.parent / "other.dat").write_bytes(b"no table")

    assert read(path.parent).texts == read(path).texts == list(texts)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_columns_can_have_other_names_and_a_split(tmp_path: Path, suffix: str) -> None:
    path = write_table(
        tmp_path / f"x{suffix}", {"review": ["a", "b"], "stars": ["1", "2"], "part": ["train", "dev"]}
    )
    rows = read(path, text="review", label="stars", split="part")
    assert (rows.texts, rows.labels, rows.splits) == (["a", "b"], ["1", "2"], ["train", "validation"])


@settings(REPEATABLE, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1), min_size=1
    )
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_any_text_comes_back_as_it_was_written(tmp_path: Path, suffix: str, texts: list[str]) -> None:
    path = write_table(tmp_path / f"x{suffix}", {"text": texts, "label": ["a"] * len(texts)})
    filled = [text for text in texts if not text.isspace()]
    assume(filled)
    rows = read(path)
    assert rows.texts == filled
    assert rows.reading is not None
    assert rows.reading.n_read == len(filled) + rows.reading.left_out.get("empty text", 0) == len(texts)


@settings(REPEATABLE, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=200))
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path, suffix: str, raw: bytes) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"text,label\n" + raw if suffix == ".csv" else raw)
    try:
        read(path)
    except DataError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([0, 1], ["0", "1"]),
        ([1.0, 2.0], ["1", "2"]),
        ([True, False], ["true", "false"]),
        (["x", "y"], ["x", "y"]),
    ],
)
def test_labels_of_several_types_name_classes(tmp_path: Path, values: list[Any], names: list[str]) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": ["a", "b"], "label": values})
    assert read(path).labels == names


@pytest.mark.parametrize("value", [None, 0.5, float("nan"), "", "a\nb"])
def test_a_label_that_names_no_class_is_refused_with_its_row(tmp_path: Path, value: object) -> None:
    path = tmp_path / "x.jsonl"
    rows = [{"text": "a", "label": "x"}, {"text": "b", "label": value}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "row 2 has" in refusal(path)


def test_a_byte_order_mark_is_stripped(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbftext,label\nhello,a\n")
    assert read(path).texts == ["hello"]


def make_tree(root: Path) -> Path:
    for split in ("train", "test"):
        for label in ("neg", "pos", "unsup"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for number in range(10):
                (folder / f"{number}_1.txt").write_text(f"{split} {label} {number}")
    (root / "imdb.vocab").write_text("the")
    return root


def test_a_folder_tree_is_read_without_its_unlabelled_texts(tmp_path: Path) -> None:
    corpus = load_corpus(DataSpec(source=str(make_tree(tmp_path / "aclImdb"))))
    assert corpus.classes == ("neg", "pos")
    assert corpus.splits.sizes() == {"train": 16, "validation": 4, "test": 20}
    assert corpus.file is not None
    assert corpus.file.name == "aclImdb"


def test_a_folder_of_one_class_is_refused_with_the_folders_there_are(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "1.txt").write_text("good")
    (tmp_path / "pos" / "2.txt").write_text("fine")
    (tmp_path / "README").write_text("about")
    (tmp_path / "other").write_text("?")
    assert "has the folders 'pos' and the files 'README', 'other'" in refusal(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "has the folders none and the files none" in refusal(tmp_path)


def test_a_byte_that_is_not_in_the_encoding_asked_for_is_reported_with_its_file(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "tree")
    (root / "train" / "pos" / "3_1.txt").write_bytes(b"caf\xe9")
    message = refusal(root, encoding="utf-8")
    assert "'train/pos/3_1.txt' has the byte 0xe9 at offset 3" in message


def test_a_file_of_latin_letters_in_a_folder_is_read_beside_those_in_utf_8(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "tree")
    (root / "train" / "pos" / "3_1.txt").write_bytes(b"caf\xe9")
    (root / "train" / "pos" / "4_1.txt").write_text("\u6f22\u5b57", encoding="utf-8")
    assert {"caf\u00e9", "\u6f22\u5b57"} < set(read(root).texts)


def test_an_empty_file_in_a_folder_is_left_out_and_counted(tmp_path: Path) -> None:
    root = make_tree(tmp_path / "tree")
    (root / "train" / "pos" / "3_1.txt").write_text("")
    rows = read(root)
    assert len(rows.texts) == 39
    assert rows.reading is not None
    assert rows.reading.left_out == {"empty text": 1}


def test_a_missing_file_is_refused_with_the_sources_there_are(tmp_path: Path) -> None:
    assert "docstrings, imdb, recall, reuters" in refusal(tmp_path / "none.csv")


def test_a_misspelt_source_is_answered_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "did you mean 'docstrings'?" in refusal(Path("docstring"))


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    known = ".csv, .tsv, .tab, .jsonl, .ndjson, .json, .parquet, .arrow, .feather, .txt"
    assert f"{known}: got 'x.xlsx'" in refusal(tmp_path / "x.xlsx")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("columns", "part"),
    [
        (("Text", "label"), "texts named 'text' (did you mean 'Text'?): it has 'Text', 'label'"),
        (("text", "labels"), "labels named 'label' (did you mean 'labels'?): it has 'text', 'labels'"),
        (("text", "stars"), "labels named 'label': it has 'text', 'stars'"),
    ],
)
def test_a_missing_column_that_was_asked_for_is_answered_with_those_there_are(
    tmp_path: Path, suffix: str, columns: tuple[str, str], part: str
) -> None:
    path = write_table(tmp_path / f"x{suffix}", {columns[0]: ["a", "b"], columns[1]: ["x", "y"]})
    assert part in refusal(path, text="text", label="label")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("columns", [("Text", "label"), ("text", "labels"), ("text", "stars")])
def test_columns_of_other_names_are_found(tmp_path: Path, suffix: str, columns: tuple[str, str]) -> None:
    path = write_table(tmp_path / f"x{suffix}", {columns[0]: ["a", "b"], columns[1]: ["x", "y"]})
    rows = read(path)
    assert (rows.texts, rows.labels) == (["a", "b"], ["x", "y"])


def test_a_missing_split_column_is_refused_where_it_was_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.csv", {"text": ["a", "b"], "label": ["x", "y"]})
    assert "splits named 'fold'" in refusal(path, split="fold")


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label,text\na,b,c\n")
    assert "one column of texts named 'text': it has 'text', 'label', 'text'" in refusal(tmp_path / "x.csv")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x{suffix}").write_bytes(b"")
    assert f"x{suffix}" in refusal(tmp_path / f"x{suffix}")


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\n")
    assert "found 0 rows" in refusal(tmp_path / "x.csv")


@pytest.mark.parametrize("text", ["", " \t ", None])
def test_an_empty_text_is_left_out_and_counted(tmp_path: Path, text: str | None) -> None:
    texts = [*"abcdef", text, *"hij", text]
    path = write_table(tmp_path / "x.parquet", {"text": texts, "label": ["x", "y"] * 5 + ["x"]})
    rows = read(path)
    assert rows.texts == [*"abcdefhij"]
    assert rows.place(6) == "row 8"
    assert rows.reading is not None
    assert (rows.reading.n_read, rows.reading.left_out) == (11, {"empty text": 2})


def test_a_column_of_empty_texts_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": ["", " ", None], "label": ["x", "y", "x"]})
    assert "row 1 of 'x.parquet' is (one of 3)" in refusal(path)


def test_a_row_without_a_label_is_left_out_and_counted_where_most_have_one(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": [*"abcde"], "label": ["x", "y", None, "x", "y"]})
    rows = read(path)
    assert rows.texts == [*"abde"]
    assert rows.reading is not None
    assert rows.reading.left_out == {"no label": 1}


def test_one_class_is_refused_with_its_label(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.csv", {"text": ["a", "b"], "label": ["x", "x"]})
    assert "all 2 rows have the label 'x'" in refusal(path)


def test_a_column_of_null_labels_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": ["a", "b"], "label": [None, None]})
    assert "row 1 has None" in refusal(path)


def test_an_unknown_split_is_reported_with_its_row(tmp_path: Path) -> None:
    path = write_table(
        tmp_path / "x.csv", {"text": ["a", "b"], "label": ["x", "y"], "split": ["train", "unsup"]}
    )
    assert "row 2 has 'unsup'" in refusal(path)


@pytest.mark.parametrize(
    "start", ["\ufeffna\u00efve,label\n", "text,label\nna\u00efve,a\nd\u00e9j\u00e0,b\n"]
)
def test_a_bad_byte_in_utf_8_is_reported_with_its_line_and_offset(tmp_path: Path, start: str) -> None:
    raw = start.encode() + b"caf\xe9,b\n"
    (tmp_path / "x.csv").write_bytes(raw)
    place = f"line {raw.count(10)} of 'x.csv' has the byte 0xe9 at offset {raw.index(0xE9)};"
    assert place in refusal(tmp_path / "x.csv")


def test_a_bad_byte_in_parquet_is_reported_with_its_row(tmp_path: Path) -> None:
    texts = pa.array([b"fine", b"caf\xe9"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": texts, "label": ["a", "b"]}), tmp_path / "x.parquet")
    assert "row 2 has the byte 0xe9 at offset 3" in refusal(tmp_path / "x.parquet")


def test_a_nul_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"text,label\nab\0cd,x\n")
    assert "line 2 of 'x.csv' has one at offset 13" in refusal(tmp_path / "x.csv")
    path = write_table(tmp_path / "x.jsonl", {"text": ["a", "b\0"], "label": ["x", "y"]})
    assert "row 2 has one at character 1" in refusal(path)


def test_half_a_surrogate_pair_is_refused_with_its_place(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.jsonl", {"text": ["a", "b\ud800"], "label": ["x", "y"]})
    assert "row 2 has half a surrogate pair, '\\ud800', at character 1" in refusal(path)


def test_a_line_over_the_limit_is_refused_before_it_is_held(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label\n")
    os.truncate(path, 100 * 2**20)  # sparse: nothing but the first line is on disk
    tracemalloc.start()
    message = refusal(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "at most 16 MB: line 2" in message
    assert peak_bytes < 64 * 2**20


def test_a_text_over_the_limit_is_refused_in_every_format() -> None:
    with pytest.raises(DataError, match=r"row 2 has 16\.2 MB"):
        check_rows(Rows(texts=["a", "word " * 3_400_000], labels=["x", "y"]))


def test_a_quote_that_never_closes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('text,label\n"well, yes",b\n"open,a\nfine,b\n')
    message = refusal(tmp_path / "x.csv")
    assert "'x.csv' must be well-formed: unexpected end of data in the row that ends at line 4" in message


def test_a_row_with_a_stray_comma_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\nwell, yes,a\n")
    assert "header's 2 fields: the row that ends at line 2 has 3" in refusal(tmp_path / "x.csv")


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,label\n\na,x\n\n")
    (tmp_path / "x.jsonl").write_text('\n{"text": "a", "label": "x"}\n\n')
    assert read(tmp_path / "x.csv").texts == read(tmp_path / "x.jsonl").texts == ["a"]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("[1]", "line 2 is [1]"),
        ("{", "line 2 is not ("),
        ('{"text": "b"}', "line 2 has no 'label'"),
        ("[" * 100_000, "line 2 is not ("),
        ('{"text": 5, "label": "x"}', "row 2 has 5 (int)"),
    ],
)
def test_a_wrong_json_line_is_reported_with_its_number(tmp_path: Path, line: str, part: str) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "a", "label": "x"}\n' + line + "\n")
    assert part in refusal(tmp_path / "x.jsonl")


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": ["a", "b"], "label": ["x", "y"]})
    path.write_bytes(path.read_bytes()[:-1])
    assert "must be whole: 'x.parquet' is not" in refusal(path)


def test_the_limit_of_csv_fields_is_put_back(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    path = write_table(tmp_path / "x.csv", {"text": ["a" * 200_000, "b"], "label": ["x", "y"]})
    assert len(read(path).texts[0]) == 200_000
    assert csv.field_size_limit() == before


def test_a_column_of_lists_with_bytes_that_are_not_text_is_refused_by_name(tmp_path: Path) -> None:
    lists = pa.array([["a"], ["\u00e9"]], pa.list_(pa.string()))
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"text": ["a", "b"], "label": lists}), path, compression="none", use_dictionary=False
    )
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))

    assert "'label', 'list<element: string>', has others" in refusal(path)


def test_a_parquet_file_whose_columns_have_no_readable_names_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", {"text": ["a", "b"], "label": ["x", "y"], "zzzz": [1, 2]})
    path.write_bytes(path.read_bytes().replace(b"zzzz", b"zz\xff\xff"))

    assert "a .parquet file must be whole" in refusal(path)

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import StudyError
from study.prediction.lines import as_texts, check_arguments, split_lines


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"a\rb\r", ["a", "b"]),
        (b"\xef\xbb\xbfa\n\nb\n", ["a", "", "b"]),
        (b"", []),
        ("a\x0cb\x0bc\x1cd\x85e\u2028f\u2029g\n".encode(), ["a\x0cb\x0bc\x1cd\x85e\u2028f\u2029g"]),
    ],
)
def test_a_line_ends_where_an_editor_ends_it(content: bytes, expected: list[str]) -> None:
    assert split_lines(content, "standard input") == expected


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")), min_size=1))
def test_there_are_as_many_texts_as_lines(texts: list[str]) -> None:
    content = "".join(f"{text}\n" for text in texts)
    assert split_lines(b"\xef\xbb\xbf" + content.encode(), "file") == texts


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(StudyError, match=r"UTF-8: standard input, line 3: byte 6 is not \(0xff\)"):
        split_lines(b"a\nb\r\nc\xff\n", "standard input")


def test_an_argument_that_is_no_text_is_refused() -> None:
    assert check_arguments(["für", "👍"]) == ["für", "👍"]
    with pytest.raises(StudyError, match=r"text 2, 'b\\udcff', is not"):
        check_arguments(["a", b"b\xff".decode("utf-8", "surrogateescape")])


@pytest.mark.parametrize("texts", ["a film", ["a film"], ("a film",), np.array(["a film"]), iter(["a film"])])
def test_one_text_and_any_series_are_a_list_of_texts(texts: object) -> None:
    assert as_texts(texts) == ["a film"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([1], r"text 1 is 1 \(int\)"),
        (["good", None], r"text 2 is None \(NoneType\)"),
        ([["a"]], r"text 1 is \['a'\] \(list\)"),
        (np.array(["a", float("nan")], dtype=object), r"text 2 is nan \(float\)"),
        (None, "got None"),
        (5, r"got 5 \(int\)"),
        (b"abc", r"got b'abc' \(bytes\)"),
        ({"text": "a"}, "dict"),
        (pd.DataFrame({"text": ["a"]}), "DataFrame"),
    ],
)
def test_what_is_no_text_is_named_with_its_place(texts: object, said: str) -> None:
    with pytest.raises(StudyError, match=said) as caught:
        as_texts(texts)

    assert "\n" not in str(caught.value)

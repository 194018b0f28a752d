from __future__ import annotations

import contextlib
import math
import pickle
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import DocumentError, documents
from search_spaces.documents import MAX_DEPTH, dump_document, find_place, load_document

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12),
    st.sampled_from(["größe", "☃", "𝄞", "a\u2028b", "a\x85b", "a\u00a0b", "\ufeffa", "a\x07b"]),
    st.text(alphabet=" \n\t:#-'\"{}[],&*!|>%@`~ae1.0", max_size=8),
)
KEYS = st.text(" ab1:\n#", max_size=4)
KEYS = st.text(" ab1:\n#", max_size=4)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)

LAUGHS = "a: &a [x, x]\n" + "\n".join(
    f"{after}: &{after} [*{before}, *{before}]" for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD_DOCUMENTS = {
    "s.yaml:2:1: a key stands once, and 'a' stands twice": "a: 1\na: 2\n",
    "s.yaml:2:10: a key stands once, and 'b' stands twice": "x:\n  {b: 1, b: 2}",
    "s.yaml:2:8: aliases are refused, and *a is one": LAUGHS,
    "aliases are refused, and *b is one": "&b [*b]",
    "tags are refused, and tag:yaml.org,2002:python/object:os.system is one": "!!python/object:os.system ls",
    "tags are refused, and tag:yaml.org,2002:set is one": "!!set {a, b}",
    "nesting ends at depth 32": "[" * 100_000,
    "s.yaml:1:65: nesting ends at depth 32": "- " * 40,
    "at most 1000000 bytes, and this one has 1000001": " " * 1_000_001,
    "s.yaml:1:4: YAML readers disagree about yes": "x: yes",
    "YAML readers disagree about Off": "[Off]",
    "YAML readers disagree about 010": "x: 010",
    "YAML readers disagree about 0x1F": "x: 0x1F",
    "YAML readers disagree about 12:30": "x: 12:30",
    "YAML readers disagree about 1_000": "x: 1_000",
    "YAML readers disagree about <<": "<<: {a: 1}",
    "keys are text, and 1 is not": "1: a",
    "keys are text, and None is not": "~: a",
    "keys are text, and [1] is not": "[1]: a",
    "1e999 is beyond the largest double": "x: 1e999",
    "numbers have at most 40 characters, not 41": "x: " + "1" * 41,
    "s.yaml:3:1: one document is read": "a: 1\n\n---\nb: 2\n",
    "s.yaml:1:2: YAML holds no character U+0000": "a\x00",
    "s.yaml:2:1: YAML holds no character U+D800": "a: 1\n\ud800",
    "s.yaml:2:2: this is not YAML": "x: [1,2\ny: 3",
    "s.yaml:1:1: this is not YAML": "%YAML 9.9\n--- a",
    "this is not YAML (while scanning a quoted scalar": 'x: "abc',
}


@pytest.mark.parametrize("parser", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
@pytest.mark.parametrize("fault", BAD_DOCUMENTS)
def test_a_bad_document_is_refused_with_its_place(
    fault: str, parser: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_LOADER", parser)
    with pytest.raises(DocumentError) as caught:
        load_document(BAD_DOCUMENTS[fault], "s.yaml")

    message = str(caught.value)
    assert fault in message
    assert message.startswith("s.yaml:")
    assert "\n" not in message


def test_a_document_error_survives_pickling() -> None:
    with pytest.raises(DocumentError) as caught:
        load_document("a: 1\na: 2", "s.yaml")

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-1.5E+3", -1500.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("1e3", 1000.0),
        ("-0", 0),
        ("+7", 7),
        (".inf", math.inf),
        ("true", True),
        ("~", None),
        ("", None),
        ("# nothing", None),
        ("'yes'", "yes"),
        ('"010"', "010"),
        ("|\n a\n b\n", "a\nb\n"),
        ("2024-01-01", "2024-01-01"),
        ("1.2.3", "1.2.3"),
        ("y", "y"),
        ("no way", "no way"),
        ("a: [1, {b: c}]", {"a": [1, {"b": "c"}]}),
    ],
)
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    loaded = load_document(text, "s.yaml")

    assert loaded == value
    assert type(loaded) is type(value)


@given(document=DOCUMENTS)
def test_a_document_comes_back_exactly(document: object) -> None:
    again = load_document(dump_document(document), "s.yaml")

    assert repr(again) == repr(document)  # repr: 1, 1.0 and True differ in it


@given(document=DOCUMENTS)
def test_what_is_dumped_means_the_same_to_a_reader_of_yaml_1_1(document: object) -> None:
    assert repr(yaml.safe_load(dump_document(document))) == repr(document)


@given(text=st.one_of(st.text(), st.text(alphabet="{}[]:,-?&*!|>'\"%#@` \n\tab10eyno.~")))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        load_document(text, "s.yaml")
    except DocumentError as error:
        assert str(error).startswith("s.yaml:")


@pytest.mark.slow
@given(text=st.one_of(st.text(), st.text(alphabet="{}[]:,-?&*!|>'\"%#@` \n\tab10eyno.~", min_size=5)))
@settings(max_examples=10_000)
def test_ten_thousand_hostile_texts_are_read_or_refused(text: str) -> None:
    try:
        load_document(text, "s.yaml")
    except DocumentError as error:
        assert str(error).startswith("s.yaml:")


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["key{}: [a, 1e-3]\n", "[a, ", "- [b]\n", "'", "? ", "a: &x{} b\n", "# c\n", "\t", "- 'a'\n"]
)
def test_the_largest_document_is_read_or_refused_within_five_seconds(piece: str) -> None:
    text = "".join(piece.replace("{}", str(i)) for i in range(1_000_000))[:1_000_000]
    start_s = time.process_time()

    with contextlib.suppress(DocumentError):
        load_document(text, "s.yaml")

    assert time.process_time() - start_s < 5


def test_a_document_is_laid_out_for_the_eye() -> None:
    document = {
        "parameters": {
            "cell": ["rnn", "lstm"],
            "learning_rate": {"low": 1e-4, "high": 0.01, "log": True},
            "optimizer": "yes",
        },
        "constraints": ["units * layers <= 256"],
        "none": [],
    }

    assert dump_document(document) == (
        "parameters:\n"
        "  cell: [rnn, lstm]\n"
        "  learning_rate: {low: 0.0001, high: 0.01, log: true}\n"
        "  optimizer: 'yes'\n"
        "constraints:\n"
        "  - units * layers <= 256\n"
        "none: []\n"
    )


@pytest.mark.parametrize("document", [{1: "a"}, {"a": object()}, {"a": b"b"}, {"a": {1, 2}}])
def test_what_a_document_cannot_hold_is_refused(document: object) -> None:
    with pytest.raises(DocumentError, match="convert it first"):
        dump_document(document)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (2, 1)),
        (("a",), (2, 1)),
        (("a", "b"), (3, 3)),
        (("a", "b", 1), (3, 10)),
        (("a", "b", 1, "c"), (3, 11)),
        (("a", "x", "b"), (2, 1)),
        (("a", "b", 7), (3, 3)),
        (("a", "b", 0, 0), (3, 7)),
    ],
)
def test_a_path_leads_to_its_line_and_column(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert find_place("# first\na:\n  b: [1, {c: 2}]\n", path) == place


def test_a_place_in_an_empty_document_is_its_start() -> None:
    assert find_place("", ("a",)) == (1, 1)


def test_a_document_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(DocumentError, match=f"at most {MAX_DEPTH} deep"):
        dump_document(endless)


def test_the_same_list_twice_is_written_twice() -> None:
    shared = ["a"]

    assert load_document(dump_document({"x": shared, "y": shared}), "s") == {"x": ["a"], "y": ["a"]}

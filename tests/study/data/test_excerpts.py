from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.records.texts import Excerpt
from study.data import Corpus, DataSpec, EncodedCorpus, Splits, encode
from study.data.encoding import FIRST_WORD, UNKNOWN, look_up
from study.data.excerpts import MAX_SEEN, MAX_UNSEEN, cut_excerpts, view_texts
from study.data.spec import Side, TokenRule

RULES: tuple[TokenRule, ...] = ("words", "words_and_punctuation", "chars", "bpe")
TRAINING = "the cat the cats the catalogue, a cat: the dog! dogs dogs 猫は"
TEXT = "One two, three. Four!"


def make_corpus(texts: tuple[str, ...]) -> Corpus:
    rows = np.arange(len(texts) + 1)
    return Corpus(
        source="test",
        texts=(TRAINING, *texts),
        labels=np.zeros(len(rows), dtype=np.int32),
        classes=("x", "y"),
        splits=Splits(rows[:1], rows[1:], rows[:0]),
        validated_on="validation",
        fingerprint=repr(texts),
        split_fingerprint="1",
    )


def make_encoded(folder: Path, rule: TokenRule, truncation: Side, *texts: str) -> EncodedCorpus:
    spec = DataSpec(source="recall", tokens=rule, truncation=truncation)
    return encode(make_corpus(texts), spec, folder)


def parts_of(excerpt: Excerpt) -> tuple[str, str, str]:
    return excerpt.before, excerpt.seen, excerpt.after


@pytest.mark.parametrize(
    ("length", "truncation", "parts"),
    [
        (9, "pre", ("", "One two, three. Four!", "")),
        (2, "pre", ("One two,", "three. Four!", "")),
        (3, "post", ("", "One two,", "three. Four!")),
        (5, "post", ("", "One two, three. Four!", "")),
        (1, "post", ("", "", "One two, three. Four!")),
    ],
)
def test_an_excerpt_tells_what_the_model_sees_from_what_is_cut_off(
    length: int, truncation: Side, parts: tuple[str, str, str], tmp_path: Path
) -> None:
    encoded = make_encoded(tmp_path, "words", truncation, TEXT)

    (excerpt,) = cut_excerpts([TEXT], encoded, {"vocab_size": 9, "sequence_length": length})

    assert parts_of(excerpt) == parts


def test_texts_without_spaces_are_parted_between_characters(tmp_path: Path) -> None:
    text = "猫は 可愛い"
    encoded = make_encoded(tmp_path, "chars", "pre", text)

    (excerpt,) = cut_excerpts([text], encoded, {"vocab_size": 9, "sequence_length": 2})

    assert parts_of(excerpt) == ("猫は 可", "愛い", "")


def test_an_excerpt_of_a_long_text_is_short_and_keeps_what_is_near(tmp_path: Path) -> None:
    text = " ".join(str(number) for number in range(1000))
    encoded = make_encoded(tmp_path, "words", "pre", text)

    (excerpt,) = cut_excerpts([text], encoded, {"vocab_size": 9, "sequence_length": 500})

    assert max(len(excerpt.before), len(excerpt.after)) <= MAX_UNSEEN
    assert len(excerpt.seen) <= MAX_SEEN
    assert excerpt.before.endswith(" 499")
    assert excerpt.seen.startswith("500 501")
    assert excerpt.seen.endswith("998 999")


def test_what_would_turn_or_end_a_line_is_no_part_of_an_excerpt(tmp_path: Path) -> None:
    text = "a\nb\x00c \u202ed\u2028e"
    encoded = make_encoded(tmp_path, "words", "pre", text)

    (excerpt,) = cut_excerpts([text], encoded, {"vocab_size": 9, "sequence_length": 9})

    assert excerpt.seen == "a b\N{REPLACEMENT CHARACTER}c \N{REPLACEMENT CHARACTER}d e"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("truncation", ["pre", "post"])
@pytest.mark.parametrize("length", [1, 2, 3, 9])
def test_tokens_are_counted_as_the_model_gets_them(
    rule: TokenRule, truncation: Side, length: int, tmp_path: Path
) -> None:
    texts = ("the cat, a zebra", "dogs", "!", "a catalogue of the dogs, cats and 猫は", "")
    encoded = make_encoded(tmp_path, rule, truncation, *texts)
    params = {"vocab_size": FIRST_WORD + 6, "sequence_length": length}

    view = view_texts(make_corpus(texts), encoded, params, rows=range(5))

    ids = encoded.view("validation", params["vocab_size"], length)
    _, offsets = look_up(texts, rule, encoded.vocabulary[:6])
    assert view.n_tokens.tolist() == (np.diff(offsets) - 1).tolist()
    assert view.n_seen.tolist() == (ids >= UNKNOWN).sum(axis=1).tolist()
    assert view.n_unknown.tolist() == (ids == UNKNOWN).sum(axis=1).tolist()
    for text, n_seen, excerpt in zip(texts, view.n_seen.tolist(), view.excerpts.values(), strict=True):
        assert "".join(parts_of(excerpt)).replace(" ", "") == text.replace(" ", "")
        _, ends = look_up([excerpt.seen], rule, encoded.vocabulary[:6])
        # A word is seen if a part of it is; a space that the part seen begins with is not shown.
        assert ends[-1] - 1 >= n_seen - (rule == "chars")
        if rule == "words":
            assert ends[-1] - 1 == n_seen

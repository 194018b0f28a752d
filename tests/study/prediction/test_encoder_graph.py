from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.data import UNKNOWN
from study.data.encoding import look_up
from study.data.spec import TokenRule
from study.data.tokens.characters import fold
from study.data.tokens.rule import space_out
from study.data.tokens.subwords import learn_parts

pytestmark = pytest.mark.slow  # it loads TensorFlow

KINDS: tuple[TokenRule, ...] = ("words", "words_and_punctuation", "chars", "bpe")
SEEN = (
    "The film was bad\r\nbut the FILM's end was not: naïve, naïve ÉTÉ",
    "हिन्दी में फ़िल्म अच्छी थी और बुरी भी",
    "영화가 좋았다 ΛΌΓΟΣ λόγος 中文没有空格 映画は良かった",
    "1️⃣ #️⃣ ≠ ≮ 👍🏽 👩‍👩‍👧 İstanbul \u0131s\u0131 IŞIK",
)
ODD = (
    "aAzéÉİ\u0131Σς\u03c3\u0301\u0323\u0308\u05b0\u3099ก\u0e33각ᄀ\u1161\u11a8\u200b\u200d\ufe0f\u20e3\xa0\u3000\x85"
    "\r\n \t\x0b\x1c!=≠-_'0½ⅷ中か\u304b▁👍🏽\U0001d15e\ufeff\xad\x00\ufffd\U0010ffff"
)


@cache
def vocabulary_of(kind: TokenRule) -> tuple[str, ...]:
    spaced = [space_out(text, kind) for text in (*SEEN, *SEEN)]
    if kind == "bpe":
        return tuple(learn_parts(spaced))
    return tuple(sorted({token for text in spaced for token in text.split(" ") if token}))


@cache
def graph_of(kind: TokenRule) -> Callable[[Sequence[str]], list[list[int]]]:
    import tensorflow as tf

    from study.prediction.encoder_graph import Encoder

    encoder = Encoder(kind, vocabulary_of(kind))
    traced = tf.function(encoder, input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False)
    return lambda texts: traced(tf.constant([text.encode() for text in texts])).to_list()


def ids_of(kind: TokenRule, texts: Sequence[str]) -> list[list[int]]:
    ids, offsets = look_up(texts, kind, vocabulary_of(kind))
    return [row.tolist() for row in np.split(ids, offsets[1:-1])]


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_knows_every_token_that_was_seen(kind: TokenRule) -> None:
    ids = graph_of(kind)(SEEN)
    assert ids == ids_of(kind, SEEN)
    assert not any(UNKNOWN in row for row in ids)


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_reads_each_character_as_the_encoder_does(kind: TokenRule) -> None:
    """All of the basic plane, and of the others those whose category is rare."""
    common = ("Cn", "Co", "Lo", "So")
    codes = [
        code
        for code in range(sys.maxunicode + 1)
        if code < 0x10000 or unicodedata.category(chr(code)) not in common or chr(code) != fold(chr(code))
    ]
    codes = [code for code in codes if not 0xD800 <= code <= 0xDFFF]
    texts = [f"The{chr(code)}film {chr(code)} \u0301{chr(code)}\u0323bad" for code in codes]
    found, expected = graph_of(kind)(texts), ids_of(kind, texts)
    assert [hex(code) for code, a, b in zip(codes, found, expected, strict=True) if a != b] == []


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150)
@given(texts=st.lists(st.text() | st.text(ODD, max_size=30), min_size=1, max_size=6))
def test_the_graph_gives_the_ids_of_the_encoder(kind: TokenRule, texts: list[str]) -> None:
    assert graph_of(kind)(texts) == ids_of(kind, texts)


@pytest.mark.parametrize("kind", KINDS)
def test_one_way_of_writing_a_text_is_as_good_as_another(kind: TokenRule) -> None:
    for form in ("NFC", "NFD"):
        assert graph_of(kind)([unicodedata.normalize(form, text) for text in SEEN]) == ids_of(kind, SEEN)  # type: ignore[arg-type]

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.data import Corpus, DataSpec, EncodedCorpus, Splits, encode, load_corpus
from study.data.encoding import FIRST_WORD, PADDING, START, UNKNOWN, look_up
from study.data.spec import TokenRule
from study.data.tokens import subwords
from study.data.tokens.characters import fold
from study.data.tokens.rule import SPACE_MARK, number_tokens, space_out, suggest_tokens
from study.errors import DataError, EnvironmentFaultError

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples on any machine, however busy
Side = Literal["pre", "post"]
RULES: tuple[TokenRule, ...] = ("words", "words_and_punctuation", "chars", "bpe")
TEXTS = ("The cat, the dog.", "A cat's <br /> life", "dog dog zebra", "The yak and the cat")


def make_corpus(texts: tuple[str, ...], n_train: int) -> Corpus:
    rows = np.arange(len(texts))
    return Corpus(
        source="test",
        texts=texts,
        labels=(rows % 2).astype(np.int32),
        classes=("a", "b"),
        splits=Splits(rows[:n_train], rows[n_train:], rows[:0]),
        validated_on="validation",
        fingerprint=repr(texts),
        split_fingerprint=repr(n_train),
    )


def spec_of(**options: Any) -> DataSpec:
    return DataSpec(source="recall", **options)


def slow_words(text: str) -> list[str]:
    """Keras's rule, letter by letter, on folded text."""
    kept = "".join(" " if letter in '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~' else letter for letter in fold(text))
    return [unicodedata.normalize("NFC", word) for word in kept.split()]


def slow_ids(texts: tuple[str, ...], n_train: int) -> tuple[list[str], list[list[int]]]:
    """Count, sort, look up: what `encode` does in another order and with other means."""
    counts = Counter(word for text in texts[:n_train] for word in slow_words(text))
    vocabulary = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    ids = {word: 3 + rank for rank, word in enumerate(vocabulary)}
    return vocabulary, [[1, *(ids.get(word, 2) for word in slow_words(text))] for text in texts]


def slow_view(
    ids: list[list[int]], size: int, length: int, padding: Side, truncation: Side
) -> list[list[int]]:
    rows = []
    for sequence in ids:
        capped = [number if number < size else 2 for number in sequence]
        kept = capped[-length:] if truncation == "pre" else capped[:length]
        margin = [0] * (length - len(kept))
        rows.append(margin + kept if padding == "pre" else kept + margin)
    return rows


def test_ids_follow_the_convention_of_keras(tmp_path: Path) -> None:
    encoded = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    # dog 3, the 2, then once each in alphabetical order; yak and and are in the validation text alone.
    assert encoded.vocabulary == ["dog", "the", "a", "br", "cat", "cat's", "life", "zebra"]
    assert np.split(encoded.ids, encoded.offsets[1:-1])[0].tolist() == [START, 4, 7, 4, 3]
    assert np.split(encoded.ids, encoded.offsets[1:-1])[3].tolist() == [START, 4, UNKNOWN, UNKNOWN, 4, 7]
    assert encoded.n_ids == 11


@settings(REPEATABLE, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    texts=st.lists(st.text("abAB'.,\n é\tİΣ", min_size=1, max_size=12), min_size=2, max_size=8).map(tuple),
    n_train=st.integers(1, 8),
    size=st.integers(4, 12),
    length=st.integers(1, 12),
    padding=st.sampled_from(["pre", "post"]),
    truncation=st.sampled_from(["pre", "post"]),
)
def test_an_encoded_view_equals_the_slow_reference(
    tmp_path_factory: pytest.TempPathFactory,
    texts: tuple[str, ...],
    n_train: int,
    size: int,
    length: int,
    padding: Side,
    truncation: Side,
) -> None:
    corpus = make_corpus(texts, n_train)
    encoded = encode(
        corpus, spec_of(padding=padding, truncation=truncation), tmp_path_factory.mktemp("cache")
    )
    vocabulary, ids = slow_ids(texts, n_train)
    assert encoded.vocabulary == vocabulary
    expected = slow_view(ids, size, length, padding, truncation)
    assert encoded.view("train", size, length).tolist() == expected[:n_train]
    assert encoded.view("validation", size, length).tolist() == expected[n_train:]


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncation", ["pre", "post"])
def test_a_view_equals_what_keras_pads(tmp_path: Path, padding: Side, truncation: Side) -> None:
    import keras

    rng = np.random.default_rng(0)
    texts = tuple(" ".join(rng.choice(list("abcdefgh"), size=size)) for size in range(1, 30))
    encoded = encode(make_corpus(texts, 20), spec_of(padding=padding, truncation=truncation), tmp_path)
    sequences = [row.tolist() for row in np.split(encoded.ids, encoded.offsets[1:-1])][:20]
    padded = keras.utils.pad_sequences(sequences, maxlen=12, padding=padding, truncating=truncation)
    assert np.array_equal(encoded.view("train", encoded.n_ids, 12), padded)


@pytest.mark.slow
def test_words_of_plain_text_are_those_of_the_tokenizer_of_keras() -> None:
    from keras.src.legacy.preprocessing.text import text_to_word_sequence

    rng = np.random.default_rng(0)
    letters = [chr(code) for code in (*range(1, 9), 9, 10, *range(32, 127))]
    for _ in range(200):
        text = "".join(rng.choice(letters, size=60))
        assert tokens_of(text, "words") == text_to_word_sequence(text)


def tokens_of(text: str, rule: TokenRule) -> list[str]:
    return [token for token in space_out(text, rule).split(" ") if token]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("words", ["don't", "f", "x", "1", "größe…"]),
        ("words_and_punctuation", ["don", "'", "t", "f", "(", "x_1", ")", "-", ">", "größe", "…"]),
        ("chars", [*"don't▁f(x_1)▁->▁größe…"]),
        ("bpe", ["▁don", "'", "t", "▁f", "(", "x_1", ")", "▁-", ">", "▁gro\u0308ße", "…"]),
    ],
)
def test_a_text_is_cut_by_its_rule(rule: TokenRule, expected: list[str]) -> None:
    assert tokens_of(" Don't f(x_1) ->\r\n Größe…\n", rule) == expected


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text([chr(code) for code in (*range(1, 11), *range(14, 28), *range(32, 127))]))
def test_plain_text_has_the_tokens_it_always_had(rule: TokenRule, text: str) -> None:
    earlier: dict[TokenRule, Callable[[str], list[str]]] = {
        "words": lambda text: re.split(r'[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~\t\n ]+', text),
        "words_and_punctuation": lambda text: re.findall(r"\w+|[^\w\s]", text),
        "chars": lambda text: [*SPACE_MARK.join(text.split())],
        "bpe": lambda text: re.findall(r"▁?(?:[^\W▁]+|[^\w▁])", "".join(f"▁{part}" for part in text.split())),
    }
    assert tokens_of(text, rule) == [token for token in earlier[rule](text.lower()) if token]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bad\r\nfilm", "bad\nfilm"),
        ("bad\xa0film\u3000good\x85so", "bad film good so"),
        ("Zwo\u0308lf E\u0301te\u0301", "Zwölf Été"),
        ("co\xadoperate\ufeff", "cooperate"),
        ("ΛΌΓΟΣ", "λόγος"),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국"),
    ],
)
def test_what_a_reader_sees_as_the_same_has_the_same_tokens(rule: TokenRule, one: str, other: str) -> None:
    assert tokens_of(one, rule) == tokens_of(other, rule)


@pytest.mark.parametrize("rule", RULES)
@given(text=st.text())
def test_any_text_can_be_cut_and_composing_it_first_changes_nothing(rule: TokenRule, text: str) -> None:
    tokens = tokens_of(text, rule)
    assert tokens == tokens_of(unicodedata.normalize("NFC", text), rule)
    assert tokens == tokens_of(unicodedata.normalize("NFD", text), rule)
    assert tokens == tokens_of(text.replace("\n", "\r\n"), rule)


def test_marks_stay_with_the_letter_that_carries_them() -> None:
    assert tokens_of("हिन्दी की फ़िल्म", "words_and_punctuation") == ["हिन्दी", "की", "फ़िल्म"]
    assert tokens_of("नि\u094dक कि", "chars") == ["नि\u094d", "क", "▁", "कि"]
    assert tokens_of("1\ufe0f\u20e3 \u2260", "words_and_punctuation") == ["1\ufe0f\u20e3", "\u2260"]


def test_half_a_surrogate_pair_is_a_character_that_nobody_knows() -> None:
    assert tokens_of("a \ud83d b", "words") == ["a", "\ufffd", "b"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["这部电影很好看。", "OK 不好"], "chars"),
        (["映画は良かった"], "chars"),
        (["หนังเรื่องนี้ดีมาก"], "chars"),
        (["영화가 좋았다"], "words"),
        (["the film 好", "was good"], "words"),
        (["", "!!! 123"], "words"),
    ],
)
def test_texts_without_spaces_are_read_by_characters(texts: list[str], expected: str) -> None:
    assert suggest_tokens(texts, "words") == expected


def test_a_file_in_chinese_is_read_by_characters_unless_told_otherwise(tmp_path: Path) -> None:
    corpus = make_corpus(("这部电影很好看", "这部电影不好"), 1)
    spec = DataSpec(source="reviews.csv")
    assert encode(corpus, spec, tmp_path).tokens == "chars"
    told = spec.model_copy(update={"tokens": "words"})
    assert encode(corpus, told, tmp_path).tokens == "words"


def test_tokens_are_numbered_as_they_first_appear() -> None:
    tokens, numbers, offsets = number_tokens(["b  a b", "...", " c a"], "words")
    assert [tokens[number] for number in numbers] == ["b", "a", "b", "c", "a"]
    assert offsets.tolist() == [0, 3, 3, 5]


MERGING = (
    "low lower lowest newer newest widest",
    "the low tide is the widest tide",
    "lowly newts widen 电影电影好 newest lower low",
    "unseen žubr 电影 lowest wide",
)


def test_parts_of_words_are_learned_from_the_training_split_alone(tmp_path: Path) -> None:
    one = encode(make_corpus(MERGING, 3), spec_of(tokens="bpe"), tmp_path)
    other = encode(make_corpus((*MERGING[:3], "zzz zzz zzz"), 3), spec_of(tokens="bpe"), tmp_path)
    assert one.vocabulary == other.vocabulary
    assert "▁low" in [line.replace(" ", "") for line in one.vocabulary]
    assert one.n_ids == FIRST_WORD + len(one.vocabulary)


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncation", ["pre", "post"])
def test_a_vocabulary_of_any_size_cuts_as_if_it_had_been_learned_alone(
    tmp_path: Path, padding: Side, truncation: Side
) -> None:
    """Texts cut by all merges, the last ones undone, are texts cut by the first merges."""
    corpus = make_corpus(MERGING, 3)
    encoded = encode(corpus, spec_of(tokens="bpe", padding=padding, truncation=truncation), tmp_path)
    for size in range(FIRST_WORD + 1, encoded.n_ids + 2):
        ids, offsets = look_up(MERGING, "bpe", encoded.vocabulary[: size - FIRST_WORD])
        rows = [row.tolist() for row in np.split(ids, offsets[1:-1])]
        for length in (5, 9, 80):
            expected = slow_view(rows, size, length, padding, truncation)
            assert encoded.view("train", size, length).tolist() == expected[:3]
            assert encoded.view("validation", size, length).tolist() == expected[3:]


def test_the_first_merges_are_those_that_a_smaller_vocabulary_learns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spaced = [space_out(text, "bpe") for text in MERGING]
    whole = subwords.learn_parts(spaced)
    for size in (10, 30, 40):
        monkeypatch.setattr(subwords, "MAX_PARTS", size)
        assert subwords.learn_parts(spaced) == whole[:size]


def test_without_the_library_parts_of_words_are_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(EnvironmentFaultError, match=r"recurrent-study\[bpe\]"):
        subwords.learn_parts(["a b"])


def test_a_word_of_the_validation_split_never_enters_the_vocabulary(tmp_path: Path) -> None:
    base = make_corpus(("a b", "b c", "c d"), 2)
    other = make_corpus(("a b", "b c", "z z z a a a d"), 2)
    assert (
        encode(base, spec_of(), tmp_path).vocabulary
        == encode(other, spec_of(), tmp_path).vocabulary
        == [*"bac"]
    )


def test_rarer_words_become_unknown_as_the_vocabulary_shrinks(tmp_path: Path) -> None:
    encoded = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    whole, small = encoded.view("train", 100, 6), encoded.view("train", 5, 6)
    assert whole.max() == encoded.n_ids - 1
    assert np.array_equal(small, np.where(whole < 5, whole, UNKNOWN))


def test_a_vocabulary_larger_than_any_changes_nothing(tmp_path: Path) -> None:
    encoded = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    assert np.array_equal(encoded.view("train", 2**40, 6), encoded.view("train", encoded.n_ids, 6))


def test_a_text_without_words_is_its_start_alone(tmp_path: Path) -> None:
    encoded = encode(make_corpus(("a b", "?!", "c"), 2), spec_of(), tmp_path)
    assert encoded.view("train", 10, 3).tolist() == [[START, 3, 4], [PADDING, PADDING, START]]


@pytest.mark.parametrize(("vocab_size", "sequence_length"), [(3, 10), (100, 0), (-1, 10), ("100", 10)])
def test_a_view_without_room_is_refused(tmp_path: Path, vocab_size: Any, sequence_length: int) -> None:
    encoded = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    with pytest.raises(
        DataError, match=r"a view's (vocab_size|sequence_length) is a whole number from [14] on: .+ is not"
    ):
        encoded.view("train", vocab_size, sequence_length)


def test_the_test_split_stays_sealed_in_views_too(tmp_path: Path) -> None:
    corpus = load_corpus(spec_of())
    encoded = encode(corpus, spec_of(), tmp_path)
    with pytest.raises(DataError, match="sealed"):
        encoded.view("test", 10, 10)
    with pytest.raises(DataError, match="sealed"):
        encoded.labels_of("test")
    assert encoded.view("test", 10, 10, open_test=True).shape == (400, 10)
    assert np.array_equal(encoded.labels_of("test", open_test=True), corpus.labels_of("test", open_test=True))


def same(left: EncodedCorpus, right: EncodedCorpus) -> bool:
    pairs = [
        (getattr(left, name), getattr(right, name))
        for name in ("ids", "offsets", "word_bytes", "word_offsets", "parts")
    ]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def test_the_second_time_the_arrays_are_mapped_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(TEXTS, 3)
    first = encode(corpus, spec_of(), tmp_path)
    monkeypatch.setattr("study.data.encoding.number_tokens", None)
    second = encode(corpus, spec_of(padding="post"), tmp_path)
    assert same(first, second)
    assert type(second.ids) is np.ndarray
    assert not second.ids.flags.owndata
    assert not second.ids.flags.writeable
    assert second.view("train", 10, 6).tolist() != first.view("train", 10, 6).tolist()


@pytest.mark.parametrize(
    "other",
    [make_corpus((*TEXTS[:3], "The yak"), 3), make_corpus(TEXTS, 2)],
    ids=["other texts", "other split"],
)
def test_other_texts_or_another_split_are_encoded_anew(tmp_path: Path, other: Corpus) -> None:
    first = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    assert not same(encode(other, spec_of(), tmp_path), first)


@pytest.mark.parametrize(
    "name", ["ids.npy", "offsets.npy", "word_bytes.npy", "word_offsets.npy", "parts.npy", "entry.json"]
)
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "empty"])
def test_a_damaged_cache_entry_is_made_again(tmp_path: Path, name: str, damage: str) -> None:
    corpus = make_corpus(TEXTS, 3)
    first = encode(corpus, spec_of(), tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 4
    damaged = {"cut": raw[:-1], "flip": raw, "empty": b""}
    path.unlink()
    if damage != "gone":
        path.write_bytes(damaged[damage])
    assert same(encode(corpus, spec_of(), tmp_path), first)
    assert path.is_file()
    assert same(encode(corpus, spec_of(), tmp_path), first)


def test_no_cache_file_can_hold_code(tmp_path: Path) -> None:
    corpus = make_corpus(TEXTS, 3)
    first = encode(corpus, spec_of(), tmp_path)
    (path,) = tmp_path.glob("*/ids.npy")
    np.save(path, np.array([print], dtype=object), allow_pickle=True)
    (manifest,) = tmp_path.glob("*/entry.json")
    digests = {**json.loads(manifest.read_text()), "ids": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(digests))
    assert same(encode(corpus, spec_of(), tmp_path), first)


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    encoded = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path / "file")
    assert encoded.vocabulary[0] == "dog"


def test_an_encoded_corpus_survives_the_trip_to_a_worker(tmp_path: Path) -> None:
    encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    mapped = encode(make_corpus(TEXTS, 3), spec_of(), tmp_path)
    buffers: list[pickle.PickleBuffer] = []
    sent = pickle.dumps(mapped, protocol=5, buffer_callback=buffers.append)
    received = pickle.loads(sent, buffers=buffers)  # noqa: S301 - what was pickled a line above
    assert same(received, mapped)
    assert len(sent) < 3_000  # the arrays travel beside it, without a copy
    assert np.array_equal(received.view("train", 8, 5), mapped.view("train", 8, 5))


@pytest.mark.slow
@pytest.mark.skipif(
    "STUDY_IMDB" not in os.environ, reason="STUDY_IMDB does not name the IMDB reviews as .parquet"
)
def test_the_real_reviews_are_encoded_as_the_slow_reference_does(tmp_path: Path) -> None:
    spec = DataSpec(source=os.environ["STUDY_IMDB"], limit_train=2_000, limit_validation=500, limit_test=500)
    corpus = load_corpus(spec)
    encoded = encode(corpus, spec, tmp_path)
    counts = Counter(word for text in corpus.texts_of("train") for word in slow_words(text))
    vocabulary = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    assert encoded.vocabulary == vocabulary
    ids = {word: 3 + rank for rank, word in enumerate(vocabulary)}
    rows = [[1, *(ids.get(word, 2) for word in slow_words(text))] for text in corpus.texts_of("validation")]
    expected: NDArray[np.int32] = np.array(slow_view(rows, 5_000, 150, "pre", "pre"))
    assert np.array_equal(encoded.view("validation", 5_000, 150), expected)

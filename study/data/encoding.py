"""Texts as integers: ranked by frequency once, then cut to any vocabulary and length in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import unidata_version

import numpy as np
from numpy.typing import NDArray

from analysis.words.numbers import count
from study.data.cache import (
    Arrays,
    default_cache_folder,
    key_of,
    pack_strings,
    read_arrays,
    unpack_strings,
    write_arrays,
)
from study.data.corpus import Corpus
from study.data.messages import quoted
from study.data.spec import DataSpec, Side, TokenRule
from study.data.splits import Split, Splits, say_sizes
from study.data.tokens.rule import number_tokens, space_out, suggest_tokens
from study.data.tokens.subwords import cut_tokens, learn_parts, parts_of
from study.errors import DataError

PADDING, START, UNKNOWN = 0, 1, 2
"""Ids that are no word, as in Keras's IMDB data: filling, the start of a text, a word out of vocabulary."""

FIRST_WORD = 3
"""Id of the most frequent word; the others follow by frequency."""

_CACHED = ("ids", "offsets", "word_bytes", "word_offsets", "parts")
_FORMAT = 2  # raised when the same texts would be encoded otherwise


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EncodedCorpus:
    """A corpus as arrays: light to send, and shared without a copy by those who map or receive it.

    Attributes:
        ids: All texts one after the other, each begun by `START`, int32, shape (n_ids,).
        offsets: Where each text begins, and where the last ends, int64, shape (n_texts + 1,).
        labels: Class numbers, int32, shape (n_texts,).
        splits: Which texts train, validate and test.
        classes: The name of each class number.
        word_bytes: UTF-8 of the vocabulary, most frequent word first; `vocabulary` reads it.
        word_offsets: Where each word begins in it.
        parts: For `bpe`, the two ids that each id was merged from, zeros for a character, int32, shape
            (n_ids, 2); else of shape (0, 2).
        tokens: The rule by which a text became tokens.
        padding: Side that is filled where a text is short.
        truncation: Side that is cut where a text is long.
        fingerprint: Of the data, as in `Corpus`.
        split_fingerprint: Of the split, as in `Corpus`.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int32]
    splits: Splits
    classes: tuple[str, ...]
    word_bytes: NDArray[np.uint8]
    word_offsets: NDArray[np.int64]
    parts: NDArray[np.int32]
    tokens: TokenRule
    padding: Side
    truncation: Side
    fingerprint: str
    split_fingerprint: str

    def __repr__(self) -> str:
        words = count(len(self.word_offsets) - 1, "token")
        return f"<EncodedCorpus: {say_sizes(self.splits)}; {words} by the rule {self.tokens}>"

    @property
    def vocabulary(self) -> list[str]:
        """Words of the training split, most frequent first; word i has the id i + `FIRST_WORD`.

        For `bpe`, parts as `study.data.tokens.subwords.learn_parts` gives them: those merged with a space
        inside.
        """
        return unpack_strings(self.word_bytes, self.word_offsets)

    @property
    def n_ids(self) -> int:
        """Different ids there can be: the largest vocabulary size that makes a difference."""
        return FIRST_WORD + len(self.word_offsets) - 1

    def view(
        self, split: Split, vocab_size: int, sequence_length: int, *, open_test: bool = False
    ) -> NDArray[np.int32]:
        """Sequences of one length over one vocabulary.

        Args:
            split: The texts to take.
            vocab_size: Different ids in the result, the three that are no word included; as in Keras's
                `Embedding(vocab_size, ...)`. Rarer words become `UNKNOWN`.
            sequence_length: Ids in each sequence.
            open_test: Must be true to read the test split.

        Returns:
            Ids below `vocab_size`, int32, shape (n, sequence_length).

        Raises:
            DataError: If a size is too small, or the test split is asked for without `open_test`.
        """
        for name, size, least in (
            ("vocab_size", vocab_size, FIRST_WORD + 1),
            ("sequence_length", sequence_length, 1),
        ):
            if not isinstance(size, int | np.integer) or size < least:
                raise DataError(f"a view's {name} is a whole number from {least} on: {quoted(size)} is not")
        rows = self.splits.rows_of(split, open_test=open_test)
        return cut_view(
            self.ids,
            self.offsets,
            rows,
            self.parts,
            vocab_size=min(vocab_size, self.n_ids),  # so that any size fits the ids' type
            sequence_length=sequence_length,
            padding=self.padding,
            truncation=self.truncation,
        )

    def labels_of(self, split: Split, *, open_test: bool = False) -> NDArray[np.int32]:
        """Class numbers of one split, shape (n,).

        Raises:
            DataError: If the test split is asked for without `open_test`.
        """
        return self.labels[self.splits.rows_of(split, open_test=open_test)]


def cut_view(
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int64],
    parts: NDArray[np.int32],
    *,
    vocab_size: int,
    sequence_length: int,
    padding: Side,
    truncation: Side,
) -> NDArray[np.int32]:
    """Cut flat ids to sequences of one length over one vocabulary: int32, (n_rows, sequence_length)."""
    # Here, so that only who trains loads numba.
    from study.data.views import fill_parts_view, fill_view

    view = np.empty((len(rows), sequence_length), dtype=np.int32)
    rest = (vocab_size, UNKNOWN, padding == "pre", truncation == "pre", view)
    if len(parts):
        fill_parts_view(ids, offsets, rows, parts, *rest)
    else:
        fill_view(ids, offsets, rows, *rest)
    return view


def encode(corpus: Corpus, spec: DataSpec, cache_dir: Path | None = None) -> EncodedCorpus:
    """Encode all texts of a corpus, or map what was encoded before.

    The vocabulary is that of the training split alone; words of equal frequency stand in alphabetical order.

    Args:
        corpus: Texts to encode.
        spec: How to cut them into tokens, and the sides to pad and cut.
        cache_dir: Where encoded texts are kept, under their fingerprints; the user's cache folder by default.

    Raises:
        EnvironmentFaultError: If what cuts the texts is not installed.
    """
    rule = choose_tokens(corpus, DataSpec.require(spec))
    spec = spec.resolved()
    assert spec.padding and spec.truncation  # what `resolved` is for
    folder = default_cache_folder() if cache_dir is None else cache_dir
    # Each release of Python knows the characters of one of Unicode.
    key = key_of("encoded", _FORMAT, unidata_version, corpus.fingerprint, corpus.split_fingerprint, rule)
    arrays = read_arrays(folder, key, _CACHED)
    if arrays is None:
        arrays = _encode_texts(corpus, rule)
        write_arrays(folder, key, arrays)
    return EncodedCorpus(
        **arrays,
        labels=corpus.labels,
        splits=corpus.splits,
        classes=corpus.classes,
        tokens=rule,
        padding=spec.padding,
        truncation=spec.truncation,
        fingerprint=corpus.fingerprint,
        split_fingerprint=corpus.split_fingerprint,
    )


def choose_tokens(corpus: Corpus, spec: DataSpec) -> TokenRule:
    """The rule asked for, or the source's own; for a user's texts `chars` where no spaces part words."""
    default = spec.resolved().tokens
    assert default  # what `resolved` is for
    if spec.tokens or spec.is_built_in:
        return default
    return suggest_tokens(corpus.texts_of("train"), default)


def look_up(
    texts: Sequence[str], rule: TokenRule, vocabulary: Sequence[str]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Encode texts by a vocabulary that is given, as `encode` does.

    Returns:
        Ids, each text begun by `START`, and where each text begins and the last ends.

    Raises:
        EnvironmentFaultError: If what cuts the texts is not installed.
    """
    tokens, numbers, offsets = number_tokens(texts, rule)
    if rule == "bpe":
        return _begin(*_cut(tokens, numbers, offsets, vocabulary))
    ids = {word: id_ for id_, word in enumerate(vocabulary, FIRST_WORD)}
    id_of_number = np.fromiter((ids.get(token, UNKNOWN) for token in tokens), np.int32, len(tokens))
    return _begin(id_of_number[numbers], offsets)


def _encode_texts(corpus: Corpus, rule: TokenRule) -> Arrays:
    """Number tokens as they come; then count and rank the numbers, which are fewer than the tokens."""
    tokens, numbers, offsets = number_tokens(corpus.texts, rule)
    if rule == "bpe":
        vocabulary = learn_parts(space_out(text, rule) for text in corpus.texts_of("train"))
        ids, offsets = _begin(*_cut(tokens, numbers, offsets, vocabulary))
        parts = parts_of(vocabulary, FIRST_WORD)
    else:
        vocabulary, id_of_number = rank_tokens(
            tokens, _count_training(numbers, offsets, corpus.splits, len(tokens))
        )
        ids, offsets = _begin(id_of_number[numbers], offsets)
        parts = np.zeros((0, 2), dtype=np.int32)
    word_bytes, word_offsets = pack_strings(vocabulary)
    return {
        "ids": ids,
        "offsets": offsets,
        "word_bytes": word_bytes,
        "word_offsets": word_offsets,
        "parts": parts,
    }


def _begin(ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put `START` before each text."""
    return np.insert(ids, offsets[:-1], START), offsets + np.arange(len(offsets))


def _cut(
    tokens: list[str], numbers: NDArray[np.int32], offsets: NDArray[np.int64], vocabulary: Sequence[str]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put the parts of each token in its place."""
    parts, starts = cut_tokens(tokens, vocabulary, FIRST_WORD, UNKNOWN)
    n_parts = np.diff(starts)[numbers]
    ends = np.concatenate([[0], np.cumsum(n_parts)])
    # The parts of a token lie side by side: to its first, count on.
    within = np.arange(ends[-1]) - np.repeat(ends[:-1] - starts[:-1][numbers], n_parts)
    return parts[within], ends[offsets]


def _count_training(
    numbers: NDArray[np.int32], offsets: NDArray[np.int64], splits: Splits, n_words: int
) -> NDArray[np.int64]:
    """How often each word number occurs in the training split, shape (n_words,)."""
    is_training = np.zeros(len(offsets) - 1, dtype=bool)
    is_training[splits.train] = True
    return np.bincount(numbers[np.repeat(is_training, np.diff(offsets))], minlength=n_words)


def rank_tokens(words: list[str], counts: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int32]]:
    """The words that were counted, most frequent first, and the id of each word number."""
    known = sorted(np.flatnonzero(counts).tolist(), key=lambda number: (-counts[number], words[number]))
    id_of_number = np.full(len(words), UNKNOWN, dtype=np.int32)
    id_of_number[known] = np.arange(FIRST_WORD, FIRST_WORD + len(known))
    return [words[number] for number in known], id_of_number

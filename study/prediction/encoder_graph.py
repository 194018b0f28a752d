"""How a text becomes ids, as a graph: the rule of `study.data.tokens.rule`, and nothing of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unicodedata import normalize

import numpy as np
import tensorflow as tf

from study.data import FIRST_WORD, START, UNKNOWN
from study.data.spec import TokenRule
from study.data.tokens.characters import REPLACEMENT, combining_classes, folded_characters, spelled_out
from study.data.tokens.rule import rule_of
from study.data.tokens.subwords import parts_of

_N_COMBINING_CLASSES = 256
_PAIR = 2**32  # of two ids one key: the left one counts these


def _table(pairs: Sequence[tuple[Any, int]], default: int) -> tf.lookup.StaticHashTable:
    """A table of the graph's own, of strings or numbers to numbers."""
    keys, values = zip(*pairs, strict=True) if pairs else (("",), (default,))
    dtype = tf.string if isinstance(keys[0], str) else tf.int64
    filled = tf.lookup.KeyValueTensorInitializer(
        tf.constant(keys, dtype), tf.constant(values, tf.int64), dtype, tf.int64
    )
    return tf.lookup.StaticHashTable(filled, default)


class Folding(tf.Module):  # type: ignore[misc]
    """`study.data.tokens.characters.fold` as a graph; neither a locale nor TensorFlow's Unicode is asked."""

    def __init__(self) -> None:
        super().__init__()
        folded = list(folded_characters())
        self._becomes = tf.ragged.constant([list(map(ord, text)) for _, text in folded], dtype=tf.int32)
        self._row = _table([(code, row) for row, (code, _) in enumerate(folded)], -1)
        self._combining = _table(list(combining_classes()), 0)

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """Fold strings of shape (n,)."""
        codes = tf.strings.unicode_decode(texts, "UTF-8", errors="replace", replacement_char=ord(REPLACEMENT))
        rows = self._row.lookup(tf.cast(codes.flat_values, tf.int64))
        others = tf.RaggedTensor.from_row_lengths(codes.flat_values, tf.ones_like(rows))
        # Two candidates for each character, one of them empty: what it becomes, or itself.
        changed = tf.ragged.boolean_mask(tf.gather(self._becomes, tf.maximum(rows, 0)), rows >= 0)
        becomes = tf.gather(
            tf.concat([changed, tf.ragged.boolean_mask(others, rows < 0)], axis=0), _positions(rows >= 0)
        )
        folded = codes.with_flat_values(becomes).merge_dims(1, 2)
        return tf.strings.unicode_encode(
            folded.with_flat_values(self._in_order(folded)), "UTF-8", errors="replace"
        )

    def _in_order(self, codes: tf.RaggedTensor) -> tf.Tensor:
        """The characters, with marks in the order of their classes: what canonical ordering does to them."""
        combining = self._combining.lookup(tf.cast(codes.flat_values, tf.int64))
        # What no mark begins, and each text, begins a run; marks change places within one.
        run = tf.cumsum(tf.cast(combining == 0, tf.int64)) + codes.value_rowids()
        index = tf.range(tf.size(combining, tf.int64))
        # The index makes each key different: the sort need not keep the order of equals.
        key = (run * _N_COMBINING_CLASSES + combining) * tf.size(combining, tf.int64) + index
        return tf.gather(codes.flat_values, tf.argsort(key))


def _positions(is_first: tf.Tensor) -> tf.Tensor:
    """Where each element lies once those that are first stand before all others."""
    first = tf.cast(is_first, tf.int64)
    n_first = tf.reduce_sum(first)
    return tf.where(is_first, tf.cumsum(first) - 1, n_first + tf.cumsum(1 - first) - 1)


class Encoder(tf.Module):  # type: ignore[misc]
    """`study.data.encoding.look_up` as a graph."""

    def __init__(self, rule: TokenRule, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self._rule, self._is_cut = rule_of(rule, spelled_out()), rule == "bpe"
        self._fold = Folding()
        words = [normalize("NFD", word) for word in vocabulary]
        if not self._is_cut:
            self._ids = _table([(word, id_) for id_, word in enumerate(words, FIRST_WORD)], UNKNOWN)
            return
        self._ids = _table(
            [(word, id_) for id_, word in enumerate(words, FIRST_WORD) if " " not in word], UNKNOWN
        )
        parts = parts_of(words, FIRST_WORD).astype(np.int64)
        merged = [(int(left * _PAIR + right), id_) for id_, (left, right) in enumerate(parts) if left]
        self._merged = _table(merged or [(-1, -1)], -1)

    def __call__(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Ids of strings of shape (n,): int64, each row begun by `START`."""
        spaced = self._fold(texts)
        for pattern, rewrite in self._rule.rewritings:
            spaced = tf.strings.regex_replace(spaced, pattern, rewrite)
        if self._rule.token is not None:
            spaced = tf.strings.regex_replace(spaced, f"({self._rule.token})", r" \1 ")
        tokens = _split(spaced)
        if self._is_cut:
            unique, indices = tf.unique(tokens.flat_values)
            ids = tokens.with_flat_values(tf.gather(self._cut(unique), indices)).merge_dims(1, 2)
        else:
            ids = tokens.with_flat_values(self._ids.lookup(tokens.flat_values))
        start = tf.fill((tf.shape(texts)[0], 1), tf.constant(START, tf.int64))
        return tf.concat([start, ids], axis=1)

    def _cut(self, tokens: tf.Tensor) -> tf.RaggedTensor:
        """The parts of each token: of pairs side by side the one learned first is merged, again and again.

        Of equal ones the leftmost, as `tokenizers` does; each round merges one pair of each token.
        """
        characters = tf.strings.unicode_split(tokens, "UTF-8")
        state = self._ids.lookup(characters.flat_values), characters.value_rowids()
        n_tokens = tf.size(tokens, tf.int64)

        def find(ids: tf.Tensor, of_token: tf.Tensor) -> tf.Tensor:
            """What each part and the next become, or -1."""
            becomes = self._merged.lookup(ids[:-1] * _PAIR + ids[1:])
            return tf.where(of_token[:-1] == of_token[1:], becomes, -1)

        def merge(ids: tf.Tensor, of_token: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            becomes = find(ids, of_token)
            index = tf.range(tf.size(becomes, tf.int64))
            stride = tf.size(becomes, tf.int64) + 1
            key = tf.where(becomes >= 0, becomes * stride + index, tf.int64.max)
            first = tf.math.unsorted_segment_min(key, of_token[:-1], n_tokens)
            is_merged = tf.logical_and(becomes >= 0, key == tf.gather(first, of_token[:-1]))
            swallowed = tf.concat([[False], is_merged], axis=0)
            merged = tf.where(tf.concat([is_merged, [False]], axis=0), tf.concat([becomes, [0]], axis=0), ids)
            return tf.boolean_mask(merged, ~swallowed), tf.boolean_mask(of_token, ~swallowed)

        ids, of_token = tf.while_loop(
            lambda ids, of_token: tf.reduce_any(find(ids, of_token) >= 0),
            merge,
            state,
            shape_invariants=(tf.TensorShape([None]), tf.TensorShape([None])),
        )
        return tf.RaggedTensor.from_value_rowids(ids, of_token, n_tokens)


def _split(spaced: tf.Tensor) -> tf.RaggedTensor:
    """What stands between spaces. TensorFlow's own splitting at whitespace knows more spaces than one."""
    tokens = tf.strings.split(spaced, sep=" ")
    return tf.ragged.boolean_mask(tokens, tokens.with_flat_values(tokens.flat_values != ""))

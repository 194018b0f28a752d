"""What a model sees of texts: how many of their tokens, and which part of those that a person reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.records.texts import Excerpt, TextView
from study.data.corpus import Corpus
from study.data.encoding import FIRST_WORD, UNKNOWN, EncodedCorpus, look_up
from study.data.spec import Side

MAX_SEEN, MAX_UNSEEN = 400, 80
"""Letters that are kept of the part that the model sees, and of each part that it does not."""

_WORD, _CHARACTER = re.compile(r"\s*\S+"), re.compile(r"\s*\S")
"""What is never parted: tokens do not reach beyond it."""

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of all text behind them, that of the page too."""


def view_texts(
    corpus: Corpus, encoded: EncodedCorpus, params: dict[str, Any], rows: Sequence[int]
) -> TextView:
    """Return what a setting sees of the texts that validate, and some of them as excerpts.

    Args:
        corpus: The texts.
        encoded: The same as ids.
        params: The setting's, with `vocab_size` and `sequence_length`.
        rows: Which texts to cut excerpts from, by their index in the split.
    """
    ids = encoded.view("validation", params["vocab_size"], params["sequence_length"])
    indices = corpus.splits.rows_of("validation")
    excerpts = cut_excerpts([corpus.texts[index] for index in indices[list(rows)]], encoded, params)
    return TextView(
        n_tokens=_count_tokens(encoded, params["vocab_size"])[indices].astype(np.uint32),
        n_seen=(ids >= UNKNOWN).sum(axis=1, dtype=np.uint32),
        n_unknown=(ids == UNKNOWN).sum(axis=1, dtype=np.uint32),
        excerpts=dict(zip(rows, excerpts, strict=True)),
    )


def _count_tokens(encoded: EncodedCorpus, vocab_size: int) -> NDArray[np.int64]:
    """Tokens of each text over a vocabulary: what is not in one of parts counts as the parts that are."""
    weights = np.ones(encoded.n_ids, dtype=np.int64)
    if len(encoded.parts):
        for number in range(vocab_size, encoded.n_ids):  # what a part is merged from has lower numbers
            first, second = encoded.parts[number].tolist()
            if first or second:
                weights[number] = weights[first] + weights[second]
    ends = np.concatenate([[0], np.cumsum(weights[encoded.ids])])
    return np.diff(ends[encoded.offsets]) - 1  # the mark of the start is none


def cut_excerpts(texts: Sequence[str], encoded: EncodedCorpus, params: dict[str, Any]) -> list[Excerpt]:
    """Return each text in three parts, each in one line and cut: before, seen by the model, and after.

    The parts end where words do, and for `chars` where characters do: a word is seen if a token of it is.
    """
    is_spaced = encoded.tokens != "chars"
    carrier = "" if is_spaced else "x"  # a space, or a mark, is a token by what it follows
    chunks = [(_WORD if is_spaced else _CHARACTER).findall(text.strip()) for text in texts]
    # Only parts of words depend on the vocabulary in how many they are.
    known = encoded.vocabulary[: params["vocab_size"] - FIRST_WORD] if encoded.tokens == "bpe" else ()
    _, offsets = look_up([carrier + chunk for part in chunks for chunk in part], encoded.tokens, known)
    sizes = np.diff(offsets) - 1 - len(carrier)
    starts = np.cumsum([0, *map(len, chunks)]).tolist()
    length = params["sequence_length"]
    return [
        _cut(part, np.cumsum(sizes[start : start + len(part)]), length, encoded.truncation)
        for part, start in zip(chunks, starts[:-1], strict=True)
    ]


def _cut(chunks: list[str], ends: NDArray[np.int64], length: int, truncation: Side) -> Excerpt:
    """Part a text after chunks; `ends` counts the tokens up to the end of each."""
    total = int(ends[-1]) if len(ends) else 0
    first, last = 0, len(chunks)
    if truncation == "pre":
        if total > length:
            first = int(np.searchsorted(ends, total - length, side="right"))
    elif total > length - 1:  # the mark of the start stays too
        last = int(np.searchsorted(ends, length - 1, side="left")) + 1 if length > 1 else 0
    before, seen, after = (
        _one_line("".join(part)) for part in (chunks[:first], chunks[first:last], chunks[last:])
    )
    return Excerpt(
        before=before if len(before) <= MAX_UNSEEN else f"…{before[1 - MAX_UNSEEN :]}",
        seen=seen if len(seen) <= MAX_SEEN else f"{seen[: MAX_SEEN // 2]} … {seen[3 - MAX_SEEN // 2 :]}",
        after=after if len(after) <= MAX_UNSEEN else f"{after[: MAX_UNSEEN - 1]}…",
    )


def _one_line(text: str) -> str:
    shown = " ".join(text.split())
    return "".join(_REPLACED if _is_control(letter) else letter for letter in shown)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs") or letter in _DIRECTIONS

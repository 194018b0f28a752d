"""What a data set is like, before anyone trains on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from study.data.corpus import Corpus
from study.data.encoding import FIRST_WORD, UNKNOWN, EncodedCorpus
from study.data.reading.sentences import explain_reading
from study.data.splits import SPLITS, Split
from study.data.warnings import explain_tokens, find_warnings

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800)
"""Sequence lengths that are tabulated."""

VOCAB_SIZES = (500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 50_000, 100_000)
"""Vocabulary sizes that are tabulated, as far as there are words."""

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_OPEN: tuple[Split, ...] = ("train", "validation")


@dataclass(frozen=True, eq=False, kw_only=True)
class DataDescription:
    """Tables about a corpus. Of the test split only its size is told; its texts stay unread.

    Attributes:
        source: Where the texts come from.
        validated_on: The source's split that chooses.
        n_words: Different words in the training split.
        classes: Texts by class; columns train, validation, test, total.
        lengths: Tokens in a text by split: columns mean and quantiles from 0 % to 100 %.
        cuts: By `sequence_length`, shares in [0, 1] of training texts that lose words (`texts_cut`) and of
            their words that are lost (`words_lost`).
        coverage: By `vocab_size`, shares in [0, 1] of the words of each split that are in the vocabulary.
        warnings: What may spoil a study of these texts, in sentences.
        reading: How the files were read and cut into tokens, in sentences.
        sample: Text and class of the first three rows that are no test rows.
    """

    source: str
    validated_on: str
    n_words: int
    classes: pd.DataFrame
    lengths: pd.DataFrame
    cuts: pd.DataFrame
    coverage: pd.DataFrame
    warnings: list[str]
    reading: list[str]
    sample: list[tuple[str, str]]


def describe(corpus: Corpus, encoded: EncodedCorpus) -> DataDescription:
    """Describe a corpus and its encoding."""
    return DataDescription(
        source=corpus.source,
        validated_on=corpus.validated_on,
        n_words=len(encoded.word_offsets) - 1,
        classes=_class_table(corpus),
        lengths=_length_table(encoded),
        cuts=_cut_table(encoded),
        coverage=_coverage_table(encoded),
        warnings=find_warnings(corpus, encoded),
        reading=[
            *(explain_reading(corpus.reading) if corpus.reading else ()),
            explain_tokens(corpus, encoded),
        ],
        sample=_sample(corpus),
    )


def _class_table(corpus: Corpus) -> pd.DataFrame:
    import pandas as pd

    counts = corpus.splits.class_counts(corpus.labels, len(corpus.classes))
    index = pd.Index(corpus.classes, name="class")
    table = pd.DataFrame(counts, index=index, columns=list(SPLITS))
    return table.assign(total=table.sum(axis=1))


def _n_tokens(encoded: EncodedCorpus, split: Split) -> NDArray[np.int64]:
    """Tokens in each text of a split, the start not counted."""
    return np.diff(encoded.offsets)[encoded.splits.rows_of(split)] - 1


def _length_table(encoded: EncodedCorpus) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for split in _OPEN:
        lengths = _n_tokens(encoded, split)
        quantiles = np.quantile(lengths, _QUANTILES)
        rows.append([lengths.mean(), *quantiles])
    columns = ["mean", *(f"{quantile:.0%}" for quantile in _QUANTILES)]
    return pd.DataFrame(rows, index=pd.Index(_OPEN, name="split"), columns=columns)


def _cut_table(encoded: EncodedCorpus) -> pd.DataFrame:
    import pandas as pd

    lengths = _n_tokens(encoded, "train")
    rows = []
    for sequence_length in LENGTHS:
        # The start of a text takes a place where the beginning is kept; where the end is kept, it goes first.
        room = sequence_length if encoded.truncation == "pre" else sequence_length - 1
        lost = np.maximum(lengths - room, 0)
        rows.append((np.mean(lost > 0), lost.sum() / max(1, lengths.sum())))
    return pd.DataFrame(
        rows, index=pd.Index(LENGTHS, name="sequence_length"), columns=["texts_cut", "words_lost"]
    )


def _coverage_table(encoded: EncodedCorpus) -> pd.DataFrame:
    import pandas as pd

    sizes = [*(size for size in VOCAB_SIZES if size < encoded.n_ids), encoded.n_ids]
    shares = {split: _coverage(encoded, split, sizes) for split in _OPEN}
    return pd.DataFrame(shares, index=pd.Index(sizes, name="vocab_size"))


def _coverage(encoded: EncodedCorpus, split: Split, sizes: list[int]) -> NDArray[np.float64]:
    in_split = np.zeros(len(encoded.offsets) - 1, dtype=bool)
    in_split[encoded.splits.rows_of(split)] = True
    ids = encoded.ids[np.repeat(in_split, np.diff(encoded.offsets))]
    counts = np.bincount(ids, minlength=encoded.n_ids)
    shares = {}
    whole = encoded.n_ids
    for size in sorted(sizes, reverse=True):
        _take_apart(counts, encoded.parts, size, whole)
        whole = size
        shares[size] = counts[FIRST_WORD:size].sum() / max(1, counts[UNKNOWN:].sum())
    return np.array([shares[size] for size in sizes])


def _take_apart(counts: NDArray[np.int64], parts: NDArray[np.int32], size: int, whole: int) -> None:
    """Count the two parts of each merge from id `size` on in its place; words have none."""
    if len(parts):
        for number in range(whole - 1, size - 1, -1):
            if parts[number, 0]:
                counts[parts[number]] += counts[number] * (1 + (parts[number, 0] == parts[number, 1]))
                counts[number] = 0


def _sample(corpus: Corpus) -> list[tuple[str, str]]:
    rows = np.sort(np.concatenate([corpus.splits.train, corpus.splits.validation]))[:3].tolist()
    return [(corpus.texts[row], corpus.classes[corpus.labels[row]]) for row in rows]

"""Fewer training texts: what a corpus would be if its training split held only some of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces import Choice, Fixed, Space
from study.data.cache import pack_strings
from study.data.corpus import Corpus
from study.data.encoding import FIRST_WORD, EncodedCorpus, rank_tokens
from study.errors import StudyError

TRAIN_SIZE = "train_size"
"""The parameter of a setting that says on how many texts it is trained; all of them where it has none."""

_PURPOSE = 1  # of the seed, whose other generators must not draw the same numbers


def check_train_sizes(space: Space, corpus: Corpus) -> None:
    """Refuse amounts of training text that a corpus does not have, or that cannot hold all classes.

    Raises:
        StudyError: In one line.
    """
    domain = space.parameters.get(TRAIN_SIZE)
    if domain is None:
        return
    values: Any
    if isinstance(domain, Choice):
        values = domain.choices
    else:
        values = [domain.value] if isinstance(domain, Fixed) else [domain.low, domain.high]
    if not all(type(value) is int for value in values):
        odd = next(value for value in values if type(value) is not int)
        raise StudyError(f"space.{TRAIN_SIZE} is a number of texts: {odd!r} is none; give whole numbers")
    sizes = list(values)
    n_train, n_classes = len(corpus.splits.train), len(corpus.classes)
    if max(sizes) > n_train:
        raise StudyError(
            f"space.{TRAIN_SIZE} takes of the training texts, and there are {n_train:,}: {max(sizes):,} is "
            f"more; give {n_train} at most"
        )
    if min(sizes) < n_classes:
        raise StudyError(
            f"space.{TRAIN_SIZE} has a text of every class, and there are {n_classes} classes: {min(sizes)} "
            f"is fewer; give {n_classes} at least"
        )


def nest_rows(rows: NDArray[np.int64], labels: NDArray[np.int32], seed: int) -> NDArray[np.int64]:
    """Order rows by chance so that the first n, for every n, hold each class in its share.

    Each class comes once before any comes again. Larger parts hold the smaller ones whole.

    Args:
        rows: Row numbers, shape (n,).
        labels: Class numbers of all rows, indexed by row number.
        seed: Decides the order.

    Returns:
        The same row numbers in another order.

    Source: seats by Sainte-Lague's quotients (Balinski & Young 1982, Fair Representation), which gain with
        every text: largest remainders, by which splits are cut, may take a text away again.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_PURPOSE,)))
    shuffled = rng.permutation(rows)
    _, own, counts = np.unique(labels[shuffled], return_inverse=True, return_counts=True)
    by_class = np.argsort(own, kind="stable")
    rank = np.empty(len(own), dtype=np.int64)
    rank[by_class] = np.arange(len(own)) - np.repeat(np.cumsum(counts) - counts, counts)
    quotient = np.where(rank == 0, 0.0, (rank + 0.5) / counts[own])
    return shuffled[np.lexsort((own, quotient))]


def take_texts(corpus: EncodedCorpus, params: Mapping[str, Any], seed: int) -> EncodedCorpus:
    """Return the corpus as a setting knows it: with as many training texts as it asks for.

    Which these are follows from the seed of the replicate: replicates differ by their texts too, and those of
    a larger amount hold those of a smaller. The vocabulary is that of these texts alone, as if there were no
    others; parts of words (`bpe`) stay as they were learnt from all training texts, without their labels.
    What validates and tests is the same.

    Args:
        corpus: With all training texts.
        params: A setting's.
        seed: The replicate's.
    """
    size = params.get(TRAIN_SIZE)
    if size is None or size == len(corpus.splits.train):
        return corpus
    rows = np.sort(nest_rows(corpus.splits.train, corpus.labels, seed)[:size])
    told = f"{corpus.split_fingerprint} {size} {seed}"
    part = replace(
        corpus,
        splits=replace(corpus.splits, train=rows),
        split_fingerprint=hashlib.sha256(told.encode()).hexdigest(),
    )
    return part if len(corpus.parts) else _rank_again(part)


def _rank_again(corpus: EncodedCorpus) -> EncodedCorpus:
    """Number words by their frequency in the training texts, as `encode` would."""
    is_training = np.zeros(len(corpus.offsets) - 1, dtype=bool)
    is_training[corpus.splits.train] = True
    ids = corpus.ids[np.repeat(is_training, np.diff(corpus.offsets))]
    counts = np.bincount(ids, minlength=corpus.n_ids)[FIRST_WORD:]
    vocabulary, id_of_word = rank_tokens(corpus.vocabulary, counts)
    word_bytes, word_offsets = pack_strings(vocabulary)
    id_of_id = np.concatenate([np.arange(FIRST_WORD, dtype=np.int32), id_of_word])
    return replace(corpus, ids=id_of_id[corpus.ids], word_bytes=word_bytes, word_offsets=word_offsets)

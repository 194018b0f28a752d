"""Texts: where they come from, how they are split, encoded, kept and described."""

from __future__ import annotations

from study.data.corpus import Corpus, load_corpus, reading_once
from study.data.description import DataDescription, describe
from study.data.encoding import FIRST_WORD, PADDING, START, UNKNOWN, EncodedCorpus, encode
from study.data.rows import SourceFile
from study.data.spec import DataSpec, RareClasses, RecallSpec
from study.data.splits import SPLITS, Split, Splits
from study.data.subsets import TRAIN_SIZE, check_train_sizes, take_texts

__all__ = [
    "FIRST_WORD",
    "PADDING",
    "SPLITS",
    "START",
    "TRAIN_SIZE",
    "UNKNOWN",
    "Corpus",
    "DataDescription",
    "DataSpec",
    "EncodedCorpus",
    "RareClasses",
    "RecallSpec",
    "SourceFile",
    "Split",
    "Splits",
    "check_train_sizes",
    "describe",
    "encode",
    "load_corpus",
    "reading_once",
    "take_texts",
]

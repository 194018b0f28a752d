"""A corpus: texts with labels, split once, with fingerprints that tell whether it is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.words.numbers import count
from study.data.rare_classes import settle_rare_classes
from study.data.rows import Reading, Rows, SourceFile, check_rows, class_names
from study.data.spec import DataSpec
from study.data.splits import Split, Splits, assign_splits, say_sizes


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Corpus:
    """Labelled texts in three disjoint splits. Rows that no split takes, because of a limit, are not kept.

    Attributes:
        source: Where the texts come from, as a reader should see it.
        texts: The texts, in the source's order.
        labels: Class numbers, int32, shape (n_texts,).
        classes: The name of each class number.
        splits: Which rows train, validate and test; numbered within `texts`.
        validated_on: `test` if the source's test split chooses, so that nothing stays sealed.
        fingerprint: sha256 of all texts and labels of the source in order, limits or not.
        split_fingerprint: sha256 of the source's row numbers in each split.
        file: What was read, with its size and digest; None for a source that is made.
        reading: How it was read and what was left out; None for a source that is made.
    """

    source: str
    texts: tuple[str, ...]
    labels: NDArray[np.int32]
    classes: tuple[str, ...]
    splits: Splits
    validated_on: Literal["validation", "test"]
    fingerprint: str
    split_fingerprint: str
    file: SourceFile | None = None
    reading: Reading | None = None

    def __repr__(self) -> str:
        classes = count(len(self.classes), "class", "classes")
        return f"<Corpus {self.source}: {say_sizes(self.splits)}; {classes}>"

    def texts_of(self, split: Split, *, open_test: bool = False) -> list[str]:
        """Texts of one split; those of the test split only with `open_test`.

        Raises:
            DataError: If the test split is asked for without `open_test`.
        """
        return [self.texts[row] for row in self.splits.rows_of(split, open_test=open_test).tolist()]

    def labels_of(self, split: Split, *, open_test: bool = False) -> NDArray[np.int32]:
        """Class numbers of one split, shape (n,); those of the test split only with `open_test`.

        Raises:
            DataError: If the test split is asked for without `open_test`.
        """
        return self.labels[self.splits.rows_of(split, open_test=open_test)]


_read_before: ContextVar[dict[str, Corpus] | None] = ContextVar("_read_before", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Let the same texts be read once, though several steps of what is done within ask for them."""
    token = _read_before.set({})
    try:
        yield
    finally:
        _read_before.reset(token)


def load_corpus(spec: DataSpec) -> Corpus:
    """Read, check and split the texts that a spec asks for; the same spec and data give the same corpus.

    Raises:
        StudyError: If `spec` is none.
        DataError: If the data cannot be used as they are, in one line.
        EnvironmentFaultError: If a source that downloads cannot.
    """
    spec = DataSpec.require(spec).resolved()
    read_before = _read_before.get()
    if read_before is None:
        return _load(spec)
    key = spec.model_dump_json()
    if key not in read_before:
        read_before[key] = _load(spec)
    return read_before[key]


def _load(spec: DataSpec) -> Corpus:
    rows = _read(spec)
    check_rows(rows)
    rows = settle_rare_classes(rows, spec)
    classes = class_names(rows.labels)
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in rows.labels], dtype=np.int32)
    splits = assign_splits(labels, classes, rows.splits, spec)
    used, renumbered = _keep_used(splits)
    return Corpus(
        source=spec.source_name,
        texts=tuple(rows.texts[row] for row in used.tolist()),
        labels=labels[used],
        classes=classes,
        splits=renumbered,
        validated_on=spec.validate_on,
        fingerprint=fingerprint_rows(rows.texts, rows.labels),
        split_fingerprint=_fingerprint_splits(splits, spec.validate_on),
        file=rows.file,
        reading=rows.reading,
    )


def _read(spec: DataSpec) -> Rows:
    match spec.source:
        case "docstrings":
            from study.data.sources.docstrings import read_docstrings

            return read_docstrings()
        case "recall":
            from study.data.sources.recall import generate_recall

            return generate_recall(spec.recall)
        case "imdb" | "reuters":
            from study.data.sources.downloads import read_download

            return read_download(spec.source)
        case _:
            from study.data.files import read_path

            return read_path(spec)


def _keep_used(splits: Splits) -> tuple[NDArray[np.int64], Splits]:
    """The rows that some split takes, ascending, and the splits in terms of them."""
    parts = (splits.train, splits.validation, splits.sealed_test)
    used = np.sort(np.concatenate(parts))
    return used, Splits(*(np.searchsorted(used, part) for part in parts))


def fingerprint_rows(texts: Sequence[str], labels: Sequence[str]) -> str:
    """Return what `Corpus.fingerprint` is of these texts and labels."""
    digest = hashlib.sha256()
    for column in (texts, labels):
        encoded = [value.encode() for value in column]
        # The lengths first: else a word moved from one text to the next would leave the digest as it was.
        digest.update(np.array([len(encoded), *map(len, encoded)], dtype="<i8").tobytes())
        digest.update(b"".join(encoded))
    return digest.hexdigest()


def _fingerprint_splits(splits: Splits, validated_on: str) -> str:
    digest = hashlib.sha256(validated_on.encode())
    for rows in (splits.train, splits.validation, splits.sealed_test):
        digest.update(np.array([len(rows), *rows.tolist()], dtype="<i8").tobytes())
    return digest.hexdigest()

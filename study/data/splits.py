"""Which rows train, which choose, and which stay sealed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from study.data.messages import quoted
from study.data.spec import DataSpec
from study.errors import DataError

Split = Literal["train", "validation", "test"]
"""The three parts of a corpus."""

SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}

# Each cut draws from a generator of its own, so that changing one limit leaves the other splits as they were.
_CUT_TEST, _CUT_VALIDATION, _LIMIT = 0, 1, 2


@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """Row numbers of each split, ascending; disjoint.

    Attributes:
        train: Rows trained on, int64, shape (n_train,).
        validation: Rows that choose the best epoch and setting, int64, shape (n_validation,).
        sealed_test: Rows that no choice may see; empty where validation is done on test. Use `rows_of`.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    sealed_test: NDArray[np.int64]

    def rows_of(self, split: Split, *, open_test: bool = False) -> NDArray[np.int64]:
        """Row numbers of one split.

        Args:
            split: The part asked for.
            open_test: Must be true to read the test split: said once, by whoever confirms a finished search.

        Raises:
            DataError: If the test split is asked for without `open_test`, or there is no such split.
        """
        match split:
            case "train":
                return self.train
            case "validation":
                return self.validation
            case "test":
                if not open_test:
                    message = (
                        "the test split stays sealed until settings are chosen: 'test' was asked for; "
                        "pass open_test=True where a finished search is confirmed"
                    )
                    raise DataError(message)
                return self.sealed_test
            case _:
                message = f"a split is one of {', '.join(SPLITS)}: got {quoted(split)}; name one of these"
                raise DataError(message)

    def __repr__(self) -> str:
        return f"<Splits: {say_sizes(self)}>"

    def sizes(self) -> dict[Split, int]:
        """Rows in each split; counting does not open the test split."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.sealed_test)}

    def class_counts(self, labels: NDArray[np.int32], n_classes: int) -> NDArray[np.int64]:
        """Rows of each class in each split, shape (n_classes, 3), columns as in `SPLITS`."""
        parts = (self.train, self.validation, self.sealed_test)
        return np.stack([np.bincount(labels[rows], minlength=n_classes) for rows in parts], axis=1)


def say_sizes(splits: Splits) -> str:
    """The rows of each split, none of which is opened."""
    return ", ".join(f"{n:,} {split}" for split, n in splits.sizes().items())


def canonical_split(name: str) -> Split | None:
    """Our word for a split's usual names (val, dev, ...), None for any other."""
    return _NAMES.get(name.strip().lower())


def split_in_name(name: str) -> Split | None:
    """The split that a file's or folder's name tells of, as in `20news-bydate-train` or `dev.tsv`.

    None where it tells of none or of two.
    """
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    found = {_NAMES[word] for word in words if word in _NAMES}
    return found.pop() if len(found) == 1 else None


def assign_splits(
    labels: NDArray[np.int32], classes: Sequence[str], given: Sequence[Split] | None, spec: DataSpec
) -> Splits:
    """Split rows as the source does, cut what it lacks, then apply the limits.

    Test rows are cut first, then validation rows, both stratified by label from the rows given for training,
    and both as a share of these.

    Args:
        labels: Class numbers, shape (n_rows,).
        classes: Their names.
        given: The source's own split of each row, or None.
        spec: Fractions, limits, the seed, and the split to validate on.

    Raises:
        DataError: If no row is for training, or a split lacks a class.
    """
    parts = _given_parts(len(labels), given)
    n_given = len(parts["train"])
    if not n_given:
        message = "there must be rows to train on: no row has the split 'train'; name the training rows so"
        raise DataError(message)
    if not len(parts["test"]):
        size = round(spec.test_fraction * n_given)
        _move(parts, "test", labels, size, _generator(spec, _CUT_TEST))
    if spec.validate_on == "test":
        parts["validation"], parts["test"] = parts["test"], parts["test"][:0]
    elif not len(parts["validation"]):
        size = round(spec.validation_fraction * n_given)
        _move(parts, "validation", labels, size, _generator(spec, _CUT_VALIDATION))
    limits = {"train": spec.limit_train, "validation": spec.limit_validation, "test": spec.limit_test}
    for number, split in enumerate(SPLITS):
        limit = limits[split]
        if limit is not None and limit < len(parts[split]):
            rng = _generator(spec, _LIMIT + number)
            parts[split] = draw_stratified(parts[split], labels, limit, rng)
    splits = Splits(parts["train"], parts["validation"], parts["test"])
    has_own_test = given is not None and "test" in given and spec.limit_test is None
    _check_classes(splits, labels, classes, ("train", "validation") if has_own_test else SPLITS)
    return splits


def draw_stratified(
    rows: NDArray[np.int64], labels: NDArray[np.int32], size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw rows without replacement so that each class keeps its share, to within one row.

    A class too rare for its share to round to one row still gets one, if there are rows for all classes.

    Args:
        rows: Row numbers to draw from, shape (n,).
        labels: Class numbers of all rows, indexed by row number.
        size: Rows to draw, at most n.
        rng: Decides which rows.

    Returns:
        Row numbers, ascending, shape (size,).
    """
    present, codes = np.unique(labels[rows], return_inverse=True)
    quotas = _quotas(np.bincount(codes, minlength=len(present)), size)
    drawn = [rng.permutation(rows[codes == code])[:quota] for code, quota in enumerate(quotas.tolist())]
    return np.sort(np.concatenate([rows[:0], *drawn]))


def _quotas(counts: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Rows to draw of each class: largest remainders, then one for each class that got none."""
    exact = counts * size / max(1, counts.sum())
    quotas: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    rest = size - int(quotas.sum())
    quotas[np.argsort(quotas - exact, kind="stable")[:rest]] += 1
    while size >= len(counts) and not quotas.all():
        quotas[int(np.argmin(quotas))] += 1
        quotas[int(np.argmax(quotas))] -= 1
    return quotas


def _given_parts(n_rows: int, given: Sequence[Split] | None) -> dict[Split, NDArray[np.int64]]:
    if given is None:
        nothing = np.empty(0, dtype=np.int64)
        return {"train": np.arange(n_rows), "validation": nothing, "test": nothing}
    names = np.array(given)
    return {split: np.flatnonzero(names == split) for split in SPLITS}


def _move(
    parts: dict[Split, NDArray[np.int64]],
    target: Split,
    labels: NDArray[np.int32],
    size: int,
    rng: np.random.Generator,
) -> None:
    parts[target] = draw_stratified(parts["train"], labels, size, rng)
    parts["train"] = np.setdiff1d(parts["train"], parts[target], assume_unique=True)


def _generator(spec: DataSpec, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(spec.split_seed, spawn_key=(purpose,)))


def _check_classes(
    splits: Splits, labels: NDArray[np.int32], classes: Sequence[str], parts: Sequence[Split]
) -> None:
    """Refuse a split without one of the classes; the source's own test split may lack any."""
    counts = splits.class_counts(labels, len(classes))
    for column, split in enumerate(SPLITS):
        if split not in parts or (split == "test" and not len(splits.sealed_test)):
            continue
        missing = np.flatnonzero(counts[:, column] == 0)
        if len(missing):
            name = quoted(classes[missing[0]])
            there = ", ".join(f"{part} {n}" for part, n in zip(SPLITS, counts[missing[0]], strict=True))
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            message = (
                f"every split needs texts of every class: class {name}{more} has none in {split} ({there}); "
                "add texts of it, leave it out or put it with others (--rare-classes drop or merge, "
                "data.rare_classes.below), or raise the split's limit or fraction"
            )
            raise DataError(message)

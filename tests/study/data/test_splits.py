from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from study.data.spec import DataSpec
from study.data.splits import Split, Splits, assign_splits, canonical_split, draw_stratified
from study.errors import DataError

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples on any machine, however busy
LABELS = np.repeat(np.array([0, 1, 2], dtype=np.int32), [60, 30, 10])
CLASSES = ("a", "b", "c")


def assign(spec: DataSpec, given: Sequence[Split] | None = None) -> Splits:
    return assign_splits(LABELS, CLASSES, given, spec)


def parts(splits: Splits) -> list[NDArray[np.int64]]:
    return [splits.train, splits.validation, splits.rows_of("test", open_test=True)]


@settings(REPEATABLE)
@given(
    counts=st.lists(st.integers(5, 60), min_size=2, max_size=6),
    validation_fraction=st.floats(0.05, 0.45),
    test_fraction=st.floats(0.05, 0.45),
    seed=st.integers(0, 2**32),
)
def test_cuts_are_disjoint_complete_and_stratified(
    counts: list[int], validation_fraction: float, test_fraction: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(
        np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    )
    spec = DataSpec(validation_fraction=validation_fraction, test_fraction=test_fraction, split_seed=seed)
    try:
        splits = assign_splits(labels, [str(number) for number in range(len(counts))], None, spec)
    except DataError:
        reject()  # so few rows that a split has none of a class, which is a test of its own
    assert np.array_equal(np.sort(np.concatenate(parts(splits))), np.arange(len(labels)))
    sizes = np.array([len(rows) for rows in parts(splits)])
    assert sizes[1] == round(validation_fraction * len(labels))
    assert sizes[2] == round(test_fraction * len(labels))
    # A share rounds to within a row; then each class that got none takes one from the largest.
    expected = np.outer(counts, sizes) / len(labels)
    assert (abs(splits.class_counts(labels, len(counts)) - expected) <= len(counts) + 1).all()


@settings(REPEATABLE)
@given(size=st.integers(3, 100), seed=st.integers(0, 2**32))
def test_a_stratified_draw_keeps_shares_to_within_a_row(size: int, seed: int) -> None:
    drawn = draw_stratified(np.arange(100), LABELS, size, np.random.default_rng(seed))
    counts = np.bincount(LABELS[drawn], minlength=3)
    assert len(drawn) == len(set(drawn.tolist())) == size
    # Below ten rows the rarest class has a share under one row, gets one, and takes it from the largest.
    assert (abs(counts - size * np.array([0.6, 0.3, 0.1])) < (1 if size >= 10 else 2)).all()
    assert counts.min() >= 1


def test_the_shares_of_known_cuts_are_exact() -> None:
    splits = assign(DataSpec(validation_fraction=0.2, test_fraction=0.1))
    assert splits.class_counts(LABELS, 3).tolist() == [[42, 12, 6], [21, 6, 3], [7, 2, 1]]


def test_a_seed_gives_the_same_split_and_another_seed_another() -> None:
    first, same, other = (assign(DataSpec(split_seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.validation, same.validation)
    assert not np.array_equal(first.validation, other.validation)


def test_a_split_that_the_source_brings_is_kept() -> None:
    given: list[Split] = [("train", "validation", "test", "train", "test")[row % 5] for row in range(100)]
    splits = assign(DataSpec(), given)
    assert [given[row] for row in splits.validation] == ["validation"] * 20
    assert splits.sizes() == {"train": 40, "validation": 20, "test": 40}


def test_validation_is_cut_from_train_where_only_train_and_test_are_given() -> None:
    given: list[Split] = ["test" if row % 2 else "train" for row in range(100)]
    splits = assign(DataSpec(validation_fraction=0.2), given)
    assert splits.sizes() == {"train": 40, "validation": 10, "test": 50}
    assert all(given[row] == "train" for row in splits.validation)


def test_validating_on_test_trains_on_all_of_train_and_seals_nothing() -> None:
    given: list[Split] = ["test" if row % 2 else "train" for row in range(100)]
    splits = assign(DataSpec(validate_on="test"), given)
    assert splits.sizes() == {"train": 50, "validation": 50, "test": 0}
    assert all(given[row] == "test" for row in splits.validation)


def test_a_limit_is_stratified_and_leaves_the_other_splits_alone() -> None:
    whole = assign(DataSpec())
    limited = assign(DataSpec(limit_train=20))
    assert limited.class_counts(LABELS, 3)[:, 0].tolist() == [12, 6, 2]
    assert set(limited.train) < set(whole.train)
    assert np.array_equal(limited.validation, whole.validation)
    assert np.array_equal(limited.sealed_test, whole.sealed_test)


def test_the_test_split_stays_sealed_unless_it_is_opened() -> None:
    splits = assign(DataSpec())
    with pytest.raises(DataError, match="open_test=True"):
        splits.rows_of("test")
    assert len(splits.rows_of("test", open_test=True)) == 10


def test_an_unknown_split_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match="train, validation, test: got 'dev'"):
        assign(DataSpec()).rows_of("dev")  # type: ignore[arg-type]


def test_a_class_that_a_split_lacks_is_named_with_its_counts() -> None:
    given: list[Split] = ["validation" if 40 <= row < 80 else "train" for row in range(100)]
    with pytest.raises(
        DataError, match=r"class 'c' has none in validation \(train 9, validation 0, test 1\)"
    ):
        assign(DataSpec(test_fraction=0.05), given)


def test_a_limit_below_the_number_of_classes_is_refused() -> None:
    with pytest.raises(DataError, match=r"none in validation.*raise the split's limit"):
        assign(DataSpec(limit_validation=2))


def test_data_without_training_rows_are_refused() -> None:
    with pytest.raises(DataError, match="rows to train on"):
        assign(DataSpec(), ["test"] * 100)


@pytest.mark.parametrize(
    ("name", "split"),
    [("Train", "train"), ("val", "validation"), ("dev", "validation"), (" test ", "test"), ("unsup", None)],
)
def test_usual_names_of_splits_are_understood(name: str, split: Split | None) -> None:
    assert canonical_split(name) == split

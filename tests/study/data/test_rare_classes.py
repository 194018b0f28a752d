from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from study.data.rare_classes import settle_rare_classes
from study.data.rows import Rows
from study.data.spec import DataSpec
from study.data.splits import Split
from study.errors import DataError


def rows_of(counts: dict[str, int], splits: Sequence[Split] | None = None) -> Rows:
    labels = [label for label, n_rows in counts.items() for _ in range(n_rows)]
    return Rows(texts=[f"text {number}" for number in range(len(labels))], labels=labels, splits=splits)


def settle(rows: Rows, **options: Any) -> Rows:
    return settle_rare_classes(rows, DataSpec.model_validate({"rare_classes": options}))


COUNTS = {"a": 20, "b": 10, "c": 4, "d": 1}


def test_rare_classes_are_refused_with_their_counts_and_three_ways_out() -> None:
    with pytest.raises(DataError) as caught:
        settle(rows_of(COUNTS))
    message = str(caught.value)
    assert "a class needs 5 texts: 'd' (1), 'c' (4);" in message
    assert "--rare-classes drop" in message
    assert "--rare-classes merge" in message
    assert "data.rare_classes.below=5" in message
    assert caught.value.exit_status == 2


def test_rare_classes_are_left_out_with_all_their_texts() -> None:
    settled = settle(rows_of(COUNTS), do="drop")
    assert settled.labels == ["a"] * 20 + ["b"] * 10
    assert settled.texts == [f"text {number}" for number in range(30)]


def test_rare_classes_become_one_class_and_no_text_is_lost() -> None:
    settled = settle(rows_of(COUNTS), do="merge")
    assert settled.labels == ["a"] * 20 + ["b"] * 10 + ["other"] * 5
    assert len(settled.texts) == 35


def test_the_merged_class_is_none_of_the_others() -> None:
    assert set(settle(rows_of({"a": 20, "other": 10, "c": 4, "d": 1}), do="merge").labels) == {
        "a",
        "other",
        "other_",
    }


def test_too_few_rows_for_one_merged_class_are_refused() -> None:
    with pytest.raises(DataError, match=r"enough together to be one class: 'd' \(1\)"):
        settle(rows_of({"a": 20, "b": 10, "d": 1}), do="merge")


@pytest.mark.parametrize("below", [1, 4, 5])
def test_what_is_rare_follows_from_the_bound(below: int) -> None:
    left = set(settle(rows_of(COUNTS), do="drop", below=below).labels)
    assert left == {label for label, n_rows in COUNTS.items() if n_rows >= below}


def test_where_all_classes_are_small_none_is_rare() -> None:
    rows = rows_of({"a": 4, "b": 3})
    assert settle(rows) is rows


def test_a_class_that_training_or_validation_lacks_is_rare() -> None:
    splits: list[Split] = (
        ["train"] * 15 + ["validation"] * 5 + ["train"] * 8 + ["validation"] * 2 + ["test"] * 10
    )
    rows = rows_of({"a": 20, "b": 10, "c": 10}, splits)
    with pytest.raises(DataError, match=r"texts in training and in validation: 'c' \(10\)"):
        settle(rows)
    settled = settle(rows, do="drop")
    assert set(settled.labels) == {"a", "b"}
    assert settled.splits == splits[:30]


def test_where_validation_is_cut_a_class_needs_two_training_texts() -> None:
    splits: list[Split] = ["train"] * 20 + ["train"] + ["test"] * 9
    with pytest.raises(DataError, match=r"'b' \(10\)"):
        settle(rows_of({"a": 10, "c": 10, "b": 10}, splits))

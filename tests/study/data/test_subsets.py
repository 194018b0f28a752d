from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Space
from study.data import TRAIN_SIZE, Corpus, DataSpec, Splits, check_train_sizes, encode, take_texts
from study.data.subsets import nest_rows
from study.errors import StudyError

TEXTS = ("b b a", "c a a", "d e", "e e b", "a f", "g a", "b c", "h h h", "a z", "z a b")


@pytest.fixture
def corpus() -> Corpus:
    rows = np.arange(len(TEXTS))
    return Corpus(
        source="test",
        texts=TEXTS,
        labels=(rows % 2).astype(np.int32),
        classes=("even", "odd"),
        splits=Splits(rows[:8], rows[8:9], rows[9:]),
        validated_on="validation",
        fingerprint="texts",
        split_fingerprint="split",
    )


@given(labels=st.lists(st.integers(0, 4), min_size=5, max_size=60), seed=st.integers(0, 2**62))
def test_the_first_rows_hold_each_class_in_its_share_to_within_a_row_or_two(
    labels: list[int], seed: int
) -> None:
    numbers = np.array(labels, dtype=np.int32)

    order = nest_rows(np.arange(len(labels)), numbers, seed)

    counts, n_classes = np.bincount(numbers, minlength=5), len(set(labels))
    for n in range(n_classes, len(labels) + 1):
        taken = np.bincount(numbers[order[:n]], minlength=5)
        assert (taken[counts > 0] >= 1).all()
        assert (np.abs(taken - counts * n / len(labels)) <= 1 + n_classes / 2).all()


def test_rows_are_those_that_were_given_and_other_seeds_order_them_otherwise() -> None:
    rows, labels = np.arange(100, 200), np.zeros(300, dtype=np.int32)

    one, other = nest_rows(rows, labels, 1), nest_rows(rows, labels, 2)

    assert sorted(one.tolist()) == sorted(other.tolist()) == rows.tolist()
    assert one.tolist() != other.tolist()
    assert one.tolist() == nest_rows(rows, labels, 1).tolist()


def test_a_larger_amount_holds_the_texts_of_a_smaller(corpus: Corpus, tmp_path: Path) -> None:
    encoded = encode(corpus, DataSpec(source="recall"), tmp_path)

    parts = [set(take_texts(encoded, {TRAIN_SIZE: n}, 7).splits.train.tolist()) for n in (2, 4, 6, 8)]

    assert [len(part) for part in parts] == [2, 4, 6, 8]
    assert parts[0] < parts[1] < parts[2] < parts[3]


@pytest.mark.parametrize("tokens", ["words", "chars"])
def test_the_vocabulary_is_that_of_the_texts_taken_as_if_there_were_no_others(
    corpus: Corpus, tmp_path: Path, tokens: Any
) -> None:
    spec = DataSpec(source="recall", tokens=tokens)
    part = take_texts(encode(corpus, spec, tmp_path), {TRAIN_SIZE: 4}, 3)

    splits = replace(corpus.splits, train=part.splits.train)
    alone = encode(replace(corpus, splits=splits, split_fingerprint="alone"), spec, tmp_path)

    assert part.vocabulary == alone.vocabulary
    assert part.ids.tolist() == alone.ids.tolist()
    assert part.view("validation", 6, 4).tolist() == alone.view("validation", 6, 4).tolist()


def test_what_validates_stays_and_its_split_has_a_fingerprint_of_its_own(
    corpus: Corpus, tmp_path: Path
) -> None:
    encoded = encode(corpus, DataSpec(source="recall"), tmp_path)

    parts = [take_texts(encoded, {TRAIN_SIZE: n}, seed) for n, seed in ((4, 1), (4, 2), (6, 1))]

    assert all(part.splits.validation.tolist() == [8] for part in parts)
    assert len({part.split_fingerprint for part in [encoded, *parts]}) == 4


@pytest.mark.parametrize("params", [{}, {TRAIN_SIZE: 8}])
def test_all_texts_are_the_corpus_itself(corpus: Corpus, tmp_path: Path, params: dict[str, int]) -> None:
    encoded = encode(corpus, DataSpec(source="recall"), tmp_path)

    assert take_texts(encoded, params, 1) is encoded


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([4, 9], "there are 8: 9 is more; give 8 at most"),
        ([1, 4], "there are 2 classes: 1 is fewer"),
        ([4, "all"], "'all' is none; give whole numbers"),
    ],
)
def test_amounts_that_the_texts_do_not_have_are_refused_in_a_line(
    corpus: Corpus, sizes: list[Any], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        check_train_sizes(Space({TRAIN_SIZE: sizes}), corpus)


def test_a_range_of_amounts_is_checked_by_its_ends(corpus: Corpus) -> None:
    check_train_sizes(Space({TRAIN_SIZE: {"low": 2, "high": 8}}), corpus)
    check_train_sizes(Space({"units": 8}), SimpleNamespace())  # type: ignore[arg-type]  # none are asked for

    with pytest.raises(StudyError, match="9 is more"):
        check_train_sizes(Space({TRAIN_SIZE: {"low": 2, "high": 9}}), corpus)

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.store.checkpoints import Checkpoint, CheckpointFolder
from study.trial import Assignment

FIRST = Assignment(trial=1, replicate=1, attempt=1, seed=0, params={})
ELEVENTH = Assignment(trial=1, replicate=11, attempt=1, seed=0, params={})


def test_the_newest_checkpoint_takes_the_place_of_the_last(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)

    for epoch in (1, 2, 10):
        folder.save(FIRST, Checkpoint(epoch, b"weights"))

    assert folder.load(FIRST) == Checkpoint(10, b"weights")
    assert len(list(tmp_path.iterdir())) == 1


def test_replicates_whose_numbers_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(FIRST, Checkpoint(1, b"first"))
    folder.save(ELEVENTH, Checkpoint(1, b"eleventh"))

    folder.discard(FIRST)

    assert folder.load(FIRST) is None
    assert folder.load(ELEVENTH) == Checkpoint(1, b"eleventh")


def test_it_is_known_of_whom_there_is_a_checkpoint(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(ELEVENTH, Checkpoint(1, b"eleventh"))

    assert folder.held_of([FIRST, ELEVENTH]) == [ELEVENTH]


@given(bit=st.integers(0, 8 * (32 + 7) - 1))
def test_one_flipped_bit_is_enough_to_be_refused(tmp_path_factory: pytest.TempPathFactory, bit: int) -> None:
    path = tmp_path_factory.mktemp("checkpoints")
    folder = CheckpointFolder(path)
    folder.save(FIRST, Checkpoint(1, b"weights"))
    (file,) = path.iterdir()
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)

    logging.disable(logging.WARNING)
    loaded = folder.load(FIRST)
    logging.disable(logging.NOTSET)

    assert loaded is None

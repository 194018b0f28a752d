from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.data import cache
from study.data.cache import key_of, pack_strings, read_arrays, unpack_strings, write_arrays

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples on any machine, however busy
ARRAYS = {"ids": np.arange(300, dtype=np.int32), "words": np.arange(50, dtype=np.uint8)}
NAMES = tuple(ARRAYS)


def test_arrays_come_back_as_they_were_kept(tmp_path: Path) -> None:
    write_arrays(tmp_path / "new", "key", ARRAYS)
    kept = read_arrays(tmp_path / "new", "key", NAMES)
    assert kept is not None
    assert all(
        np.array_equal(kept[name], ARRAYS[name]) and kept[name].dtype == ARRAYS[name].dtype for name in NAMES
    )


def test_an_unknown_key_gives_nothing(tmp_path: Path) -> None:
    assert read_arrays(tmp_path, "key", NAMES) is None


@settings(REPEATABLE, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), file=st.sampled_from(["ids", "words"]))
def test_any_flipped_bit_of_an_array_is_noticed(tmp_path: Path, where: float, bit: int, file: str) -> None:
    write_arrays(tmp_path, "key", ARRAYS)
    path = tmp_path / "key" / f"{file}.npy"
    raw = bytearray(path.read_bytes())
    raw[int(where * len(raw))] ^= 1 << bit
    path.write_bytes(raw)
    assert read_arrays(tmp_path, "key", NAMES) is None


@settings(REPEATABLE, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.one_of(st.binary(max_size=60), st.sampled_from([b"[]", b"{}", b"null", b'{"ids": 1}', b"\xff"])))
def test_any_damaged_manifest_is_noticed(tmp_path: Path, raw: bytes) -> None:
    write_arrays(tmp_path, "key", ARRAYS)
    (tmp_path / "key" / "entry.json").write_bytes(raw)
    assert read_arrays(tmp_path, "key", NAMES) is None


def test_an_entry_replaces_the_one_before(tmp_path: Path) -> None:
    write_arrays(tmp_path, "key", ARRAYS)
    write_arrays(tmp_path, "key", {"ids": np.zeros(3)})
    kept = read_arrays(tmp_path, "key", ["ids"])
    assert kept is not None
    assert kept["ids"].tolist() == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_was_used_longest_ago_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, key in enumerate(("first", "second", "third")):
        write_arrays(tmp_path, key, ARRAYS)
        os.utime(tmp_path / key, (number, number))
    assert read_arrays(tmp_path, "first", NAMES) is not None  # used again, so no longer the oldest
    size = sum(path.stat().st_size for path in (tmp_path / "first").iterdir())
    monkeypatch.setattr(cache, "MAX_CACHE_BYTES", 2 * size)
    write_arrays(tmp_path, "fourth", ARRAYS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "fourth", "third"]


def test_what_a_killed_writer_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".writing-old").mkdir()
    os.utime(tmp_path / ".writing-old", (0, 0))
    (tmp_path / ".writing-new").mkdir()
    write_arrays(tmp_path, "key", ARRAYS)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".writing-new", "key"]


@settings(REPEATABLE)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_strings_unpack_as_they_were_packed(strings: list[str]) -> None:
    assert unpack_strings(*pack_strings(strings)) == strings


def test_keys_tell_parts_apart() -> None:
    assert key_of("a", "bc") != key_of("ab", "c")
    assert key_of("a", 1) != key_of("a", "1")

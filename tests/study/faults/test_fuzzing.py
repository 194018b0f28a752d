"""Generated specs, documents and data files; `benchmarks/fuzzing.py` makes ten thousand of each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.data import DataSpec, load_corpus
from study.errors import DataError
from tests.study.faults.fuzzing import KINDS, LIMIT_BYTES, LIMIT_S, Tree, fuzz
from tests.study.pretend.programs import ROOT


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whatever_is_given_is_used_or_refused_in_one_line(kind: str) -> None:
    tally = fuzz(kind, 50, 0)

    assert tally.n_accepted > 0
    assert tally.refusals.total() > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_any_of_thousands_is_used_or_refused_within_seconds_and_half_a_gigabyte(kind: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.study.faults.fuzzing", kind, "3000", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert said.returncode == 0, said.stderr
    tally = json.loads(said.stdout)
    assert tally["n_examples"] == 3000
    assert tally["slowest_s"] < LIMIT_S
    assert tally["peak_bytes"] < LIMIT_BYTES


@pytest.mark.parametrize("kind", ["pipe", "folder", "/dev/zero", "missing"])
def test_what_is_no_file_among_texts_is_named_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    Tree({"train/pos/a.txt": b"good", "train/neg/b.txt": b"bad", "train/neg/c.txt": kind}).make(tmp_path)

    with pytest.raises(DataError, match=r"a text must be a file: 'train/neg/c\.txt' .* is none"):
        load_corpus(DataSpec(source=str(tmp_path)))

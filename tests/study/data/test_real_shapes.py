"""Real files as they are published, outside of the project: each opens with no option and trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.data import DataSpec, load_corpus

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "shapes"
FOLDER = Path(os.environ.get("STUDY_SHAPES", FOLDER))
SHAPES = {
    "trec_train.label": (5_444, 6),
    "ag_test.csv": (2_500, 4),
    "SST-2": (2_397, 2),
    "rt-polarity": (3_000, 2),
    "ChnSentiCorp_htl.csv": (800, 2),
    "imdb_labelled.txt": (990, 2),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"{FOLDER} is absent: name it as STUDY_SHAPES"),
]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_row_is_read(name: str) -> None:
    n_texts, n_classes = SHAPES[name]
    corpus = load_corpus(DataSpec(source=str(FOLDER / name)))
    assert (len(corpus.texts), len(corpus.classes)) == (n_texts, n_classes)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_study_of_three_trials_runs(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "study", "run", "--data", str(FOLDER / name), "--trials", "3"]
    done = subprocess.run(
        [*command, "--epochs", "1", "--limit-train", "400", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "3/3" in done.stdout
    assert (tmp_path / name.split(".")[0] / "report" / "index.html").is_file()

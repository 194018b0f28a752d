from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from study.machine.scratch import scratch_folder, sweep_scratch

OWNER = """
import sys, tempfile, time
tempfile.tempdir = sys.argv[1]
from study.machine.scratch import scratch_folder
with scratch_folder("study-tune-") as folder:
    (folder / "file").write_text("")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_scratch_folder_is_gone_at_the_end_with_what_is_in_it() -> None:
    with scratch_folder("study-tune-") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("x")
    assert not folder.exists()


def test_the_folder_of_a_killed_owner_is_removed_and_that_of_a_living_one_stays(temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(temporary)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        sweep_scratch("study-tune-")
        stayed = folder.exists()
        owner.kill()
        owner.wait()
    sweep_scratch("study-tune-")
    assert stayed
    assert not folder.exists()


def test_what_is_called_so_and_is_no_folder_of_ours_is_left_alone(temporary: Path) -> None:
    (temporary / "study-tune-file").write_text("mine")
    (temporary / "elsewhere").mkdir()
    (temporary / "study-tune-link").symlink_to(temporary / "elsewhere")
    (temporary / "study-tune-new").mkdir()  # its owner is about to say so
    sweep_scratch("study-tune-")
    assert (temporary / "study-tune-new").exists()
    assert (temporary / "study-tune-file").exists()
    assert (temporary / "elsewhere").exists()

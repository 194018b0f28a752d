from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from study.training.loops import compilation
from study.training.loops.ahead import COMMAND, compile_ahead
from study.training.loops.cache import cache_folder, ready_mark


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps machine code in a folder of the test's own, and takes what is prepared for unknown."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    folder = cache_folder()
    assert folder is not None
    return folder


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where each part writes the number of the process that compiled it, in place of compiling."""
    notes = tmp_path / "notes"

    def note(name: str) -> None:
        with notes.open("a") as file:
            file.write(f"{name} {os.getpid()}\n")
        time.sleep(0.3)

    def _compile_forward() -> None:
        note("forward")

    def _compile_backward() -> None:
        note("backward")

    monkeypatch.setattr(compilation, "_compile_forward", _compile_forward)
    monkeypatch.setattr(compilation, "_compile_backward", _compile_backward)
    return notes


def prepare_anew() -> None:
    compilation.prepare.__wrapped__()


def test_two_processes_that_begin_together_compile_a_part_each_and_then_load_the_other(
    compiled: Path,
) -> None:
    processes = [multiprocessing.get_context("fork").Process(target=prepare_anew) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    first, second, *loads = [line.split() for line in compiled.read_text().splitlines()]
    assert {first[0], second[0]} == {"forward", "backward"}
    assert first[1] != second[1]
    assert len(loads) == 2


def test_a_part_that_a_stopped_process_holds_is_compiled_by_whoever_lost_patience(
    cache: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "PATIENCE_S", 0.1)
    with compilation._claim(cache / "_compile_backward.lock") as is_claimed:
        assert is_claimed
        prepare_anew()
    assert [line.split()[0] for line in compiled.read_text().splitlines()] == ["forward", "backward"]


def test_what_is_compiled_is_marked_so(cache: Path, compiled: Path) -> None:
    assert not ready_mark(cache).exists()
    prepare_anew()
    assert ready_mark(cache).exists()


def test_a_cache_that_cannot_be_written_hinders_nobody(
    compiled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    prepare_anew()
    assert len(compiled.read_text().splitlines()) == 2


def test_compiling_ahead_begins_a_process_where_nothing_is_compiled_and_ends_it(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*_: object, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(start([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return begun[-1]

    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", begin)
    with compile_ahead():
        assert begun[0].poll() is None
    assert begun[0].poll() is not None
    ready_mark(cache).touch()
    with compile_ahead():
        pass
    assert len(begun) == 1


def test_asking_whether_all_is_compiled_loads_no_numba() -> None:
    code = "import sys, study.training.loops.ahead; print('numba' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


@pytest.mark.slow
def test_the_process_ahead_compiles_all_that_training_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # to the cache of all tests: compiling anew takes half a minute
    folder = cache_folder()
    assert folder is not None
    ready_mark(folder).unlink(missing_ok=True)
    subprocess.run(COMMAND, check=True)
    load = (
        "from study.training.loops import compilation, time, words; compilation.prepare();"
        "print([sum(f.stats.cache_misses.values()) for f in"
        " (time.forward, time.backward, words.number_words, words.sum_words, words.project)])"
    )
    loaded = subprocess.run([sys.executable, "-c", load], check=True, capture_output=True, text=True)
    assert ready_mark(folder).exists()
    assert loaded.stdout == "[0, 0, 0, 0, 0]\n"

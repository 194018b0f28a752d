"""Trials that misbehave, a full disk, a directory that cannot be written: real studies of cheap trials."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.cluster.ray_watch import RAYS_PATIENCE_VARIABLE
from study.cluster.session import token_path
from tests.study.pretend.programs import SECRETS, SPEC, descendants, finish, start
from tests.study.pretend.worker import HUNG_UNITS, Hang, Misdeed
from tests.study.scenarios.isolation import run_isolated

pytestmark = pytest.mark.slow


def read_attempts(study: Path) -> list[tuple[int, int, str, str | None]]:
    with sqlite3.connect(study / "records.db") as connection:
        rows = connection.execute("SELECT trial, attempt, state, reason FROM attempts").fetchall()
    connection.close()
    return rows


def read_units(study: Path) -> dict[int, int]:
    with sqlite3.connect(study / "records.db") as connection:
        rows = connection.execute("SELECT trial, params FROM attempts").fetchall()
    connection.close()
    return {trial: json.loads(params)["units"] for trial, params in rows}


def test_a_trial_that_misbehaves_ends_alone_and_with_its_reason(tmp_path: Path) -> None:
    space = SPEC["space"] | {"cell": "rnn", "bidirectional": False, "units": [int(m) for m in Misdeed]}

    status, said = finish(
        start(
            tmp_path,
            "UnrulyWorker",
            draws=True,
            space=space,
            resources={"trial_timeout_s": 5.0, "retries": 1},
        )
    )

    assert status == 1, said
    assert "Traceback" not in said
    lost = ("failed", "the worker was lost")
    late = ("timeout", "took longer than resources.trial_timeout_s=5")
    expected = {
        Misdeed.NONE: [("completed", None)],
        Misdeed.SLEEP: [late],
        Misdeed.SPIN: [late],
        Misdeed.DIVERGE: [("diverged", "loss became nan in epoch 1")],
        Misdeed.RAISE: [("failed", "RuntimeError: no such")],
        Misdeed.DIE_ONCE: [lost, ("completed", None)],
        Misdeed.DIE_ALWAYS: [lost, lost],
    }
    found: dict[Misdeed, list[tuple[str, str | None]]] = {m: [] for m in Misdeed}
    units = read_units(tmp_path / "cheap")
    for trial, _, state, reason in read_attempts(tmp_path / "cheap"):
        found[Misdeed(units[trial])].append((state, reason))
    for misdeed, attempts in expected.items():
        assert [state for state, _ in found[misdeed]] == [state for state, _ in attempts], misdeed
        for (_, reason), (_, beginning) in zip(found[misdeed], attempts, strict=True):
            assert (reason or "").startswith(beginning or ""), misdeed
            assert "\n" not in (reason or "")
    for path in (tmp_path / "cheap").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in content for secret in SECRETS.values()), path
        assert token_path().read_bytes() not in content, path


def test_a_study_whose_runs_all_fail_alike_ends_after_ten_and_is_resumable(tmp_path: Path) -> None:
    space = SPEC["space"] | {
        "bidirectional": False,
        "units": int(Misdeed.RAISE),
        "embedding_dim": [*range(2, 8)],
    }

    status, said = finish(start(tmp_path, "UnrulyWorker", space=space))

    ended = [state for _, _, state, _ in read_attempts(tmp_path / "cheap") if state != "running"]
    assert status == 6, said
    assert set(ended) == {"failed"}
    assert 10 <= len(ended) < 18
    (leg,) = json.loads((tmp_path / "cheap" / "manifest.json").read_text())["legs"]
    assert leg["outcome"].startswith("stopped: the last 10 runs failed alike (RuntimeError: no such)")


def test_a_study_of_twenty_of_which_five_hang_ends_with_fifteen_results(tmp_path: Path) -> None:
    space = SPEC["space"] | {
        "cell": "rnn",
        "bidirectional": False,
        "units": [8, HUNG_UNITS, 16, 24],
        "embedding_dim": [int(hang) for hang in Hang],
    }
    process = start(tmp_path, "HangingWorker", space=space, resources={"trial_timeout_s": 6.0})
    assert process.stdout is not None
    first_heard: dict[str, float] = {}
    lasted_s = []
    for line in process.stdout:
        state, *trial = line.split()[:2]
        if state in ("running", "timeout"):
            began = first_heard.setdefault(trial[0], time.monotonic())
            lasted_s += [time.monotonic() - began] if state == "timeout" else []
    status, said = finish(process)

    assert status == 1, said
    ended = [(state, why) for _, _, state, why in read_attempts(tmp_path / "cheap")]
    late = ("timeout", "took longer than resources.trial_timeout_s=6")
    assert Counter(ended) == {("completed", None): 15, late: 5}
    assert len(lasted_s) == 5
    assert max(lasted_s) < 6.0 + 10.0


def read_memory() -> dict[str, int]:
    """What the kernel says of the machine's memory, in bytes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, *_ in lines}


GIGABYTE = 2**30
HUNGRY_SPACE = SPEC["space"] | {"cell": "rnn", "bidirectional": False, "units": [20, 21, 8, 9]}
"""Two trials of three gigabytes, which run side by side, and two of nearly nothing."""


def expect_tried_again_alone(folder: Path, said: str, reason: str) -> None:
    attempts = read_attempts(folder / "cheap")
    (killed,) = (trial for trial, _, state, _ in attempts if state == "failed")
    assert read_units(folder / "cheap")[killed] in (20, 21)
    assert len(attempts) == 5
    assert [why for *_, why in attempts if why is not None] == [reason]
    heard = [tuple(line.split()) for line in said.splitlines() if line.startswith(("running", "completed"))]
    again = [number for number, (*_, attempt) in enumerate(heard) if attempt == "2"]
    assert again == list(range(len(heard) - len(again), len(heard)))
    assert [state for state, *_ in heard[: again[0]]].count("completed") == 3


def test_what_ray_kills_for_memory_is_tried_again_alone(tmp_path: Path) -> None:
    memory = read_memory()
    if memory["MemAvailable"] < 10 * GIGABYTE:
        pytest.skip("two trials of three gigabytes each would be more than this machine can bear")
    # Between what one of them needs and what both do.
    allowed = memory["MemTotal"] - memory["MemAvailable"] + 5 * GIGABYTE
    monitor = {
        "RAY_memory_usage_threshold": f"{allowed / memory['MemTotal']:.4f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }

    status, said = finish(start(tmp_path, "HungryWorker", environment=monitor, space=HUNGRY_SPACE))

    assert status == 0, said
    reason = "out of memory: Ray killed the worker before the machine had none left"
    expect_tried_again_alone(tmp_path, said, reason)


@pytest.fixture
def small_memory() -> Iterator[Path]:
    """A control group with memory for one of two hungry trials, in which only the kernel kills."""
    groups = [line.split(":") for line in Path("/proc/self/cgroup").read_text().splitlines()]
    ours = next((path for _, controllers, path in groups if controllers == "memory"), "/")
    group = Path(f"/sys/fs/cgroup/memory{ours}") / "small-memory"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(int(5.5 * GIGABYTE)))
    except OSError:
        pytest.skip("control groups of memory are not ours to make here")
    yield group
    deadline = time.monotonic() + 90
    while (group / "cgroup.procs").read_text():
        assert time.monotonic() < deadline, "processes of the study stay behind"
        time.sleep(0.5)
    group.rmdir()


def test_what_the_kernel_kills_for_memory_is_tried_again_alone(tmp_path: Path, small_memory: Path) -> None:
    process = start(
        tmp_path, "HungryWorker", environment={"RAY_memory_monitor_refresh_ms": "0"}, space=HUNGRY_SPACE
    )
    (small_memory / "cgroup.procs").write_text(str(process.pid))  # before it starts Ray

    status, said = finish(process)

    assert status == 0, said
    reason = "out of memory, for which the kernel kills: the worker was lost: The actor died unexpectedly"
    expect_tried_again_alone(tmp_path, said, f"{reason} before finishing this task.")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of forty megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_the_study_and_room_continues_it(small_disk: Path) -> None:
    process = start(small_disk)
    assert process.stdout is not None
    done: list[str] = []
    for line in process.stdout:
        done += [line] if line.startswith("completed") else []
        if len(done) == 3:
            free = shutil.disk_usage(small_disk).free
            (small_disk / "filler").write_bytes(b"\0" * max(0, free - 4096))
            break
    status, said = finish(process)

    assert status == 3, said
    assert "full" in said or "No space left on device" in said
    assert "Traceback" not in said
    states = [state for _, _, state, _ in read_attempts(small_disk / "cheap")]
    assert states.count("completed") >= 3
    assert set(states) <= {"completed", "running"}

    (small_disk / "filler").unlink()
    status, said = finish(start(small_disk))

    assert status == 0, said
    assert [state for _, _, state, _ in read_attempts(small_disk / "cheap")] == ["completed"] * 6
    assert not any(line.replace("completed", "running") in said for line in done)


def test_a_study_for_which_there_is_no_room_is_refused_before_anything_is_written(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 2_000_000))

    status, said = finish(start(small_disk))

    assert status == 3, said
    assert f"a study needs room on its disk: {small_disk / 'cheap'} may still grow by" in said
    assert not (small_disk / "cheap").exists()


def test_a_directory_that_cannot_be_written_is_refused_before_ray_starts(tmp_path: Path) -> None:
    folder = tmp_path / "readonly"
    folder.mkdir()
    if subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        status, said = finish(start(tmp_path / "asked", out=folder))
    finally:
        subprocess.run(["umount", str(folder)], check=True)

    assert status == 3, said
    assert f"nothing can be made in {folder}; choose another folder" in said
    assert "plan" not in said


def start_until(folder: Path, beginning: str, patience_s: float, **changes: Any) -> subprocess.Popen[str]:
    """Start a study whose Ray gives a silent head up after so long, a minute by default; wait for a line."""
    patience = {RAYS_PATIENCE_VARIABLE: f"{patience_s:g}"}
    process = start(folder, environment=patience, **changes)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(beginning):
            break
    return process


def process_of(process: subprocess.Popen[str], name: str = "gcs_server") -> int:
    """The process of Ray's that is called so; by default the head."""
    family = descendants(process.pid)
    (found,) = (pid for pid, command in family.items() if command and Path(command.split()[0]).name == name)
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_head_ends_the_study_with_one_line_and_nothing_that_was_committed_is_lost(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = start_until(tmp_path, "completed", patience_s=8, training={"max_epochs": 200})
    head = process_of(process)
    os.kill(head, number)
    try:
        status, said = finish(process, timeout_s=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(head, signal.SIGKILL)

    assert status == 3, said
    study = tmp_path / "cheap"
    assert said.splitlines()[-1].startswith("study: a study needs the head of its Ray cluster: 127.0.0.1:")
    assert said.splitlines()[-1].endswith(
        f"silent for 6 s; nothing that was recorded is lost, `study resume {study}` goes on"
    )
    assert "Traceback" not in said
    assert not (study / "SHA256SUMS").exists()
    done = [trial for trial, _, state, _ in read_attempts(study) if state == "completed"]
    assert done

    status, said = finish(start(tmp_path, training={"max_epochs": 200}))

    assert status == 0, said
    assert {attempt for _, attempt, *_ in read_attempts(study)} == {1}
    assert [state for _, _, state, _ in read_attempts(study)] == ["completed"] * 6
    assert not any(f"completed {trial} " in said for trial in done)


def test_a_head_that_is_silent_for_a_moment_ends_nothing(tmp_path: Path) -> None:
    process = start_until(tmp_path, "running", patience_s=30, training={"max_epochs": 40})
    head = process_of(process)
    os.kill(head, signal.SIGSTOP)
    time.sleep(8.0)
    os.kill(head, signal.SIGCONT)

    status, said = finish(process)

    assert status == 0, said


def test_a_lost_raylet_ends_the_study_with_one_line(tmp_path: Path) -> None:
    process = start_until(tmp_path, "running", patience_s=60, training={"max_epochs": 200})
    os.kill(process_of(process, "raylet"), signal.SIGKILL)
    status, said = finish(process, timeout_s=60)

    assert status == 3, said
    (line,) = (line for line in said.splitlines() if line.startswith("study: "))
    assert line == (
        "study: a study needs the raylet of its Ray, a process on this machine: it has ended; nothing that "
        f"was recorded is lost, `study resume {tmp_path / 'cheap'}` goes on"
    )
    assert "Traceback" not in said


def test_a_driver_that_is_cut_off_from_its_head_ends_with_the_same_line(tmp_path: Path) -> None:
    told = run_isolated("tests.study.scenarios.split", tmp_path, timeout_s=400)

    status, said = told["cut"]
    assert status == 3, said
    assert "study: a study needs the head of its Ray cluster: 127.0.0.1:6399 has been silent for 6 s" in said
    assert "Traceback" not in said
    assert told["seconds"] < 30.0
    status, said = told["resumed"]
    assert status == 0, said
    assert said.count("completed") < 6


def test_a_study_goes_on_under_another_release_and_says_which_runs_are_whose(tmp_path: Path) -> None:
    process = start(tmp_path, training={"max_epochs": 40})
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("completed"):
            break
    process.kill()
    process.communicate()
    study = tmp_path / "cheap"
    done = {trial for trial, _, state, _ in read_attempts(study) if state == "completed"}
    assert list(study.glob("checkpoints/*"))
    # As if the leg that was killed had been of another release.
    manifest = json.loads((study / "manifest.json").read_text())
    current = manifest["legs"][-1]["packages"]["keras"]
    manifest["legs"][-1]["packages"]["keras"] = "2.15.0"
    (study / "manifest.json").write_text(json.dumps(manifest))

    status, said = finish(start(tmp_path, draws=True, training={"max_epochs": 40}))

    assert status == 0, said
    change = f"keras {current} instead of 2.15.0"
    assert f"warning since the last leg: {change}; the report says which" in said
    assert "no run goes on from a checkpoint" in said
    assert json.loads((study / "manifest.json").read_text())["legs"][-1]["taken_up"] == []
    rest = 6 - len(done)
    assert said.count("running ") == rest * 39  # each of its epochs
    page = (study / "report" / "index.html").read_text()
    assert f"From leg 2 on the study ran on {change}: {len(done)} run" in page
    assert f"{rest} runs (trials " in page

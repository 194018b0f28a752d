"""Trials that misbehave, a full disk, a directory that cannot be written: real studies of cheap trials."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.cluster import token_path
from tests.study.pretend_programs import SECRETS, SPEC, descendants, finish, start
from tests.study.pretend_worker import Misdeed

pytestmark = pytest.mark.slow


def read_attempts(study: Path) -> list[tuple[int, int, str, str | None]]:
    with sqlite3.connect(study / "records.db") as connection:
        rows = connection.execute("SELECT trial, attempt, state, reason FROM attempts").fetchall()
    connection.close()
    return rows


def test_a_trial_that_misbehaves_ends_alone_and_with_its_reason(tmp_path: Path) -> None:
    space = SPEC["space"] | {"cell": "rnn", "bidirectional": False, "units": [int(m) for m in Misdeed]}

    status, said = finish(
        start(tmp_path, "UnrulyWorker", space=space, resources={"trial_timeout_s": 5.0, "retries": 1})
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
    for trial, _, state, reason in read_attempts(tmp_path / "cheap"):
        found[list(Misdeed)[trial]].append((state, reason))
    for misdeed, attempts in expected.items():
        assert [state for state, _ in found[misdeed]] == [state for state, _ in attempts], misdeed
        for (_, reason), (_, beginning) in zip(found[misdeed], attempts, strict=True):
            assert (reason or "").startswith(beginning or ""), misdeed
            assert "\n" not in (reason or "")
    for path in (tmp_path / "cheap").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(secret.encode() in content for secret in SECRETS.values()), path
        assert token_path().read_bytes() not in content, path


def read_memory() -> dict[str, int]:
    """What the kernel says of the machine's memory, in bytes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, *_ in lines}


def test_what_ray_kills_for_memory_is_tried_again_alone(tmp_path: Path) -> None:
    memory, gigabyte = read_memory(), 2**30
    if memory["MemAvailable"] < 10 * gigabyte:
        pytest.skip("two trials of three gigabytes each would be more than this machine can bear")
    # Between what one of them needs and what both do.
    allowed = memory["MemTotal"] - memory["MemAvailable"] + 5 * gigabyte
    monitor = {
        "RAY_memory_usage_threshold": f"{allowed / memory['MemTotal']:.4f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    space = SPEC["space"] | {"cell": "rnn", "bidirectional": False, "units": [20, 21, 8, 9]}

    status, said = finish(start(tmp_path, "HungryWorker", environment=monitor, space=space))

    assert status == 0, said
    attempts = read_attempts(tmp_path / "cheap")
    (killed,) = (trial for trial, _, state, _ in attempts if state == "failed")
    assert killed in (0, 1)
    assert len(attempts) == 5
    assert {reason for *_, state, reason in attempts if state == "failed"} == {
        "out of memory: Ray killed the worker before the machine had none left"
    }
    heard = [tuple(line.split()) for line in said.splitlines() if line.split()[0] in ("running", "completed")]
    again = [number for number, (*_, attempt) in enumerate(heard) if attempt == "2"]
    assert again == list(range(len(heard) - len(again), len(heard)))
    assert [state for state, *_ in heard[: again[0]]].count("completed") == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of less than a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_the_study_and_room_continues_it(small_disk: Path) -> None:
    process = start(small_disk)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("completed 2 1"):
            free = shutil.disk_usage(small_disk).free
            (small_disk / "filler").write_bytes(b"\0" * max(0, free - 4096))
            break
    status, said = finish(process)

    assert status == 3, said
    assert "full" in said or "No space left on device" in said
    assert "Traceback" not in said
    states = [state for _, _, state, _ in read_attempts(small_disk / "cheap")]
    assert states[:3] == ["completed"] * 3
    assert set(states[3:]) <= {"completed", "running"}

    (small_disk / "filler").unlink()
    # What is left to do needs room for the report too.
    subprocess.run(["mount", "-o", "remount,size=40m", str(small_disk)], check=True)
    status, said = finish(start(small_disk))

    assert status == 0, said
    assert [state for _, _, state, _ in read_attempts(small_disk / "cheap")] == ["completed"] * 6
    assert "running 0 " not in said
    assert "running 2 " not in said


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
    assert f"a study writes to its directory: {folder / 'cheap'}: Read-only file system" in said
    assert "plan" not in said


def test_a_lost_head_ends_the_driver_and_nothing_that_was_committed_is_lost(tmp_path: Path) -> None:
    # Ray's own C++ ends a driver whose head is silent for this long; it is a minute by default.
    patience = {"RAY_gcs_rpc_server_reconnect_timeout_s": "3"}
    process = start(tmp_path, environment=patience, training={"max_epochs": 12})
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("completed"):
            break
    (head,) = (pid for pid, name in descendants(process.pid).items() if "/gcs_server" in name.split()[0])
    os.kill(head, signal.SIGKILL)
    status, said = finish(process)

    assert status != 0
    known = read_attempts(tmp_path / "cheap")
    assert [state for _, _, state, _ in known].count("completed") >= 1

    status, said = finish(start(tmp_path, training={"max_epochs": 12}))

    assert status == 0, said
    assert [state for _, _, state, _ in read_attempts(tmp_path / "cheap")] == ["completed"] * 6

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from study.errors import LockedError
from study.store.directory import StudyDirectory


def test_a_second_process_is_told_who_holds_the_study(tmp_path: Path) -> None:
    hold = (
        "import sys, pathlib; from study.store.directory import StudyDirectory\n"
        "with StudyDirectory(pathlib.Path(sys.argv[1])).lock():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()

    with pytest.raises(LockedError, match=rf"process {holder.pid} on "), StudyDirectory(tmp_path).lock():
        pass

    holder.kill()
    holder.communicate()
    with StudyDirectory(tmp_path).lock():  # the kernel has freed it
        pass


def test_nothing_of_ours_is_timed_or_ordered_by_the_wall_clock() -> None:
    package = Path(__file__).parents[3] / "study"
    readings = {
        (path.relative_to(package).as_posix(), line.strip())
        for path in package.rglob("*.py")
        for line in path.read_text().splitlines()
        if "time.time(" in line or "datetime.now(" in line
    }

    # Where the clock is read, it is to be shown to a person, or compared with the times of cached files.
    assert readings == {
        ("data/cache.py", "_trim(folder, keep=key, now_s=time.time())"),
        ("running/driver.py", 'started_at = datetime.now(UTC).isoformat(timespec="seconds")'),
        ("store/manifest.py", 'return datetime.now(UTC).isoformat(timespec="seconds")'),
    }


def test_who_is_refused_is_not_told_of_a_process_that_is_gone(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "small")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with study.lock():
        # As in the moment between the lock and the name, after a holder that was killed.
        (study.path / "lock").write_text(f"process {gone.pid} on {socket.gethostname()}\n")
        name = f"process 1 on {socket.gethostname()}"
        timer = threading.Timer(0.1, (study.path / "lock").write_text, [name])
        timer.start()

        with pytest.raises(LockedError, match="held by process 1 on "), study.lock():
            pass

        timer.join()


def test_a_lock_that_was_given_back_names_nobody(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "small")

    with study.lock():
        assert "process" in (study.path / "lock").read_text()

    assert (study.path / "lock").read_text() == ""

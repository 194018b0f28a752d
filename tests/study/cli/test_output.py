from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = [sys.executable, "-c", "from study.cli.app import main; main()"]

WITH_OURS = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*MAIN, *arguments], capture_output=True, env=os.environ | environment, check=False, timeout=60
    )


@pytest.mark.slow
def test_a_terminal_that_knows_ascii_alone_is_shown_what_it_can() -> None:
    finished = run("space", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.isascii()


@pytest.mark.slow
def test_a_full_device_is_one_line_and_status_3() -> None:
    with Path("/dev/full").open("wb") as full:
        finished = subprocess.run([*MAIN, "space"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert finished.returncode == 3
    assert finished.stderr.decode().splitlines() == [
        "study: standard output takes no more (No space left on device); nothing else is lost"
    ]


@pytest.mark.slow
def test_a_reader_who_leaves_is_told_of_in_one_line() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run([*MAIN, "space"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert finished.stderr.decode().splitlines() == [
        "study: standard output takes no more (Broken pipe); nothing else is lost"
    ]


@pytest.mark.slow
def test_a_backend_of_matplotlib_that_nobody_knows_is_no_matter() -> None:
    code = "from study.cli import app; app.app = lambda **_: __import__('matplotlib'); app.main()"
    finished = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"MPLBACKEND": "garbage"}, check=False
    )
    assert finished.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_not_there_is_no_matter_and_its_number_goes_to_no_file(
    tmp_path: Path, closed: str
) -> None:
    code = (
        "import os; from study.cli import app\n"
        "def run(**_):\n"
        "    print('x')\n"
        "    number = os.open('opened', os.O_CREAT | os.O_RDWR)\n"
        "    open('found', 'w').write(str(number))\n"
        "app.app = run\n"
        "app.main()"
    )
    command = f'exec {sys.executable} -c "$1" {closed}'
    finished = subprocess.run(["sh", "-c", command, "sh", code], cwd=tmp_path, check=False, env=WITH_OURS)
    assert finished.returncode == 0
    assert int((tmp_path / "found").read_text()) > 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("COLUMNS", "0"), ("TERMINAL_WIDTH", "wide")])
def test_a_width_that_is_none_hides_nothing_and_raises_nothing(name: str, value: str) -> None:
    finished = run("--help", **{name: value})
    assert finished.returncode == 0, finished.stderr
    assert b"overfit" in finished.stdout

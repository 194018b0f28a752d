"""Bad surroundings, one after the other: `python -m tests.study.scenarios.surroundings [WORD ...]`.

Each row is a command in surroundings of its own, and what it must come to: an exit status, never a traceback,
never without end. With words, only rows that have one of them in their name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import analysis.records.plain

LIMIT_S = 600.0
QUICK = (
    "--trials",
    "3",
    "--epochs",
    "1",
    "--seeds",
    "1",
    "--limit-train",
    "200",
    "--set",
    "design.scheduler=none",
)
MAIN = "import sys; sys.argv[0] = 'study'; from study.cli.app import main; main()"
ROOT = Path(__file__).parents[3]
SPEC = "name: a\ndata: {source: recall, recall: {n_texts: 40, length: 8, distance: 2, alphabet: 4}}\n"
"""Of a study whose texts take no time to make."""


@dataclass(frozen=True)
class Row:
    """One bad surrounding.

    Attributes:
        name: What is bad.
        command: Arguments of `study`.
        statuses: Exit statuses that are right.
        said: What its output must hold.
        environment: Variables; None takes one away.
        prepare: Makes the surroundings in the row's folder.
        stdin: Bytes on standard input.
        stdout: A file to write to instead of a pipe.
        address_bytes: All the memory that the process may map; None for what this one may.
    """

    name: str
    command: Sequence[str]
    statuses: tuple[int, ...]
    said: str = ""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    prepare: Callable[[Path], object] = lambda folder: None
    stdin: bytes = b""
    stdout: str | None = None
    address_bytes: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a row came to; `fault` is empty where it is as it must be."""

    row: Row
    status: int | None
    output: str
    took_s: float
    fault: str


def run_row(row: Row, folder: Path) -> Outcome:
    """Run one row in a folder of its own."""
    folder.mkdir(parents=True)
    row.prepare(folder)
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder.parent / "cache")}
    for name, value in row.environment.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value.format(folder=folder)
    program = MAIN
    if row.address_bytes is not None:
        most = (row.address_bytes, row.address_bytes)
        program = f"import resource; resource.setrlimit(resource.RLIMIT_AS, {most}); {MAIN}"
    command = [sys.executable, "-P", "-c", program, *(part.format(folder=folder) for part in row.command)]
    started = time.monotonic()
    with Path(row.stdout or os.devnull).open("wb") as stdout:
        try:
            finished = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                input=row.stdin,
                stdout=stdout if row.stdout else subprocess.PIPE,
                stderr=subprocess.PIPE,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(row, None, "", LIMIT_S, "did not end")
    output = ((finished.stdout or b"") + finished.stderr).decode(errors="replace")
    took_s = time.monotonic() - started
    return Outcome(row, finished.returncode, output, took_s, _judge(row, finished.returncode, output))


def _judge(row: Row, status: int, output: str) -> str:
    if "Traceback" in output:
        return "a traceback"
    if status not in row.statuses:
        return f"status {status}, not {' or '.join(map(str, row.statuses))}"
    return "" if row.said in output else f"does not say {row.said!r}"


def _odd_studies() -> Iterator[Row]:
    """Something in the place of each file of a study, met by each command that reads one."""
    kinds: dict[str, Callable[[Path], object]] = {
        "FIFO": os.mkfifo,
        "folder": Path.mkdir,
        "loop": lambda path: path.symlink_to(path.name),
        "deep JSON": lambda path: path.write_text("[" * 10_000 + "]" * 10_000),
    }
    commands = (
        ("verify", "s/a"),
        ("report", "s/a"),
        ("list", "s"),
        ("compare", "s/a", "s/b"),
        ("resume", "s/a"),
    )
    for kind, make in kinds.items():
        for name in sorted(analysis.records.plain.FILES - {"records.db-journal", "optuna.db-journal"}):
            for command in commands:

                def prepare(folder: Path, name: str = name, make: Callable[[Path], object] = make) -> None:
                    for study in ("a", "b"):
                        (folder / "s" / study).mkdir(parents=True)
                        (folder / "s" / study / "study.yaml").write_text(SPEC)
                        (folder / "s" / study / "records.db").write_bytes(b"")
                    path = folder / "s" / "a" / name
                    path.unlink(missing_ok=True)
                    make(path)

                statuses = (0,) if command[0] == "list" else (2, 5)
                yield Row(f"{kind} as {name}: {command[0]}", command, statuses, prepare=prepare)


def _surroundings() -> Iterator[Row]:
    run = ("run", "quick", "--data", "recall", "--name", "s", *QUICK)
    three = {
        "TMPDIR too long": {"TMPDIR": "{folder}/" + "x" * 110},
        "TMPDIR a file": {"TMPDIR": "/etc/hostname"},
        "TMPDIR on /proc": {"TMPDIR": "/proc/1"},
        "HOME on /proc": {"HOME": "/proc", "RAY_AUTH_TOKEN_PATH": None},
        "HOME a file": {"HOME": "/etc/hostname", "RAY_AUTH_TOKEN_PATH": None},
        "token a folder": {"RAY_AUTH_TOKEN_PATH": "{folder}"},
        "token under a file": {"RAY_AUTH_TOKEN_PATH": "/etc/hostname/token"},
        "token on /proc": {"RAY_AUTH_TOKEN_PATH": "/proc/x/token"},
    }
    for name, environment in three.items():
        yield Row(f"{name}: run", run, (3,), "study: ", environment)
    for command in (("report", "s"), ("compare", "s", "t"), ("predict", "s", "a text"), run):
        yield Row(f"little memory to map: {command[0]}", command, (3,), "address space", address_bytes=2**30)
    shown = {
        "LANG=C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "ASCII output": {"PYTHONIOENCODING": "ascii"},
        "MPLBACKEND=garbage": {"MPLBACKEND": "garbage"},
        "KERAS_BACKEND=jax": {"KERAS_BACKEND": "jax"},
        "tr_TR": {"LC_ALL": "tr_TR.UTF-8"},
        "no HOME": {"HOME": None},
    }
    for name, environment in shown.items():
        for command in (
            ("presets",),
            ("space",),
            ("data", "recall"),
            ("plan", "quick"),
            ("list", "{folder}"),
        ):
            yield Row(f"{name}: {command[0]}", command, (0,), "", environment)
    for command in (("presets",), ("space",), ("data", "recall"), ("plan", "quick")):
        yield Row(f"/dev/full: {command[0]}", command, (3,), "No space left", stdout="/dev/full")
    marks = "text,label\n" + "".join(f"{'!?.' * (i % 5 + 1)},{'ab'[i % 2]}\n" for i in range(40))
    yield Row(
        "punctuation alone: data",
        ("data", "marks.csv"),
        (0, 2),
        prepare=lambda folder: (folder / "marks.csv").write_text(marks),
    )


def _studies() -> Iterator[Row]:
    """Whole studies, each in surroundings that must change nothing, or cost a line alone."""
    run = ("run", "quick", "--data", "recall", "--name", "s", "--out", "out", *QUICK)

    def shadow(folder: Path) -> None:
        for name in ("analysis.py", "optuna.py", "search_spaces.py"):
            (folder / name).write_text("raise SystemError('a file of the user was imported')\n")
        shutil.copytree(ROOT / "study", folder / "study", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "study" / "training" / "trainer.py").write_text(
            "raise SystemError('a copy was imported')\n"
        )

    yield Row("files that shadow ours: run", run, (0,), "report: ", prepare=shadow)

    def home(folder: Path) -> None:
        (folder / ".keras").mkdir()
        (folder / ".keras" / "keras.json").write_text(
            '{"floatx": "float16", "backend": "jax", "epsilon": 0.1}'
        )
        (folder / "matplotlibrc").write_text("text.usetex: True\nfont.family: serif\n")

    own = {"HOME": "{folder}", "KERAS_BACKEND": "jax", "MPLBACKEND": "garbage", "RAY_AUTH_TOKEN_PATH": None}
    yield Row("a home with settings of its own: run", run, (0,), "report: ", own, prepare=home)
    rows = "text,label\n" + "".join(f"id{i},{'ab'[i % 2]}\n" for i in range(400))
    yield Row(
        "texts with no word in common, and a cache that is a file: run",
        ("run", "quick", "--data", "ids.csv", "--name", "s", "--out", "out", *QUICK),
        (1,),
        "could not be made",
        {"XDG_CACHE_HOME": "/etc/hostname"},
        prepare=lambda folder: (folder / "ids.csv").write_text(rows),
    )
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    yield Row("LANG=C: run", run, (0,), "report: ", ascii_only)
    yield Row("standard output full: run", run, (3,), "No space left", stdout="/dev/full")


def all_rows(stride: int = 1) -> list[Row]:
    """Every row, or one in `stride` of those with an odd file; those that train last."""
    return [*list(_odd_studies())[::stride], *_surroundings(), *_studies()]


def main(words: Sequence[str]) -> int:
    """Run the rows that have one of the words in their name, print each, and return how many are wrong."""
    rows = [row for row in all_rows() if not words or any(word in row.name for word in words)]
    n_wrong = 0
    with tempfile.TemporaryDirectory(prefix="s-", ignore_cleanup_errors=True) as scratch:
        for number, row in enumerate(rows):
            outcome = run_row(row, Path(scratch) / str(number))
            n_wrong += bool(outcome.fault)
            print(f"{outcome.fault or 'as it must be'}  {row.name}  {outcome.took_s:.1f} s", flush=True)
            if outcome.fault:
                print(outcome.output[-2000:], flush=True)
    print(f"{len(rows)} surroundings, {n_wrong} not as they must be")
    return n_wrong


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))

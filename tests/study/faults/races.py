"""Two runs of one study at once: `python -m tests.study.faults.races SPEC OUT` is one of them.

It is `run_study` as it is, from reading the data to the point at which Ray would start: there the winner says
so and waits to be killed. Ray's own start takes seconds, and changes nothing about who holds the folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from study.data import load_corpus
from study.errors import LockedError, StudyError
from study.running.listener import Listener
from study.running.verbs import run_study
from study.spec.documents import read_document
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from tests.study.pretend.programs import ROOT, SPEC

WON = "won"


@dataclass(frozen=True)
class Race:
    """How a race went.

    Attributes:
        n_winners: How many came to where Ray would start.
        statuses: Exit statuses of the others.
        said: What they said.
        loser_s: From the signal to the loser's end.
        free_s: From the winner's SIGKILL until another process holds the folder.
    """

    n_winners: int
    statuses: tuple[int | None, ...]
    said: str
    loser_s: float
    free_s: float
    winner: int


def race(folder: Path) -> Race:
    """Let two processes run one study in `folder`, kill the winner, and take the folder.

    Both have loaded all that they need before they are told to go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spec = folder / "asked.yaml"
    spec.write_text(json.dumps(SPEC))
    command = [sys.executable, "-m", "tests.study.faults.races", str(spec), str(folder)]
    runners = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(2)
    ]
    try:
        for runner in runners:
            assert runner.stdout is not None
            assert runner.stdout.readline() == "ready\n"
        start_s = time.monotonic()
        for runner in runners:
            assert runner.stdin is not None
            runner.stdin.write("go\n")
            runner.stdin.flush()
        while all(runner.poll() is None for runner in runners):
            assert time.monotonic() < start_s + 30, "nobody loses"
            time.sleep(0.01)
        loser_s = time.monotonic() - start_s
        losers = [runner for runner in runners if not _wins(runner)]
        for loser in losers:
            loser.wait(timeout=30)
        winners = [runner for runner in runners if runner not in losers]
        for winner in winners:
            winner.kill()
        free_s = _take(StudyDirectory(folder / SPEC["name"]))
        return Race(
            n_winners=len(winners),
            statuses=tuple(loser.returncode for loser in losers),
            said="".join(loser.communicate()[1] for loser in losers),
            loser_s=loser_s,
            free_s=free_s,
            winner=winners[0].pid if winners else 0,
        )
    finally:
        for runner in runners:
            runner.kill()
            runner.communicate()


def _wins(runner: subprocess.Popen[str]) -> bool:
    assert runner.stdout is not None
    return runner.stdout.readline() == f"{WON}\n"  # nothing where it ended


def _take(directory: StudyDirectory) -> float:
    start_s = time.monotonic()
    while True:
        try:
            with directory.lock():
                return time.monotonic() - start_s
        except LockedError:
            assert time.monotonic() < start_s + 30


def expect_one_winner(result: Race) -> None:
    """Check what is promised of a race."""
    assert result.n_winners == 1, result
    assert result.statuses == (4,), result
    assert f"is held by process {result.winner} on " in result.said, result
    assert "Traceback" not in result.said, result
    assert result.loser_s <= 2.0, result
    assert result.free_s <= 1.0, result


class _Stopper(Listener):
    def on_stage(self, text: str) -> None:
        if text == "starting Ray":
            print(WON, flush=True)
            sys.stdin.read()  # until somebody kills it


def main() -> int:
    spec_path, out = map(Path, sys.argv[1:])
    import study.search.search  # noqa: F401 - as the two below: what a run loads takes seconds, on a busy machine more

    spec = StudySpec.from_document(read_document(spec_path), str(spec_path))
    spec.design.explain(spec.space, spec.seeds, spec.seed)
    load_corpus(spec.data)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        run_study(spec, out, listener=_Stopper())
    except StudyError as error:
        print(f"study: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())

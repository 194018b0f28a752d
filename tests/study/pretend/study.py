"""A study of cheap trials: `python -m tests.study.pretend.study SPEC.yaml OUT WORKER [ADDRESS]`.

Where `DRAWS` is in the environment it fits the lines to beat and draws its report, which takes ten times as
long as such trials do; else the report is a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import analysis
from study.cluster import session
from study.errors import StudyError
from study.machine.signals import ignore_signals
from study.running import leg, lines
from study.running.listener import Listener
from study.running.verbs import run_study
from study.spec.documents import read_document
from study.spec.schema import StudySpec
from tests.study.pretend.brief import write_briefly
from tests.study.pretend.programs import DRAWS, START_S


class _Printer(Listener):
    def on_stage(self, text: str) -> None:
        print(f"stage {text}", flush=True)

    def on_plan(self, backlog: Any, capacity: Any) -> None:
        print(f"plan {backlog.n_trials} {backlog.n_seeds} {capacity.cpus} {capacity.nodes}", flush=True)

    def on_report(self, assignment: Any, report: Any, state: str) -> None:
        print(f"{state} {assignment.trial} {assignment.replicate} {assignment.attempt}", flush=True)

    def on_warning(self, text: str) -> None:
        print(f"warning {text}", flush=True)

    def on_lost(self, error: StudyError) -> None:
        print(f"study: {error}", file=sys.stderr, flush=True)


def main() -> int:
    spec_path, out, worker, *address = sys.argv[1:]

    session.START_S = float(os.environ.get(START_S, session.START_S))
    if DRAWS not in os.environ:
        analysis.write_report = write_briefly
        lines.draw_lines = lambda *asked: []
        leg.keep_texts = lambda *asked: None

    def load_worker() -> Any:
        from tests.study.pretend import worker as module

        return getattr(module, worker)

    try:
        spec = StudySpec.from_document(read_document(Path(spec_path)), spec_path)
        result = run_study(
            spec, Path(out), address=next(iter(address), None), listener=_Printer(), load_worker=load_worker
        )
    except StudyError as error:
        print(f"study: {error}", file=sys.stderr)
        return error.exit_status
    if result.stop_signal is not None:
        ignore_signals()
    return result.exit_status


if __name__ == "__main__":
    sys.exit(main())

"""Where the time of a study goes, as a figure: what each worker did, second by second.

    python -m benchmarks.timeline REVIEWS FIGURE.svg [--rows 4000] [--epochs 2]

The study is that of `benchmarks/peers.py`, run in a folder of its own. The records do not tell workers
apart, so that each run is drawn on the first line that is free.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from benchmarks.peers import Task, describe_study, write_task
from study.running.listener import Listener


@dataclass
class Run:
    """One run: when it ended, and how long it and its start took, in seconds."""

    cell: str
    end_s: float
    wall_s: float
    setup_s: float

    @property
    def start_s(self) -> float:
        return self.end_s - self.wall_s


@dataclass
class Recorder(Listener):
    """Notes what happened when, in seconds since it was made."""

    began: float = field(default_factory=time.monotonic)
    stages: list[tuple[float, str]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        return time.monotonic() - self.began

    def on_stage(self, text: str) -> None:
        self.stages.append((self.now_s, text))

    def on_plan(self, *_: Any) -> None:
        self.stages.append((self.now_s, "starting workers"))

    def on_report(self, assignment: Any, report: Any, state: str) -> None:
        if state != "running":
            cell, wall_s, setup_s = assignment.params["cell"], report.wall_s, report.setup_s
            self.runs.append(Run(cell, self.now_s, wall_s, setup_s or 0.0))


def lay_out(runs: list[Run]) -> list[list[Run]]:
    """Put each run on the first line that is free when it starts."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.start_s):
        free = [line for line in lines if line[-1].end_s <= run.start_s + 0.05]
        if free:
            free[0].append(run)
        else:
            lines.append([run])
    return lines


def draw(recorder: Recorder, end_s: float, path: Path) -> None:
    from matplotlib.patches import Patch

    from analysis.plots.style import FULL_WIDTH_IN, INK, MUTED, new_axes, styled
    from analysis.words.labels import CELLS

    first_s = min(run.start_s for run in recorder.runs)
    last_s = max(run.end_s for run in recorder.runs)
    stages = [stage for stage in recorder.stages if stage[0] < first_s]
    stages.append((last_s, "end of Ray, lines to beat, report"))
    lines = lay_out(recorder.runs)
    with styled():
        figure, axes = new_axes(FULL_WIDTH_IN, 1.2 + 0.5 * (1 + len(lines)))
        ends = [start for start, _ in stages[1:]] + [end_s]
        for number, ((start, text), end) in enumerate(zip(stages, ends, strict=True)):
            until = first_s if text == "starting workers" else end
            axes.barh(0, until - start, left=start, color=MUTED, alpha=0.35 + 0.25 * (number % 2), height=0.6)
            axes.annotate(
                text.replace(" ...", ""),
                (start if end < end_s else end_s, -0.35),
                xytext=(0, 4 + 11 * (number % 3)),
                textcoords="offset points",
                ha="left" if end < end_s else "right",
                fontsize=7.5,
                color=INK,
            )
        for row, line in enumerate(lines, start=1):
            for run in line:
                axes.barh(row, run.setup_s, left=run.start_s, color=INK, height=0.6)
                trained_s = run.wall_s - run.setup_s
                axes.barh(
                    row,
                    trained_s,
                    left=run.start_s + run.setup_s,
                    color=CELLS[run.cell].color,
                    height=0.6,
                    edgecolor="white",
                    linewidth=0.6,
                )
        axes.set_yticks(range(len(lines) + 1), ["driver", *(f"worker {n}" for n in range(1, len(lines) + 1))])
        axes.set_ylim(len(lines) + 0.5, -1.3)
        axes.set_xlim(0, end_s)
        axes.set_xlabel("seconds since the command was given")
        axes.grid(visible=False, axis="y")
        axes.set_title(f"{len(recorder.runs)} runs on {len(lines)} CPUs, from the command to the report")
        handles = [Patch(color=INK, label="building and tracing")]
        handles += [Patch(color=cell.color, label=f"training {cell.label}") for cell in CELLS.values()]
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=4)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("figure", type=Path)
    parser.add_argument("--rows", type=int, default=4000, help="to train on; a quarter as many validate")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="timeline-") as folder:
        # Compiled cells come from the user's cache, texts are encoded anew: as in benchmarks/peers.py.
        os.environ.setdefault(
            "NUMBA_CACHE_DIR", platformdirs.user_cache_dir("recurrent-study", appauthor=False)
        )
        os.environ["XDG_CACHE_HOME"] = folder
        task = Task(Path(folder), options.epochs, 18, 1)
        write_task(options.reviews, options.rows, task.folder)
        from study.running.verbs import run_study
        from study.spec.schema import StudySpec

        recorder = Recorder()
        run_study(StudySpec.from_document(describe_study(task), "peers"), task.folder, listener=recorder)
        draw(recorder, recorder.now_s, options.figure)


if __name__ == "__main__":
    main()

"""How far back in time each cell can learn from."""

from __future__ import annotations

from functools import partial

from analysis.plots import figures
from analysis.report.content import Block, Chart, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.statistics.gradients import reach_of
from analysis.words.labels import CELL_LABELS, CELLS
from analysis.words.numbers import count

_SHARE = 0.01


def gradient_chapter(evidence: Evidence) -> Section | None:
    """The gradient's norm by step back in time; None where the study was not asked for it."""
    if evidence.study.gradients.empty:
        return None
    reach = evidence.gradient_reach
    blocks: list[Block]
    if reach.empty:
        text = (
            "Gradients were recorded for models of both directions alone, whose steps cannot be told apart."
        )
        blocks = [Note(text=text, tone="warning")]
    else:
        reading = read_gradients(evidence)
        blocks = [
            Chart(
                name="gradients",
                title="The loss's gradient, step by step back in time",
                draw=partial(figures.gradients, evidence),
                reading=reading,
                alt=f"Norm of the gradient by steps back in time, before and after training. {reading}",
                table="gradient-reach",
            )
        ]
    return Section(
        anchor="gradients",
        title="Gradients through time",
        short="Gradients",
        lead="The norm of the loss's gradient at the input of each step, divided by that of the last step: "
        "what has vanished cannot be learned from (Bengio et al. 1994). Median over runs of one direction; "
        "the band is the lowest and highest.",
        blocks=blocks,
    )


def read_gradients(evidence: Evidence) -> str:
    """At what distance each cell's gradient falls below one per cent, before and after training."""
    parts = []
    for cell in CELLS:
        if cell not in set(evidence.gradient_reach["cell"]):
            continue
        start, end = (
            _say(reach_of(evidence.gradient_reach, cell, moment, _SHARE)) for moment in ("start", "end")
        )
        parts.append(f"{CELL_LABELS[cell]} {start} before training and {end} after it")
    return f"The gradient falls below 1% of the last step's: {'; '.join(parts)}."


def _say(steps: int | None) -> str:
    return "not within the text" if steps is None else f"{count(steps, 'step')} back"

"""The lines to beat: simple models on the same split, and what has been published."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import Block, Chart, Grid, Note, Section
from analysis.statistics.evidence import Evidence
from analysis.words.literature import concerns, imdb_table
from analysis.words.numbers import duration, listing, number, percent, points


def beat_chapter(evidence: Evidence) -> Section:
    """Our best of each cell against baselines and literature."""
    rows = evidence.lines_to_beat
    blocks: list[Block] = []
    if (rows["kind"] == "here").any() and len(rows) > 1:
        reading = read_baselines(evidence)
        blocks.append(
            Chart(
                name="lines-to-beat",
                title="The best of each cell among simple and published models",
                draw=partial(figures.lines_to_beat, evidence),
                reading=reading,
                alt=f"Accuracies of {len(rows)} models in order. {reading}",
                table="lines-to-beat",
            )
        )
    blocks.extend(_tables(evidence))
    if evidence.study.baselines.empty:
        text = "No baseline was fitted: whether a recurrent model is worth its cost is not known."
        blocks.append(Note(text=text, tone="warning"))
    missing = _missing(evidence)
    if missing:
        text = f"Not among them: {listing(missing)}, which could not be fitted on these texts."
        blocks.append(Note(text=text, tone="warning"))
    return Section(anchor="baselines", title="Lines to beat", lead=_lead(evidence), blocks=blocks)


def _missing(evidence: Evidence) -> list[str]:
    """The lines to beat that every study on such classes has, and this one has not."""
    expected = ["TF-IDF + logistic regression", *(["NB-SVM"] if len(evidence.facts.classes) == 2 else [])]
    drawn = set(evidence.study.baselines["name"])
    # Other tools' runs bring none of ours.
    return [name for name in expected if name not in drawn] if "majority class" in drawn else []


def _lead(evidence: Evidence) -> str:
    lead = "Simple models, fitted once on the same training texts and judged on the same validation texts."
    if concerns(evidence.facts.source):
        lead += (
            " Published figures are for the 25,000 test reviews after training on all 25,000 others, so they "
            "are a scale to read ours by, not a comparison on equal terms."
        )
    return lead


def read_baselines(evidence: Evidence) -> str:
    """Where the best setting stands against the strongest simple model, and the published ones."""
    if evidence.ranking.empty:
        return "No run completed, so there is nothing to compare with."
    best = float(evidence.ranking["val_accuracy"].iloc[0])
    sentences = []
    strongest = as_records(evidence.against_lines.head(1))
    if strongest:
        sentences.append(_read_line(strongest[0]))
    if concerns(evidence.facts.source):
        published = imdb_table()
        plain = published[~published["extra_data"]]
        above = int((plain["test_accuracy"] > best).sum())
        sentences.append(
            f"Of {len(plain)} published models that learned from the labelled texts alone, {above} "
            f"{'is' if above == 1 else 'are'} higher."
        )
    return " ".join(sentences)


def _read_line(row: dict[str, Any]) -> str:
    where = f"{row['name']} ({percent(row['accuracy'])})"
    whose = "The best setting" if row["n_settings"] > 1 else "The setting"
    low, high = points(row["low"], signed=True), points(row["high"], signed=True)
    picked = (
        f", with the luck of having been picked out of {row['n_settings']}" if row["n_settings"] > 1 else ""
    )
    if row["answer"] == "not told":
        verdict = f"cannot be told apart from {where}"
    else:
        verdict = f"is {points(abs(row['difference']))} {row['answer']} {where}"
    return f"{whose}, {percent(row['mean'])}, {verdict}: {low} to {high} for other seeds and texts{picked}."


def _tables(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = []
    baselines = evidence.study.baselines
    if not baselines.empty:
        shown = pd.DataFrame(
            {
                "model": baselines["name"],
                "validation accuracy": [percent(value) for value in baselines["val_accuracy"]],
                "validation loss": [number(value, 3) for value in baselines["val_loss"].astype(float)],
                "time to fit": [duration(value) for value in baselines["fit_s"]],
            }
        )
        blocks.append(
            Grid(name="baselines", title="Simple models on the same split", frame=baselines, shown=shown)
        )
    if concerns(evidence.facts.source):
        published = imdb_table()
        shown = pd.DataFrame(
            {
                "model": published["model"],
                "test accuracy": [percent(value, 2) for value in published["test_accuracy"]],
                "learned from": [
                    "more than the labelled texts" if extra else "labelled texts"
                    for extra in published["extra_data"]
                ],
                "source": published["source"],
            }
        )
        blocks.append(Grid(name="published", title="Published figures", frame=published, shown=shown))
    return blocks

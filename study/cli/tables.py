"""Tables for a person at a terminal: studies, presets, data."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.records.read_only import open_read_only
from study.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

    from study.prediction.evaluation import Evaluation
from analysis.words.numbers import count
from study.store.directory import is_held

_PIPE_WIDTH = 10_000

_TEXT = 160
_MOST_CLASSES = 12


def print_studies(folder: Path) -> None:
    """Print the studies in a folder: state, trials, the best that each reached."""
    if not folder.is_dir():
        raise StudyError(f"a folder of studies is listed: {folder} is none; run one with `study run quick`")
    table = Table("study", "replicates", "running", "best validation accuracy", "report", box=None)
    for records in sorted(folder.glob("*/records.db")):
        page = records.parent / "report" / "index.html"
        shown = str(page) if page.exists() else "none yet"
        try:
            if not records.is_file():
                raise OSError
            n_rows, n_running, best = _read_progress(records)
        except (sqlite3.DatabaseError, OSError):
            table.add_row(
                escape(records.parent.name), "unreadable: see `study verify`", "", "", escape(shown)
            )
            continue
        running = str(n_running) if not n_running or is_held(records.parent) else f"interrupted ({n_running})"
        figures = str(n_rows), running, "" if best is None else f"{best:.3f}"
        table.add_row(escape(records.parent.name), *figures, escape(shown))
    for trials in sorted(folder.glob("*/trials.parquet")):
        if not (trials.parent / "records.db").exists():
            page = trials.parent / "report" / "index.html"
            shown = str(page) if page.exists() else "none yet"
            table.add_row(escape(trials.parent.name), _count_rows(trials), "imported", "", escape(shown))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PIPE_WIDTH)  # who reads a pipe wants paths whole
    console.print(table if table.row_count else f"no studies in {folder}; run one with `study run quick`")


def _count_rows(trials: Path) -> str:
    """The replicates of a study that was imported."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        return str(pq.read_metadata(trials).num_rows)
    except (pa.ArrowException, OSError):
        return "unreadable"


def _read_progress(records: Path) -> tuple[int, int, float | None]:
    """Return how many replicates were begun, how many run, and the best validation accuracy.

    Straight from SQL: analysis would load pandas, and a list should not take a second.
    """
    with open_read_only(records) as connection:
        n_rows, n_running = connection.execute(
            "SELECT count(DISTINCT trial || phase || replicate), coalesce(sum(state = 'running'), 0)"
            " FROM attempts"
        ).fetchone()
        best = connection.execute("SELECT max(val_accuracy) FROM epochs").fetchone()[0]
    return n_rows, n_running, best


def print_presets() -> None:
    """Print the studies that come with the package."""
    from study.spec.presets import find_document, preset_names

    table = Table("preset", "question", box=None)
    for name in preset_names():
        document, _ = find_document(name)
        table.add_row(name, document["description"])
    Console().print(table)


def print_data(settings: dict[str, Any], command: str) -> None:
    """Print what a data set is like before anyone trains on it, what may spoil it, and how to go on.

    Args:
        settings: The `data` section of a spec.
        command: Runs a study on it.
    """
    from pydantic import ValidationError

    from study.data import DataSpec, describe, encode, load_corpus
    from study.data.messages import explain

    try:
        spec = DataSpec.model_validate(settings)
    except ValidationError as error:
        raise StudyError(f"data: {explain(error, DataSpec)}") from error
    corpus = load_corpus(spec)
    description = describe(corpus, encode(corpus, spec))
    console = Console(highlight=False)
    seal = "validated on the test split" if description.validated_on == "test" else "test split sealed"
    console.print(f"[bold]{escape(description.source)}[/bold], {seal}")
    for sentence in description.reading:
        console.print(f"- {escape(sentence)}")
    _print_sample(console, description.sample)
    shares = description.classes.assign(share=description.classes["total"] / len(corpus.texts))
    for title, frame in (
        ("texts by class and split", shares),
        ("tokens in a text", description.lengths),
        ("share of training texts cut, and of their tokens lost, by sequence length", description.cuts),
        (
            f"share of the tokens covered by a vocabulary, of {description.n_words:,} words",
            description.coverage,
        ),
    ):
        _print_frame(console, title, frame)
    console.print()
    for warning in description.warnings:
        console.print(f"[yellow]! {escape(warning)}[/yellow]")
    if not description.warnings:
        console.print("nothing to warn of")
    console.print(f"\nrun a study on it: {escape(command)}", soft_wrap=True)


def _print_sample(console: Console, sample: list[tuple[str, str]]) -> None:
    table = Table("class", "text", title="first rows", title_justify="left", title_style="bold", box=None)
    for text, label in sample:
        shown = " ".join(text.split())
        table.add_row(escape(label), escape(shown if len(shown) <= _TEXT else f"{shown[: _TEXT - 3]}..."))
    console.print()
    console.print(table)


def print_evaluation(figures: Evaluation, reading: Sequence[str]) -> None:
    """Print how well a model does on labelled texts."""
    console = Console(highlight=False)
    for sentence in reading:
        console.print(f"- {escape(sentence)}")
    console.print(
        f"accuracy {figures.accuracy:.1%} of {count(figures.n_texts, 'text')} (95% interval "
        f"{figures.low:.1%} to {figures.high:.1%}); always the most frequent label: {figures.majority:.1%}"
    )
    console.print(
        f"loss {figures.loss:.3f}, macro F1 {figures.macro_f1:.3f}, calibration error "
        f"{figures.calibration_error:.3f}"
    )
    if figures.familiar:
        console.print(
            "[yellow]! the model was trained and chosen on these very texts: new ones tell more[/yellow]"
        )
    tables = [("by class", figures.classes)]
    if len(figures.confusion) <= _MOST_CLASSES:
        tables.append(("texts by label (rows) and class given", figures.confusion))
    for title, frame in tables:
        _print_frame(console, title, frame)


def _print_frame(console: Console, title: str, frame: pd.DataFrame) -> None:
    flat = frame.reset_index()
    table = Table(
        *(escape(str(name)) for name in flat.columns),
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
    )
    for row in flat.itertuples(index=False):
        table.add_row(*(escape(_say(value)) for value in row))
    console.print()
    console.print(table)


def _say(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)

"""What more training text brings: a study's learning curves, beside the lines to beat."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.plots import figures
from analysis.records.files import as_records
from analysis.report.content import Block, Chart, Grid, Section
from analysis.statistics.evidence import Evidence
from analysis.words.numbers import count, listing, percent, points, with_margin


def amounts_chapter(evidence: Evidence) -> Section | None:
    """Accuracy by amount of training text, what twice as much would bring, and the lines beside."""
    curves = evidence.by_amount
    if curves["train_size"].nunique() < 2:
        return None
    reading = read_amounts(evidence)
    blocks: list[Block] = [
        Chart(
            name="accuracy-by-amount",
            title="Accuracy by amount of training text",
            draw=partial(figures.accuracy_by_amount, evidence),
            reading=reading,
            alt=f"Accuracy against training texts, {count(curves['curve'].nunique(), 'setting')}. {reading}",
            table="accuracy-by-amount",
        ),
        Grid(
            name="accuracy-by-amount",
            title="Each amount, and the strongest line to beat on the same texts",
            frame=curves,
            shown=_show(curves),
            reading=_read_as_it_is(evidence),
            limit=40,
        ),
    ]
    if not evidence.more_text.empty:
        blocks.append(
            Grid(
                name="more-text",
                title="What twice as much text would bring",
                frame=evidence.more_text,
                shown=_show_more(evidence.more_text),
                reading="Foreseen from how each curve bends; the interval holds all curves that these runs "
                "do not tell from the best one.",
            )
        )
    return Section(
        anchor="amounts",
        title="What more text brings",
        short="More text",
        lead="Each seed is trained on texts of its own, and larger amounts hold the smaller ones; all are "
        "judged on the same validation texts. The vocabulary is that of the texts trained on. Bands and "
        "\u00b1 are for other seeds, with other training texts, and for other validation texts.",
        blocks=blocks,
    )


def read_amounts(evidence: Evidence) -> str:
    """What more text has brought to the best setting, what it would bring, and where the line stands."""
    curves = evidence.by_amount
    largest = curves[curves["train_size"] == curves["train_size"].max()]
    leader = largest.loc[largest["accuracy"].idxmax(), "curve"]
    curve = as_records(curves[curves["curve"] == leader].sort_values("train_size"))
    first, last = curve[0], curve[-1]
    verb = "rises" if last["accuracy"] > first["accuracy"] else "goes"
    said = (
        f"From {first['train_size']:,} to {last['train_size']:,} training texts, accuracy {verb} from "
        f"{percent(first['accuracy'])} to {percent(last['accuracy'])} ({last['label']})."
    )
    more = as_records(evidence.more_text[evidence.more_text["curve"] == leader])
    return " ".join([said, *_read_more(more), *_read_lines(curve)])


def _read_as_it_is(evidence: Evidence) -> str:
    """Why the best setting is farther from its line below: what is taken off there is not here."""
    lines = as_records(evidence.against_lines.head(1))
    if not lines or not (lines[0]["luck"] or lines[0]["n_settings"] > 1):
        return ""
    row = lines[0]
    return (
        "Each setting as it is, as if it had been the only one. Among the lines to beat the best of them is "
        f"compared with {row['name']} once more, {points(row['difference'], signed=True)} "
        f"({points(row['low'], signed=True)} to {points(row['high'], signed=True)}): there the luck of its "
        f"best epoch is taken off, {points(row['luck'])}, and the interval allows for its having been picked "
        f"out of {row['n_settings']}."
    )


def _read_more(more: list[dict[str, Any]]) -> list[str]:
    if not more:
        return []
    row = more[0]
    return [
        f"Twice as many, {row['twice']:,}, would bring about {points(row['gain'])} more "
        f"({100 * row['gain_low']:.1f} to {100 * row['gain_high']:.1f}), as far as the curve tells."
    ]


def _read_lines(curve: list[dict[str, Any]]) -> list[str]:
    known = [row for row in curve if row["line"] and pd.notna(row["difference"])]
    if not known:
        return []
    name, sizes = known[-1]["line"], [f"{row['train_size']:,}" for row in known]
    ahead = [size for size, row in zip(sizes, known, strict=True) if row["high"] < 0]
    behind = [size for size, row in zip(sizes, known, strict=True) if row["low"] > 0]
    first, last = known[0], known[-1]
    if len(ahead) == len(known) or len(behind) == len(known):
        where = "ahead" if ahead else "behind"
        return [
            f"{name}, fitted on the same texts, is {where} at every amount: by "
            f"{points(abs(first['difference']))} at {sizes[0]} and {points(abs(last['difference']))} at "
            f"{sizes[-1]}."
        ]
    parts = [
        *([f"ahead at {listing(ahead)}"] if ahead else []),
        *([f"behind at {listing(behind)}"] if behind else []),
    ]
    rest = [size for size in sizes if size not in (*ahead, *behind)]
    if rest:
        parts.append(f"not to be told apart at {listing(rest)}")
    return [f"{name}, fitted on the same texts, is {'; '.join(parts)}."]


def _show(curves: pd.DataFrame) -> pd.DataFrame:
    rows = as_records(curves)
    return pd.DataFrame(
        {
            "setting": [row["label"] for row in rows],
            "training texts": [f"{row['train_size']:,}" for row in rows],
            "runs": [str(row["n_runs"]) for row in rows],
            "accuracy": [with_margin(row["accuracy"], row["half_width"]) for row in rows],
            "line to beat": [
                f"{row['line']} {percent(row['line_accuracy'])}" if pd.notna(row["line_accuracy"]) else ""
                for row in rows
            ],
            "ahead of it by": [
                f"{points(row['difference'], signed=True)} ({points(row['low'], signed=True)} to "
                f"{points(row['high'], signed=True)})"
                if pd.notna(row["difference"])
                else ""
                for row in rows
            ],
        }
    )


def _show_more(more: pd.DataFrame) -> pd.DataFrame:
    rows = as_records(more)
    return pd.DataFrame(
        {
            "setting": [row["label"] for row in rows],
            "accuracy now": [f"{percent(row['accuracy'])} at {row['train_size']:,}" for row in rows],
            "training texts": [f"{row['twice']:,}" for row in rows],
            "gain": [points(row["gain"], signed=True) for row in rows],
            "low": [points(row["gain_low"], signed=True) for row in rows],
            "high": [points(row["gain_high"], signed=True) for row in rows],
        }
    )

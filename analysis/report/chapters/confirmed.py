"""What fresh seeds and the sealed test split said of the best settings."""

from __future__ import annotations

import pandas as pd

from analysis.records.files import as_records
from analysis.report.content import Grid, Section
from analysis.statistics.evidence import Evidence
from analysis.words.numbers import count, percent, plus_minus, points


def confirmed_chapter(evidence: Evidence) -> Section | None:
    """Search, fresh seeds and test side by side; None where nothing was confirmed."""
    table = evidence.confirmation
    if table.empty:
        return None
    return Section(
        anchor="confirmation",
        title="Confirmation",
        lead="The best settings trained again from scratch on fresh seeds, to their end; the sealed test "
        "split was opened once for each. These figures chose no setting.",
        blocks=[
            Grid(
                name="confirmation",
                title="Search, fresh seeds, test",
                frame=table,
                shown=_show(table),
                reading=read_confirmation(evidence),
            )
        ],
    )


def read_confirmation(evidence: Evidence) -> str:
    """How the setting that was best on fresh seeds did on test texts, and how the search had flattered it."""
    row = as_records(evidence.confirmation)[0]
    flattered = "flattered it by" if row["optimism"] > 0 else "had understated it by"
    seeds, texts = count(int(row["n_confirmed"]), "fresh seed"), count(evidence.facts.n_test, "test text")
    return (
        f"On {seeds}, {row['label']} reaches {percent(row['confirmed'])}"
        f"{_margin(row['confirmed_half_width'])} on validation texts and {percent(row['test'])}"
        f"{_margin(row['test_half_width'])} on {texts} that chose nothing; the search {flattered} "
        f"{points(abs(row['optimism']))}."
    )


def _margin(half_width: float) -> str:
    return "" if pd.isna(half_width) else plus_minus(half_width)


def _show(table: pd.DataFrame) -> pd.DataFrame:
    rows = as_records(table)
    return pd.DataFrame(
        {
            "setting": [row["label"] for row in rows],
            "in the search": [percent(row["searched"]) for row in rows],
            "fresh seeds": [percent(row["confirmed"]) + _margin(row["confirmed_half_width"]) for row in rows],
            "seeds": [f"{row['n_confirmed']:.0f}" for row in rows],
            "test": [percent(row["test"]) + _margin(row["test_half_width"]) for row in rows],
            "search flattered, points": [f"{100 * row['optimism']:.1f}" for row in rows],
            "validation over test, points": [f"{100 * row['val_minus_test']:.1f}" for row in rows],
        }
    )

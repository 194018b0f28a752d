"""What a report consists of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from analysis.report.faults import Faults

NOTHING_VARIED = "Nothing was varied among the completed runs, so no factor can be judged."
NO_ACCURACY = (
    "No accuracy of a completed run was recorded: levels, settings and factors are compared by that alone."
)
"""Said by each chapter on factors where there are none; said once, a report gathers it."""

Tone = Literal["good", "plain", "warning"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence that a reader can act on, with its uncertainty in it.

    Attributes:
        text: The sentence.
        tone: `warning` where it limits what may be concluded, `good` for an answer, else `plain`.
        anchor: The section that shows what it rests on.
        kind: What it is about; `best` and `onset` are what a command line prints last.
    """

    text: str
    tone: Tone = "plain"
    anchor: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure with its reading.

    Attributes:
        name: File name without ending, and its anchor in the page.
        title: Its heading.
        draw: Draws it.
        reading: One sentence computed from the data: what to see.
        alt: What it shows, for those who cannot see it.
        table: The name of the table that holds its data.
        wide: Whether it takes the full width of the page.
    """

    name: str
    title: str
    draw: Callable[[], Figure]
    reading: str
    alt: str
    table: str | None = None
    wide: bool = True


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table in the page.

    Attributes:
        name: File name of its CSV, without ending.
        title: Its heading.
        frame: What the CSV holds, in full and unrounded.
        shown: What the page shows: texts, one row per row; empty columns are left out.
        reading: One sentence computed from the data.
        limit: Rows that the page shows; the rest is in the CSV.
    """

    name: str
    title: str
    frame: pd.DataFrame
    shown: pd.DataFrame
    reading: str = ""
    limit: int = 20


@dataclass(frozen=True, kw_only=True)
class Note:
    """A paragraph."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Lines to be copied as they are, with their heading."""

    title: str
    text: str


Block = Chart | Grid | Listing | Note


@dataclass(frozen=True, kw_only=True)
class Section:
    """A chapter of the page with its anchor; `short` is its name in the bar of chapters, if not the title."""

    anchor: str
    title: str
    short: str = ""
    lead: str = ""
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One figure of the strip at the top."""

    value: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole report.

    Attributes:
        kind: What kind of page this is.
        title: The study's name, or what is compared.
        subtitle: One line below it.
        facts: The strip of figures.
        findings: The sentences at the top.
        sections: The chapters.
        rows: The table of all trials; None where there is none.
        tables: Further tables to be written as CSV only, by name.
        footer: The last line.
        faults: What could not be made.
    """

    kind: str
    title: str
    subtitle: str
    facts: list[Fact]
    findings: list[Finding]
    sections: list[Section]
    rows: pd.DataFrame | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    footer: str = ""
    faults: Faults = field(default_factory=Faults)

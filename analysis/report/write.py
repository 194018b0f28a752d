"""A report's folder: the page, its figures and its tables."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pandas as pd

from analysis.errors import AnalysisError, UnwritableError
from analysis.garbage import no_collection
from analysis.records.atomic import replace_file
from analysis.records.files import write_csv
from analysis.records.loading import Study, as_study
from analysis.records.paths import AnyPath, as_path
from analysis.report.assistant import Assistant
from analysis.report.build import build_report
from analysis.report.comparison import build_comparison, is_comparison
from analysis.report.content import Block, Chart, Grid, Note, Report, Section
from analysis.report.drawing import FigureDrawer
from analysis.report.faults import Faults
from analysis.report.markdown import render_markdown
from analysis.report.page import render_html
from analysis.report.svg import Drawn
from analysis.statistics.comparisons.rules import rule_of

logger = logging.getLogger(__name__)

Format = Literal["html", "md"]

_FIGURES = "figures"
"""The folder of the figures, in that of the report."""

_PAGES: Mapping[Format, str] = MappingProxyType({"html": "index.html", "md": "report.md"})


def write_report(
    study: Study | AnyPath,
    folder: AnyPath,
    *,
    format: Format = "html",
    figures: bool = True,
    margin: float | None = None,
    faults: Faults | None = None,
) -> Path:
    """Write the report of one study.

    A chapter or figure that cannot be made is replaced by a line that says so; the traceback goes to
    `faults.log` in the folder, which is there only then.

    Args:
        study: What `analysis.load` gave, or its directory.
        folder: Made if missing; files of an earlier report in it are replaced, each at once.
        format: `html` for a page, `md` for a pull request.
        figures: Whether to draw; without them the page holds their readings only.
        margin: Difference under which nobody would act, in points; by default the spec's.
        faults: What could not be made before; what cannot be made here is added.

    Returns:
        The page: `index.html` or `report.md`.

    Raises:
        AnalysisError: If the format is unknown, or the margin no number of points.
        UnwritableError: If the folder cannot be written.
    """
    judged, folder = _judge_by(as_study(study), margin), as_path(folder)
    with no_collection(), Assistant() as assistant:  # a report leaves little
        drawer = _begin_drawing(folder, assistant) if figures else None
        report = build_report(judged, faults, lambda s: drawer.offer(_charts([s])) if drawer else None)
        return write_folder(report, folder, format=format, drawer=drawer)


def write_comparison(
    studies: Sequence[Study | AnyPath],
    folder: AnyPath,
    *,
    format: Format = "html",
    figures: bool = True,
    margin: float | None = None,
) -> Path:
    """Write the report that compares studies; arguments as those of `write_report`.

    Raises:
        AnalysisError: If there are fewer than two studies, or the folder holds another page than an earlier
            comparison.
        UnwritableError: If the folder cannot be written.
    """
    folder = as_path(folder)
    _check_pages(folder)
    judged = [_judge_by(as_study(study), margin) for study in studies]
    with no_collection(), Assistant() as assistant:
        drawer = _begin_drawing(folder, assistant) if figures else None
        return write_folder(build_comparison(judged), folder, format=format, drawer=drawer)


def _check_pages(folder: Path) -> None:
    """Refuse to write over a page that is no comparison: a study's report, or somebody's own."""
    for page in (folder / name for name in _PAGES.values()):
        if page.is_file() and not is_comparison(page.read_text(encoding="utf-8", errors="replace")):
            raise AnalysisError(
                f"a comparison takes the place of an earlier one alone: {page} is something else; name "
                "another folder"
            )


def _judge_by(study: Study, margin: float | None) -> Study:
    """The same study with another margin; None leaves it as it is."""
    if margin is None:
        return study
    spec = {**study.spec, "margin": margin}
    rule_of(spec)  # here, where it is said at once
    return replace(study, facts=study.facts.model_copy(update={"spec": spec}))


def _begin_drawing(folder: Path, assistant: Assistant) -> FigureDrawer:
    assistant.begin()
    return FigureDrawer(folder / _FIGURES, assistant)


def write_folder(report: Report, folder: Path, *, format: Format, drawer: FigureDrawer | None = None) -> Path:
    """Write a report's page and tables, and its figures if there is somebody to draw them."""
    if format not in _PAGES:
        raise AnalysisError(f"a report is written as html or md, not {format!r}: choose one of the two")
    try:
        is_again = any((folder / name).is_file() for name in _PAGES.values())
        for part in (folder / "tables", folder / _FIGURES):
            part.mkdir(parents=True, exist_ok=True)
        _write_tables(report, folder / "tables")
        drawings: dict[str, Drawn] = {}
        if drawer is not None:
            report, drawings = _draw_figures(report, drawer)
        report.faults.write(folder)
        page = folder / _PAGES[format]
        text = render_html(report, drawings) if format == "html" else render_markdown(report, set(drawings))
        replace_file(page, lambda stream: stream.write(text.encode(errors="replace")))
        if is_again:  # else what lies there is nobody's report
            _remove_outdated(folder, report, drawings)
    except OSError as error:
        raise UnwritableError(
            f"{folder}: the report cannot be written ({error.strerror or error}): "
            "free space or choose another folder"
        ) from error
    logger.info("wrote %s", page)
    return page


def _blocks(report: Report) -> Iterator[Block]:
    for section in report.sections:
        yield from section.blocks


def _write_tables(report: Report, folder: Path) -> None:
    tables: dict[str, pd.DataFrame] = dict(report.tables)
    tables |= {block.name: block.frame for block in _blocks(report) if isinstance(block, Grid)}
    for name, frame in tables.items():
        write_csv(frame, folder / f"{name}.csv")


def _remove_outdated(folder: Path, report: Report, drawings: Collection[str]) -> None:
    """Take away tables and figures of an earlier report: nobody should read them as of this one."""
    tables = {*report.tables, *(block.name for block in _blocks(report) if isinstance(block, Grid))}
    outdated = [path for path in (folder / "tables").glob("*.csv") if path.stem not in tables]
    if drawings:
        made = [path for path in (folder / _FIGURES).iterdir() if path.suffix in (".svg", ".png")]
        outdated += [path for path in made if path.stem not in drawings]
    for path in outdated:
        path.unlink()


def _charts(sections: Iterable[Section]) -> list[Chart]:
    return [block for section in sections for block in section.blocks if isinstance(block, Chart)]


def _draw_figures(report: Report, drawer: FigureDrawer) -> tuple[Report, dict[str, Drawn]]:
    """Draw all figures; each that cannot be drawn becomes a line that says so."""
    charts = _charts(report.sections)
    drawings: dict[str, Drawn] = {}
    lines: dict[str, Note] = {}
    for chart, (drawn, traces) in zip(charts, drawer.draw(charts), strict=True):
        report.faults.traces.update(traces)
        if isinstance(drawn, Drawn):
            drawings[chart.name] = drawn
        else:
            lines[chart.name] = Note(text=drawn, tone="warning")
    sections = [
        replace(s, blocks=[lines.get(b.name, b) if isinstance(b, Chart) else b for b in s.blocks])
        for s in report.sections
    ]
    return replace(report, sections=sections), drawings

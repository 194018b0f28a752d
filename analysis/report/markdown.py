"""A report as Markdown, for pull requests and terminals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.report.content import Block, Chart, Grid, Listing, Report

_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]<>#|~$!"} | {"&": "&amp;", "@": "@\u200b"})
_ROWS = 10


def render_markdown(report: Report, drawn: set[str]) -> str:
    """Write the report as GitHub's Markdown.

    Args:
        report: What to say.
        drawn: Names of the figures that lie in `figures/`.
    """
    lines = [f"# {escape(report.title)}", "", escape(report.subtitle), ""]
    lines += [
        f"- **{escape(fact.label)}**: {escape(fact.value)}"
        + (f" ({escape(fact.detail)})" if fact.detail else "")
        for fact in report.facts
    ]
    lines += ["", "## Findings", ""]
    lines += [f"{number}. {escape(finding.text)}" for number, finding in enumerate(report.findings, start=1)]
    for section in report.sections:
        lines += ["", f"## {escape(section.title)}", ""]
        lines += [escape(section.lead), ""] if section.lead else []
        for block in section.blocks:
            lines += _block(block, drawn)
    return "\n".join([*lines, "", escape(report.footer), ""])


def escape(text: object) -> str:
    """A text from data as Markdown that shows just that: no markup, no mention, one line."""
    return " ".join(str(text).split()).translate(_SPECIAL)


def _block(block: Block, drawn: set[str]) -> Iterable[str]:
    if isinstance(block, Chart):
        image = f"![{escape(block.alt)}](figures/{block.name}.png)"
        return [
            f"### {escape(block.title)}",
            "",
            *([image, ""] if block.name in drawn else []),
            escape(block.reading),
            "",
        ]
    if isinstance(block, Grid):
        return [f"### {escape(block.title)}", "", *_table(block), ""]
    if isinstance(block, Listing):
        # Indented, not fenced: no line of it can end the block.
        return [f"### {escape(block.title)}", "", *(f"    {line}" for line in block.text.splitlines()), ""]
    return [escape(block.text), ""]


def _table(grid: Grid) -> Sequence[str]:
    rows = grid.shown.head(_ROWS)
    lines = [escape(grid.reading), ""] if grid.reading else []
    lines.append("| " + " | ".join(escape(name) for name in rows.columns) + " |")
    lines.append("|" + "---|" * len(rows.columns))
    lines += [
        "| " + " | ".join(escape(cell) for cell in row) + " |"
        for row in rows.itertuples(index=False, name=None)
    ]
    if len(grid.frame) > len(rows):
        lines += [
            "",
            f"{len(grid.frame) - len(rows):,} more in [tables/{grid.name}.csv](tables/{grid.name}.csv).",
        ]
    return lines

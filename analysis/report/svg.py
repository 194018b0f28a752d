"""Figures for the page and for the folder beside it.

In the page a figure's neutral colours become the page's own variables, so that it follows light and dark, and
the values behind its marks become hover texts. Both are plain SVG: no script.
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.plots.style import ACCENT, GRID, INK, MUTED, styled
from analysis.records.atomic import replace_file
from analysis.words.labels import CELL_COLORS, OTHER_COLOR

_PNG_DPI = 144
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    ACCENT: "var(--accent)",
    OTHER_COLOR: "var(--other)",
    "#FFFFFF": "var(--card)",
    **{color: f"var(--{cell})" for cell, color in CELL_COLORS.items()},
}
_COLOR = re.compile("|".join(re.escape(color.lower()) for color in _VARIABLES))
_BY_LOWER = {color.lower(): variable for color, variable in _VARIABLES.items()}
_TIP = re.compile(r"""<a xlink:href=(["'])tip:(.*?)\1[^>]*>(.*?)</a>""", re.DOTALL)
_FONT = re.compile(r"font:([^;\"]*?)'DejaVu Sans'[^;\"]*")
_ID = re.compile(r' id="([^"]+)"')
_GEOMETRY = re.compile(r' (?:d|x|y|points|transform)="[^"]*"')
_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def render_svg(figure: Figure) -> str:
    """Draw a figure as SVG text, without XML prologue and metadata."""
    buffer = io.StringIO()
    with styled():
        _lay_out(figure)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    text = buffer.getvalue()
    return _resolve_tips(text[text.index("<svg") :])


def _lay_out(figure: Figure) -> None:
    """Place all parts once and for all: while a figure has a layout engine, each saving draws it twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)


def _resolve_tips(text: str) -> str:
    """Matplotlib can attach an address to a mark, not a hover text: the one carries the other to here."""

    def as_title(match: re.Match[str]) -> str:
        tip = html.escape(html.unescape(match.group(2)))
        return f"<g><title>{tip}</title>{match.group(3)}</g>"

    return _TIP.sub(as_title, text)


def inline_svg(text: str, name: str, alt: str) -> Markup:
    """Turn a drawn figure into an element of the page.

    Args:
        text: What `render_svg` gave.
        name: The figure's name, which keeps its ids apart from other figures'.
        alt: What the figure shows, for those who cannot see it.
    """
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    text = _ID.sub(lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = _COLOR.sub(lambda match: _BY_LOWER[match[0]], text)
    text = _FONT.sub(r"font:\1var(--sans)", text)
    text = _GEOMETRY.sub(_round_geometry, text)
    width, height = _size(text)
    head = f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {width} {height}"'
    body = text[text.index(">") :]
    # Safe: drawn by matplotlib, which escapes texts, and by `_resolve_tips`.
    return Markup(head + body)  # noqa: S704


def _round_geometry(attribute: re.Match[str]) -> str:
    """A tenth of a point is finer than any screen: the rest is bytes."""
    return _NUMBER.sub(lambda number: f"{float(number[0]):.1f}", attribute[0])


def _size(text: str) -> tuple[str, str]:
    match = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    if match is None:
        raise ValueError("matplotlib wrote an SVG without a viewBox")
    return match[1], match[2]


def save_figure(figure: Figure, svg: str, folder: Path, name: str) -> None:
    """Write `name.svg` and `name.png` for use elsewhere, on white."""
    prologue = '<?xml version="1.0" encoding="utf-8"?>\n'
    card = '<rect width="100%" height="100%" fill="white"/>'
    cut = svg.index(">") + 1
    text = prologue + svg[:cut] + card + svg[cut:]
    replace_file(folder / f"{name}.svg", lambda stream: stream.write(text.encode()))
    with styled():
        replace_file(
            folder / f"{name}.png", lambda stream: figure.savefig(stream, format="png", dpi=_PNG_DPI)
        )

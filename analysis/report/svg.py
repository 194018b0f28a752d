"""Figures for the page and for the folder beside it.

In the page a figure's neutral colours become the page's own variables, so that it follows light and dark, and
the values behind its marks become hover texts. Both are plain SVG: no script.
"""

from __future__ import annotations

import copy
import functools
import io
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

# Parses what matplotlib wrote a moment ago, and nothing else.
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from analysis.plots.style import ACCENT, GRID, INK, MUTED, styled
from analysis.records.atomic import replace_file
from analysis.words.labels import CELL_COLORS, OTHER_COLOR

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"

Drawing = ElementTree.Element
"""A figure that is drawn: the root of its SVG."""

_PNG_DPI = 144
_VARIABLES = {
    color.lower(): variable
    for color, variable in {
        INK: "var(--ink)",
        MUTED: "var(--muted)",
        GRID: "var(--line)",
        ACCENT: "var(--accent)",
        OTHER_COLOR: "var(--other)",
        "#FFFFFF": "var(--card)",
        **{color: f"var(--{cell})" for cell, color in CELL_COLORS.items()},
    }.items()
}
_GEOMETRY = ("d", "x", "y", "points", "transform")
_FINE_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
"""Bytes that no XML may hold, and a text from data may."""

ElementTree.register_namespace("", SVG[1:-1])
ElementTree.register_namespace("xlink", HREF[1:].partition("}")[0])


@dataclass(frozen=True)
class Drawn:
    """A figure as it is drawn for the page, and for a narrow one where that asks for another drawing."""

    wide: Drawing
    narrow: Drawing | None = None


def render_svg(figure: Figure, *, tips: bool = True) -> Drawing:
    """Draw a figure as SVG, without metadata.

    Args:
        figure: What to draw.
        tips: Whether the marks' hover texts become titles; a hand-held page has no pointer, and saves them.
    """
    buffer = io.BytesIO()
    with styled():
        _lay_out(figure)
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=metadata, transparent=True)
    root = ElementTree.fromstring(buffer.getvalue().translate(None, _CONTROLS))  # noqa: S314
    for link in root.iter(f"{SVG}a"):
        _turn_into_title(link, tips)
    return root


def _lay_out(figure: Figure) -> None:
    """Place all parts once and for all: while a figure has a layout engine, each saving draws it twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                _pin_labels(axis)


def _pin_labels(axis: Axis) -> None:
    """Keep an axis's labels where they are: each drawing would measure them all again, to the same end."""
    label = axis.label
    if label.get_text():
        axis.get_tightbbox()  # the layout moved the axes once more after it had placed the label beside them
    place = axis.axes.transAxes.inverted().transform(label.get_transform().transform(label.get_position()))
    axis.set_label_coords(*place)
    for text in axis.get_ticklabels(which="both"):
        text.set_in_layout(False)


def _turn_into_title(link: ElementTree.Element, tips: bool) -> None:
    """Matplotlib can attach an address to each mark, not a hover text: the one carries the other to here."""
    title = ElementTree.Element(f"{SVG}title")
    title.text = link.attrib[HREF].removeprefix("tip:")
    link.tag = f"{SVG}g"
    link.attrib.clear()
    if tips:
        link.insert(0, title)


def inline_svg(drawing: Drawing, name: str, alt: str) -> Markup:
    """Turn a drawn figure into an element of the page.

    Args:
        drawing: What `render_svg` gave.
        name: The figure's name, which keeps its ids apart from other figures'.
        alt: What the figure shows, for those who cannot see it.
    """
    root = _adapt(drawing, name, set(_references(drawing)))
    root.attrib = {"role": "img", "aria-label": alt, "viewBox": drawing.attrib["viewBox"]}
    # Safe: texts and attributes are escaped as they are written.
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704


def _references(drawing: Drawing) -> Iterator[str]:
    """Yield the ids that something in a drawing refers to."""
    for element in drawing.iter():
        for key, value in element.items():
            if key == HREF:
                yield value.removeprefix("#")
            elif "url(" in value:
                yield from _REFERENCE.findall(value)


def _adapt(element: ElementTree.Element, name: str, used: Set[str]) -> ElementTree.Element:
    """Copy an element, and all in it, for a page in HTML, where SVG's names have no namespace."""
    adapted = ElementTree.Element(element.tag.removeprefix(SVG))
    for key, value in element.items():
        if key == "id":
            if value in used:
                adapted.set("id", f"{name}-{value}")
        elif key == HREF:
            adapted.set("href", f"#{name}-{value.removeprefix('#')}")
        elif key == "style":
            adapted.set("style", _adapt_style(_prefix_references(value, name)))
        elif key in _GEOMETRY:
            # A tenth of a point is finer than any screen: the rest is bytes.
            adapted.set(key, _FINE_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", value))
        else:
            adapted.set(key, _prefix_references(value, name))
    adapted.text, adapted.tail = element.text, element.tail
    adapted.extend(_adapt(child, name, used) for child in element)
    return adapted


def _prefix_references(value: str, name: str) -> str:
    return value.replace("url(#", f"url(#{name}-")


@functools.cache  # of thousands of marks, most have the same
def _adapt_style(style: str) -> str:
    """Let the page decide about the colours and the font of a style."""
    return "; ".join(
        f"{key}: {_adapt_declaration(key, value)}"
        for key, _, value in (part.strip().partition(": ") for part in style.split(";"))
        if key
    )


def _adapt_declaration(key: str, value: str) -> str:
    if key in ("font", "font-family"):
        return value.partition("'")[0] + "var(--sans)"
    return _VARIABLES.get(value, value)


def save_figure(figure: Figure, drawing: Drawing, folder: Path, name: str) -> None:
    """Write `name.svg` and `name.png` for use elsewhere, on white."""
    card = ElementTree.Element(f"{SVG}rect", {"width": "100%", "height": "100%", "fill": "white"})
    root = copy.copy(drawing)
    root.insert(0, card)
    replace_file(
        folder / f"{name}.svg",
        lambda stream: ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True),
    )
    with styled():
        replace_file(
            folder / f"{name}.png", lambda stream: figure.savefig(stream, format="png", dpi=_PNG_DPI)
        )

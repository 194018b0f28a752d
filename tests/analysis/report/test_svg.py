from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from analysis.plots.style import INK, new_axes, plain, styled
from analysis.report.svg import SVG, Drawing, inline_svg, render_svg, save_figure
from analysis.words.labels import CELL_COLORS


def draw(tip: str = "a tip", title: str = "a title") -> Drawing:
    with styled():
        figure, axes = new_axes(3, 2)
        axes.set_title(title)
        axes.plot([0, 1], [0.123456, 1], color=CELL_COLORS["lstm"])
        axes.scatter([0.5], [0.5], color=INK).set_urls([f"tip:{tip}"])
        return render_svg(figure)


def test_marks_carry_their_values_as_hover_texts() -> None:
    drawing = draw('0.8765 of <b> & "more"')

    page = inline_svg(drawing, "name", "alt")

    assert [title.text for title in drawing.iter(f"{SVG}title")] == ['0.8765 of <b> & "more"']
    assert '<title>0.8765 of &lt;b&gt; &amp; "more"</title>' in page
    assert "tip:" not in page


def test_a_figure_takes_the_colours_of_its_page() -> None:
    svg = inline_svg(draw(title=f"a text of {CELL_COLORS['lstm'].lower()}"), "name", "alt")
    assert "stroke: var(--lstm)" in svg
    assert svg.count(CELL_COLORS["lstm"].lower()) == 1  # texts are left alone


def test_a_figure_takes_the_font_of_its_page() -> None:
    svg = inline_svg(draw(), "name", "alt")
    assert "font-family: var(--sans)" in svg
    assert "DejaVu" not in svg


def test_a_saved_figure_is_a_whole_file_on_white(tmp_path: Path) -> None:
    with styled():
        figure, axes = new_axes(3, 2)
        axes.set_title("été & <b>")
        drawing = render_svg(figure)
    n_children = len(drawing)

    save_figure(figure, drawing, tmp_path, "mine")

    root = ElementTree.parse(tmp_path / "mine.svg").getroot()  # noqa: S314 - ours
    assert (root.tag, root[0].tag, root[0].get("fill")) == (f"{SVG}svg", f"{SVG}rect", "white")
    assert "été & <b>" in "".join(root.itertext())
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert len(drawing) == n_children  # the drawing for the page has no card


def test_ids_of_two_figures_differ() -> None:
    first, second = (inline_svg(draw(), name, "alt") for name in ("one", "two"))
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)\)", first)) <= ids[0]


def test_rounding_coordinates_leaves_texts_alone() -> None:
    svg = inline_svg(draw(title="loss 0.4434"), "name", "alt")
    assert "loss 0.4434" in svg
    assert not re.search(r' d="[^"]*\.\d\d', svg)


def test_the_same_figure_gives_the_same_text() -> None:
    assert inline_svg(draw(), "name", "alt") == inline_svg(draw(), "name", "alt")


def test_a_text_with_what_no_xml_may_hold_is_drawn_without_it() -> None:
    (title,) = draw(tip="one\x0btwo").iter(f"{SVG}title")
    assert title.text == "onetwo"


@pytest.mark.parametrize("alt", ['"><script>', "<b>&"])
def test_alternative_texts_are_escaped(alt: str) -> None:
    page = inline_svg(draw(), "name", alt)
    assert "<script" not in page
    assert "<b" not in page
    assert ElementTree.fromstring(page).get("aria-label") == alt  # noqa: S314 - ours


def test_titles_are_no_mathematics() -> None:
    assert "$\\frac{" in inline_svg(draw(title="$\\frac{"), "name", "alt")


@pytest.mark.parametrize(("text", "shown"), [("a\nb", "a b"), ("語", "?"), ("x" * 50, "x" * 39 + "…")])
def test_a_text_from_data_is_made_drawable(text: str, shown: str) -> None:
    assert plain(text) == shown

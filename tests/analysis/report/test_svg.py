from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.plots.curves import Panel, draw_panels
from analysis.plots.style import INK, narrowed, new_axes, plain, styled
from analysis.report.page import style_sheet
from analysis.report.svg import SVG, Drawing, inline_svg, render_svg, save_figure
from analysis.words.labels import CELL_COLORS, CELLS


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


def test_a_page_knows_the_colours_of_each_cell_by_day_and_by_night() -> None:
    by_day, by_night = (re.findall(r"--(\w+): #[0-9a-f]+", rules) for rules in _by_scheme(style_sheet()))
    assert set(CELLS) <= set(by_day) == set(by_night)
    assert len(by_day) == len(set(by_day))  # no cell takes the name of another colour
    for cell in CELLS:
        assert f"td[data-cell={cell}]::before" in style_sheet()


def _by_scheme(css: str) -> tuple[str, str]:
    """Return the rules that hold always, and those of a dark page; leave out what is for paper."""
    css = re.sub(r"@media print \{.*?\n\}", "", css, flags=re.DOTALL)
    dark = re.compile(r"@media[^{]*dark\) \{(.*?\})\s*\}", re.DOTALL)
    return dark.sub("", css), "".join(dark.findall(css))


def test_a_figure_takes_the_font_of_its_page() -> None:
    svg = inline_svg(draw(), "name", "alt")
    assert "font-family: var(--sans)" in svg
    assert "DejaVu" not in svg


def place_texts(svg: ElementTree.Element) -> dict[str, tuple[float, ...]]:
    texts = list(svg.iter(f"{SVG}text"))
    return {
        "".join(text.itertext()): tuple(
            float(number)
            for number in re.findall(r"-?\d+\.?\d*", f"{text.get('style')} {text.get('transform')}")
        )
        for text in texts
    }


def make_one() -> Figure:
    figure, axes = new_axes(3, 2)
    axes.plot([0, 1], [1000, 20000])
    axes.set(xlabel="across", ylabel="up")
    return figure


def make_narrow() -> Figure:
    """Panels whose axes have other ticks before they are laid out than after."""
    epochs = pd.DataFrame({"replicate": 1, "epoch": range(1, 7)})
    panels = [
        Panel(
            title=cell.upper(),
            cell=cell,
            epochs=epochs.assign(val_loss=np.linspace(3.13, last, 6), train_loss=np.linspace(3.16, 0.9, 6)),
            best_epoch=6,
            onset=None,
        )
        for cell, last in (("lstm", 1.6), ("gru", 1.92))
    ]
    with narrowed():
        return draw_panels(panels, "loss", 6)


@pytest.mark.parametrize(("make", "labels"), [(make_one, ["across", "up"]), (make_narrow, ["epoch", "loss"])])
def test_labels_stand_where_a_drawing_that_measures_them_again_puts_them(
    make: Callable[[], Figure], labels: list[str]
) -> None:
    with styled():
        laid_out, measured = make(), io.BytesIO()
        engine = laid_out.get_layout_engine()
        assert engine is not None
        engine.execute(laid_out)
        laid_out.set_layout_engine(None)
        laid_out.savefig(measured, format="svg")
        figure = make()
        pinned = place_texts(render_svg(figure))
        again = place_texts(render_svg(figure))

    expected = place_texts(ElementTree.fromstring(measured.getvalue()))  # noqa: S314 - ours
    assert pinned.keys() == expected.keys() >= set(labels)
    # What letters take is rounded to pixels, and these differ in size.
    assert all(place == pytest.approx(expected[text], abs=2.5) for text, place in pinned.items())
    assert again == pinned


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

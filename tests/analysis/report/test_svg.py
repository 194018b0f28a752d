from __future__ import annotations

import re

import pytest

from analysis.plots.style import INK, new_axes, plain, styled
from analysis.report.svg import inline_svg, render_svg
from analysis.words.labels import CELL_COLORS


def draw(tip: str = "a tip", title: str = "a title") -> str:
    with styled():
        figure, axes = new_axes(3, 2)
        axes.set_title(title)
        axes.plot([0, 1], [0.123456, 1], color=CELL_COLORS["lstm"])
        axes.scatter([0.5], [0.5], color=INK).set_urls([f"tip:{tip}"])
        return render_svg(figure)


def test_marks_carry_their_values_as_hover_texts() -> None:
    svg = draw('0.8765 of <b> & "more"')
    assert "<title>0.8765 of &lt;b&gt; &amp; &quot;more&quot;</title>" in svg
    assert 'xlink:href="tip:' not in svg


def test_a_figure_takes_the_colours_of_its_page() -> None:
    svg = inline_svg(draw(), "name", "alt")
    assert "var(--lstm)" in svg
    assert CELL_COLORS["lstm"].lower() not in svg


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
    assert draw() == draw()


@pytest.mark.parametrize("alt", ['"><script>', "<b>&"])
def test_alternative_texts_are_escaped(alt: str) -> None:
    head = inline_svg(draw(), "name", alt).split(">")[0]
    assert "<script" not in head
    assert "<b" not in head


def test_titles_are_no_mathematics() -> None:
    assert "$\\frac{" in draw(title="$\\frac{")


@pytest.mark.parametrize(("text", "shown"), [("a\nb", "a b"), ("語", "?"), ("x" * 50, "x" * 39 + "…")])
def test_a_text_from_data_is_made_drawable(text: str, shown: str) -> None:
    assert plain(text) == shown

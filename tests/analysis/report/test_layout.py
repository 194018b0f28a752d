"""The page as a browser lays it out: no text lies on another, and none is cut, on a desk and in a hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import Study, write_report

pytestmark = pytest.mark.slow

WIDE, NARROW = 1200, 400

FIND_FAULTS = """
const faults = [];
const isShown = (element) => element.getClientRects().length > 0;
for (const svg of document.querySelectorAll("svg")) {
  if (!isShown(svg)) continue;
  const name = svg.parentElement.parentElement.id;
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim());
  const boxes = texts.map((text) => {
    const box = text.getBoundingClientRect();
    // A text's box has room for accents and tails that its letters need not fill.
    const room = 0.2 * box.height;
    return { said: text.textContent, left: box.left + 0.5, right: box.right - 0.5,
             top: box.top + room, bottom: box.bottom - room };
  }).sort((a, b) => a.top - b.top);
  boxes.forEach((box, index) => {
    const isInside = box.left > frame.left - 1 && box.right < frame.right + 1
      && box.top > frame.top - 1 && box.bottom < frame.bottom + 1;
    if (!isInside) faults.push(`${name}: "${box.said}" is cut`);
    for (const other of boxes.slice(index + 1)) {
      if (other.top >= box.bottom) break;
      if (other.left < box.right && box.left < other.right)
        faults.push(`${name}: "${box.said}" lies on "${other.said}"`);
    }
  });
}
const mayScroll = "svg, svg *, .scroller, .scroller *, pre, pre *, .visually-hidden";
for (const element of document.querySelectorAll("header, main *, footer")) {
  if (!isShown(element) || element.matches(mayScroll) || !element.clientWidth) continue;
  if (element.scrollWidth > element.clientWidth + 1)
    faults.push(`${element.tagName} "${element.innerText.slice(0, 40)}" is wider than its place`);
}
if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
return faults;
"""

KINDS: dict[str, dict[str, Any]] = {
    "the usual": {"n_trials": 40, "n_seeds": 1, "max_epochs": 8},
    "two seeds": {},
    "fifty classes": {
        "n_classes": 50,
        "n_trials": 6,
        "n_validation": 1000,
        "n_predicted": 6,
        "classes": tuple(f"a class of a long name {number}" for number in range(50)),
    },
    "one run": {"n_trials": 1, "n_seeds": 1, "fail_fraction": 0, "prune_fraction": 0, "n_predicted": 1},
    "many epochs": {"n_trials": 8, "n_seeds": 3, "n_classes": 6, "max_epochs": 60, "n_predicted": 8},
    "nothing": {"n_trials": 0},
}


def show(browser: Any, page: Path, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_lies_on_another_and_none_is_cut(
    browser: Any, make_study: Callable[..., Study], tmp_path: Path, kind: str
) -> None:
    page = write_report(make_study(**KINDS[kind]), tmp_path / "report")
    faults = {}
    for width in (WIDE, NARROW):
        show(browser, page, width)
        faults[width] = browser.execute_script(FIND_FAULTS)

    assert faults == {WIDE: [], NARROW: []}


def test_what_lies_on_another_and_what_is_cut_is_found(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    texts = ((5, 20, "one"), (9, 22, "two"), (5, 60, "three"), (280, 90, "four"))
    drawn = "".join(f'<text x="{x}" y="{y}">{said}</text>' for x, y, said in texts)
    svg = f'<figure id="f"><div><svg width="300" height="100">{drawn}</svg></div></figure>'
    page.write_text(f'<main>{svg}<p style="width: 3em">incomprehensibilities</p></main>', encoding="utf-8")

    show(browser, page, NARROW)

    assert browser.execute_script(FIND_FAULTS) == [
        'f: "one" lies on "two"',
        'f: "four" is cut',
        'P "incomprehensibilities" is wider than its place',
    ]


@pytest.mark.parametrize(("width", "shown"), [(WIDE, "wide"), (NARROW, "narrow")])
def test_a_figure_is_drawn_for_the_width_of_the_page(
    browser: Any, small_study: Study, tmp_path: Path, width: int, shown: str
) -> None:
    show(browser, write_report(small_study, tmp_path / "report"), width)

    find = "return [...document.querySelectorAll('.drawing')].filter((e) => e.getClientRects().length)"
    drawings = browser.execute_script(f"{find}.map((e) => e.className)")

    assert set(drawings) == {f"drawing {shown}", "drawing any"}


@pytest.mark.parametrize("kind", ["the usual", "two seeds", "many epochs"])
def test_all_columns_of_a_table_are_in_sight_of_a_wide_page(
    browser: Any, make_study: Callable[..., Study], tmp_path: Path, kind: str
) -> None:
    show(browser, write_report(make_study(**KINDS[kind]), tmp_path / "report"), WIDE)

    boxes = "[...document.querySelectorAll('.grid:not(.tall) .scroller')]"
    hidden = "box => box.scrollWidth > box.clientWidth + 1"
    find = f"return {boxes}.filter({hidden}).map(box => box.parentElement.id)"

    assert browser.execute_script(find) == []


def test_name_and_accuracy_of_a_setting_are_in_sight_of_a_narrow_page(
    browser: Any, small_study: Study, tmp_path: Path
) -> None:
    show(browser, write_report(small_study, tmp_path / "report"), NARROW)

    script = """
        const box = document.querySelector("#table-ranking .scroller");
        const place = (cell) => cell.getBoundingClientRect();
        const [, name, accuracy] = box.querySelectorAll("tbody tr:first-child td");
        const before = [place(name).left, place(accuracy).right];
        box.scrollLeft = 999;
        return [...before, box.getBoundingClientRect().right, place(name).left,
                box.getBoundingClientRect().left, box.scrollLeft];
    """
    left, right, end, left_after, start, scrolled = browser.execute_script(script)

    assert left < right <= end + 1
    assert scrolled > 100
    assert start - 1 <= left_after < start + 60

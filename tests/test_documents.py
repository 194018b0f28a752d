"""Documents point at what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
ARCHITECTURE = ROOT / "docs" / "architecture.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8"))

    for path, anchor in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        if anchor:
            assert anchor in list_anchors(target), f"{path}#{anchor}"


def list_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_architecture_names_modules_that_are_there() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")

    named = set(re.findall(r"(?:study|analysis|search_spaces)/[\w/]+(?:\.py)?/?", text))
    drawn = set(re.findall(r"(?<![\w/])(?:running|search|store|cluster|training)/\w+\.py", text))

    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert [path for path in sorted(drawn) if not (ROOT / "study" / path).exists()] == []


def test_the_architecture_names_every_wing() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    (order,) = re.findall(r"^cli > .*$", text, re.MULTILINE)

    wings = {path.parent.name for path in (ROOT / "study").glob("*/__init__.py")}

    assert wings <= set(re.split(r" > |, ", order))

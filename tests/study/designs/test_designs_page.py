"""Every example of docs/designs.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from search_spaces.documents import load_document
from study.designs import KINDS
from study.designs.samplers import SAMPLERS
from study.designs.search import SCHEDULER_NAMES
from study.spec.schema import StudySpec

PAGE = Path(__file__).parents[3] / "docs" / "designs.md"
BLOCKS = re.findall(r"```(yaml|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("text", [text for language, text in BLOCKS if language == "yaml"])
def test_an_example_is_a_spec(text: str) -> None:
    document: Any = load_document(text, "the page")

    spec = StudySpec.from_document({"name": "x", **document}, "the page")

    assert spec.design.count(spec.space) > 1


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [text for language, text in BLOCKS if language == "python"]

    exec(compile(program, str(PAGE), "exec"), {})  # noqa: S102 - our own page

    assert "Can answer which cell is best" in capsys.readouterr().out


def test_the_page_names_every_kind_sampler_and_scheduler() -> None:
    text = PAGE.read_text(encoding="utf-8")

    for name in (*KINDS, *SAMPLERS, *SCHEDULER_NAMES):
        assert f"`{name}`" in text

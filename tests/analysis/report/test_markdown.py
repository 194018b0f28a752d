from __future__ import annotations

from pathlib import Path

import pytest

from analysis import Study, write_report
from analysis.report.markdown import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", "a \\| b"),
        ("<script>", "\\<script\\>"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        ("# a\n# b", "\\# a \\# b"),
        ("@someone", "@\u200bsomeone"),
        ("&lt;", "&amp;lt;"),
        ("plain 87.4% \u00b1 1.3", "plain 87.4% \u00b1 1.3"),
    ],
)
def test_a_text_shows_as_itself(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_markdown_report_has_the_findings_and_well_formed_tables(
    small_study: Study, tmp_path: Path
) -> None:
    lines = (
        write_report(small_study, tmp_path, format="md", figures=False)
        .read_text(encoding="utf-8")
        .split("\n")
    )
    assert lines[0] == "# synthetic"
    assert any(line.startswith("1. Best setting: ") for line in lines)
    header = next(i for i, line in enumerate(lines) if line.startswith("| \\# | setting"))
    widths = {line.replace("\\|", "").count("|") for line in lines[header : header + 5]}
    assert len(widths) == 1


def test_a_figure_and_its_note_are_set_apart(small_study: Study, tmp_path: Path) -> None:
    text = write_report(small_study, tmp_path, format="md", figures=False).read_text(encoding="utf-8")
    assert "- **runs completed**: 22 of 24 (12 settings)" in text

from __future__ import annotations

import io

from rich.console import Console

from search_spaces import Choice, Integer, Space

SPACE = Space(
    {"cell": ["rnn", "<b>"], "[red]": Integer(8, 64, log=True), "size": Choice(["s", "m"], ordered=True)},
    {"size": "`[red]` > 9"},
    ["`[red]` < 60 if cell == '<b>'"],
)


def show(space: Space) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(space)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_repr_is_code_that_reads_line_by_line() -> None:
    assert repr(SPACE).splitlines() == [
        "Space(",
        "    {",
        "        'cell': Choice(['rnn', '<b>']),",
        "        '[red]': Integer(8, 64, log=True),",
        "        'size': Choice(['s', 'm'], ordered=True),",
        "    },",
        "    conditions={",
        "        'size': '`[red]` > 9',",
        "    },",
        "    constraints=['`[red]` < 60 if cell == \"<b>\"'],",
        ")",
    ]


def test_the_terminal_table_shows_values_conditions_and_constraints_as_they_are() -> None:
    shown = show(SPACE)

    for part in (
        "parameter",
        "only where",
        "[red]",
        "an integer from 8 to 64, log scale",
        "one of 's' < 'm'",
    ):
        assert part in shown
    assert '`[red]` < 60 if cell == "<b>"' in shown


def test_a_space_without_conditions_needs_no_column_for_them() -> None:
    space = Space({"a": 1})

    assert "only where" not in show(space) + space._repr_html_()


def test_the_notebook_table_escapes_what_comes_from_the_space() -> None:
    html = SPACE._repr_html_()

    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert "<th>only where</th>" in html
    assert html.count("<tr>") == 4
    assert "<li><code>" in html

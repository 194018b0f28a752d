"""A space for the eye: code, a table on the terminal, a table in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.core import Core

if TYPE_CHECKING:
    from rich.table import Table


HEADER = ("parameter", "values", "only where")


def list_rows(space: Core) -> list[tuple[str, str, str]]:
    """Name, values and condition of each parameter, in words; the condition is empty where there is none."""
    return [
        (name, domain.describe(), space.conditions[name].text if name in space.conditions else "")
        for name, domain in space.parameters.items()
    ]


def write_repr(space: Core) -> str:
    """Code that gives the space back."""
    lines = [
        f"{type(space).__name__}(",
        "    {",
        *(f"        {name!r}: {d!r}," for name, d in space.parameters.items()),
        "    },",
    ]
    if space.conditions:
        lines.append("    conditions={")
        lines += [f"        {name!r}: {condition.text!r}," for name, condition in space.conditions.items()]
        lines.append("    },")
    if space.constraints:
        lines.append(f"    constraints={[constraint.text for constraint in space.constraints]!r},")
    if space.defaults:
        lines.append(f"    defaults={dict(space.defaults)!r},")
    return "\n".join([*lines, ")"])


def build_rich_table(space: Core) -> Table:
    """The table that `rich.print(space)` shows; constraints stand below it."""
    from rich.table import Table
    from rich.text import Text

    below = "\n".join(constraint.text for constraint in space.constraints)
    table = Table(caption=Text(below) if below else None)
    for title in _used_header(space):
        table.add_column(title, overflow="fold")
    for row in list_rows(space):
        table.add_row(*map(Text, row[: len(table.columns)]))  # as Text, for brackets in it are no markup
    return table


def write_html(space: Core) -> str:
    """The table that a notebook shows."""
    from html import escape  # here, because it brings a table of entities along

    header = _used_header(space)
    rows = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[: len(header)]) + "</tr>"
        for row in list_rows(space)
    ]
    head = "".join(f"<th>{title}</th>" for title in header)
    constraints = "".join(
        f"<li><code>{escape(constraint.text)}</code></li>" for constraint in space.constraints
    )
    below = f"<ul>{constraints}</ul>" if constraints else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{below}"


def _used_header(space: Core) -> tuple[str, ...]:
    return HEADER if space.conditions else HEADER[:2]

"""What a notebook shows of our objects: a title, a table of two columns, a list of sentences."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def write_card(title: str, rows: Iterable[tuple[str, str]], sentences: Iterable[str] = ()) -> str:
    """Write a fragment of HTML in which every text is escaped: names and labels come from data."""
    lines = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    said = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    below = f"<ul>{said}</ul>" if said else ""
    return f"<div><strong>{escape(title)}</strong><table><tbody>{lines}</tbody></table>{below}</div>"

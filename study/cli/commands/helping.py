"""The command that shows a page of the documents in the terminal."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Annotated

import typer

_INSTALLED = Path(__file__).parents[2] / "pages"
_CHECKOUT = Path(__file__).parents[3] / "docs"
PAGES = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
"""setup.py puts the pages of docs/ into a wheel."""


def _complete_topic(incomplete: str) -> list[str]:
    return sorted(page.stem for page in PAGES.glob(f"{glob.escape(incomplete)}*.md"))


def help_(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A page; none lists them all.", show_default=False, autocompletion=_complete_topic
        ),
    ] = None,
) -> None:
    """Show a page of the documents, e.g. `study help data`; without a topic, list them."""
    pages = {page.stem: page for page in sorted(PAGES.glob("*.md"))}
    if topic is None:
        width = max(map(len, pages), default=0)
        for name, page in pages.items():
            print(f"{name:<{width}}  {_title(page)}")
    elif topic in pages:
        _show(pages[topic].read_text(encoding="utf-8"), pages)
    else:
        _refuse(context, topic, pages)


def _title(page: Path) -> str:
    with page.open(encoding="utf-8") as stream:
        return stream.readline().lstrip("#").strip()


def _refuse(context: typer.Context, topic: str, pages: dict[str, Path]) -> None:
    from search_spaces.errors import hint_name
    from study.errors import StudyError

    group = context.parent.command if context.parent else None
    if topic in getattr(group, "commands", {}):
        hint = f"it is a command: study {topic} --help"
    else:
        hint = hint_name(topic, pages)
    raise StudyError(f"study help shows a page: {topic!r} is none; {hint}")


def _show(text: str, pages: dict[str, Path]) -> None:
    """Print a page: as it is where no person reads it, else drawn, screen by screen."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        print(text, end="")
        return
    import os

    from rich.markdown import Markdown

    os.environ.setdefault("LESS", "-FRX")  # colours as they are, and no wait where all fits on the screen
    with console.pager(styles=True):
        console.print(Markdown(_lead_to_topics(text, pages), hyperlinks=False))


def _lead_to_topics(text: str, pages: dict[str, Path]) -> str:
    """Say how to get to the pages that a page links to; a terminal follows no link to a file."""
    import re

    def say(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        page = target.partition("#")[0].removesuffix(".md").removeprefix("docs/")
        if picture or target.startswith("#"):
            return f"*{words}*"
        if page not in pages:
            return link.group() if ":" in target else words
        command = f"`study help {page}`"
        return command if words.endswith(".md") else f"{words} ({command})"

    return re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)", say, text)

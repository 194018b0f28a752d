from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from study.cli.app import main

DOCS = Path(__file__).parents[4] / "docs"


def ask(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["study", "help", *words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_without_a_topic_every_page_is_listed_by_its_title(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch) == 0

    listed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert set(listed) == {page.stem for page in DOCS.glob("*.md")}
    assert listed["listeners"] == "Listeners"


def test_a_pipe_gets_a_page_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "designs") == 0

    assert capsys.readouterr().out == (DOCS / "designs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("desings", "did you mean 'designs'?"),
        ("confirm", "it is a command: study confirm --help"),
        ("../README", "known: 'api', "),
    ],
)
def test_what_is_no_page_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], topic: str, hint: str
) -> None:
    assert ask(monkeypatch, topic) == 2

    said = capsys.readouterr().err
    assert f"study help shows a page: {topic!r} is none; {hint}" in said
    assert said.count("\n") == 1


@pytest.mark.slow
def test_a_terminal_gets_a_page_drawn_through_a_pager_with_commands_for_links() -> None:
    ours, theirs = pty.openpty()
    paged = "sed 's/^/| /'"  # whatever goes through it is marked
    with subprocess.Popen(
        [sys.executable, "-m", "study", "help", "your-own-texts"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"PAGER": paged, "TERM": "xterm", "COLUMNS": "100"},
    ):
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # the terminal is closed with its last program
            pass
    os.close(ours)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()
    assert all(line.startswith("| ") for line in lines)
    assert not any("](" in line for line in lines)
    assert any("study help " in line for line in lines)

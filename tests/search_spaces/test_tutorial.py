from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "search-spaces.md"
OPTIONAL = ("optuna", "ray", "configspace")


def list_snippets(text: str) -> list[tuple[str, str]]:
    """Each Python block, and the text block right below it, which is empty where there is none."""
    found = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE)
    return [(code, output) for code, output in found]


def run_snippet(code: str, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), namespace)  # noqa: S102  # our own page
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().rstrip("\n").splitlines())


def round_numbers(text: str) -> str:
    """The text with ten digits of each number: the last ones are the mathematics library's, not ours."""
    return re.sub(r"\d+\.\d{10,}", lambda match: f"{float(match.group()):.10g}", text)


def test_every_snippet_of_the_tutorial_prints_what_stands_below_it() -> None:
    pytest.importorskip("optuna")
    pytest.importorskip("ray")
    namespace: dict[str, Any] = {}
    snippets = list_snippets(PAGE.read_text(encoding="utf-8"))

    for code, output in snippets:
        if "configspace" in code:
            pytest.importorskip("ConfigSpace")
        assert round_numbers(run_snippet(code, namespace)) == round_numbers(output), code

    assert len(snippets) > 15

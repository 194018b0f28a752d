from __future__ import annotations

import contextlib
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "search-spaces.md"
OPTIONAL = {"spaces_optuna": "optuna", "spaces_ray": "ray", "spaces_configspace": "ConfigSpace"}
"""What an adapter is called on the page, and the library that it needs."""


def list_snippets(text: str) -> list[tuple[str, str]]:
    """Each Python block, and the text block right below it, which is empty where there is none."""
    found = re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE)
    return [(code, output) for code, output in found]


def run_snippet(code: str, namespace: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), namespace)  # noqa: S102  # our own page
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().rstrip("\n").splitlines())


def is_installed(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def round_numbers(text: str) -> str:
    """The text with ten digits of each number: the last ones are the mathematics library's, not ours."""
    return re.sub(r"\d+\.\d{10,}", lambda match: f"{float(match.group()):.10g}", text)


def test_every_snippet_of_the_tutorial_prints_what_stands_below_it() -> None:
    namespace: dict[str, Any] = {}
    snippets = list_snippets(PAGE.read_text(encoding="utf-8"))
    missing = [alias for alias, name in OPTIONAL.items() if not is_installed(name)]

    for code, output in snippets:
        if any(alias in code for alias in missing):
            continue
        assert round_numbers(run_snippet(code, namespace)) == round_numbers(output), code

    assert len(snippets) > 15


@pytest.mark.slow
def test_the_snippets_pass_a_strict_type_checker(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    code = "\n".join(code for code, _ in list_snippets(PAGE.read_text(encoding="utf-8")))
    page = tmp_path / "page.py"
    page.write_text(code, encoding="utf-8")
    config = Path(__file__).parents[2] / "pyproject.toml"

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", str(config), str(page)],
        capture_output=True,
        text=True,
        check=False,
        cwd=config.parent,
    )

    assert done.returncode == 0, done.stdout

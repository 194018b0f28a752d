"""The notebooks of docs/ run from their first cell to their last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[1] / "docs"

pytestmark = pytest.mark.slow


def execute(name: str, folder: Path) -> list[list[Any]]:
    """What each cell of code showed."""
    notebook = nbformat.read(DOCS / name, as_version=4)
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def list_errors(outputs: list[list[Any]]) -> list[str]:
    """Warnings of libraries: all that came by standard error."""
    return [o["text"] for of_cell in outputs for o in of_cell if o.get("name") == "stderr"]


def test_the_first_study_shows_its_progress_its_tables_and_a_figure(tmp_path: Path) -> None:
    outputs = execute("first-study.ipynb", tmp_path)

    shown = [output["data"] for of_cell in outputs for output in of_cell if "data" in output]
    assert list_errors(outputs) == []
    assert any("first: 4/4 runs; best val_accuracy" in data["text/plain"] for data in shown)
    assert sum("image/png" in data for data in shown) == 1
    assert sum("text/html" in data for data in shown) == 4
    assert (tmp_path / "studies" / "first" / "report" / "index.html").is_file()


def test_a_space_serves_optuna_and_its_constraint_holds(tmp_path: Path) -> None:
    outputs = execute("spaces-in-optuna.ipynb", tmp_path)

    printed = [output["text"] for of_cell in outputs for output in of_cell if "text" in output]
    assert list_errors(outputs) == []
    assert printed[-1].startswith("True\n")

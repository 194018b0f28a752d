"""docs/api.md names everything that the packages promise, and its examples run."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path
from typing import Any

import matplotlib.figure
import pytest

import study
from tests.study.pretend.legs import run_leg
from tests.study.pretend.reviews import make_reviews

PAGE = Path(__file__).parents[1] / "docs" / "api.md"

WHOLE = ("analysis", "analysis.plots", "search_spaces", "study")
"""Packages all of whose `__all__` is promised."""

PARTS = (
    "search_spaces.adapters.configspace",
    "search_spaces.adapters.optuna",
    "search_spaces.adapters.ray",
    "study.data",
    "study.training.cells",
)
"""Modules of which the page promises what its example imports."""


BLOCK = re.compile(r"^```(python.*?)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def list_sections() -> dict[str, str]:
    """What stands below the heading of each name."""
    _, *texts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading.strip("`"): text for heading, text in (text.split("\n", 1) for text in texts)}


def list_examples(*kinds: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind in kinds]


def run_examples(folder: Path, examples: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    namespace: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in examples:
            exec(compile(code, str(PAGE), "exec"), namespace)  # noqa: S102 - our own page
    return namespace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_reviews().to_csv(tmp_path / "reviews.csv", index=False)
    return tmp_path


def test_the_page_lists_what_the_packages_promise_and_nothing_else() -> None:
    promised = {f"{package}.{name}" for package in WHOLE for name in importlib.import_module(package).__all__}

    assert list_sections().keys() == promised | set(PARTS)


def test_the_example_of_each_name_uses_it() -> None:
    for name, text in list_sections().items():
        ((_, code),) = BLOCK.findall(text)
        assert name in code or f".{name.rpartition('.')[2]}(" in code, name


def test_examples_that_need_no_training_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = study.make_spec(
        str(folder / "reviews.csv"),
        name="mine",
        space={"cell": ["lstm", "gru"], "units": [8, 16], "vocab_size": 1000},
        design={"kind": "random", "trials": 4},
        training={"max_epochs": 2},
    )
    run_leg(folder / "studies" / "mine", spec)

    namespace = run_examples(folder, list_examples("python"), monkeypatch)

    assert isinstance(namespace["figure"], matplotlib.figure.Figure)
    assert (folder / "trials.csv").is_file()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, by MLflow
@pytest.mark.slow
def test_every_example_runs_where_the_studies_are_real(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = run_examples(folder, list_examples("python", "python slow"), monkeypatch)

    assert len(namespace["result"].trials) >= 6
    assert (folder / "comparison" / "index.html").is_file()
    assert (folder / "exported" / "saved_model.pb").is_file()

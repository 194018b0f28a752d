"""Where only NumPy and PyYAML are installed, all else says in one line what is missing and how to get it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from search_spaces.extras import EXTRAS

ROOT = Path(__file__).parents[1]
IMPORTED_AS = {
    "charset-normalizer": "charset_normalizer",
    "configspace": "ConfigSpace",
    "mlflow-skinny": "mlflow",
    "optuna-dashboard": "optuna_dashboard",
    "scikit-learn": "sklearn",
}
BROUGHT = {"markupsafe": "jinja2", "keras": "tensorflow", "llvmlite": "numba"}
"""Libraries that come with another."""


def run_bare(code: str, missing: set[str]) -> tuple[int, str]:
    """Exit status and last line on standard error of Python where some libraries cannot be imported."""
    block = f"import sys\nfor name in {sorted(missing)!r}:\n    sys.modules[name] = None\n"
    done = subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, check=False)
    return done.returncode, (done.stderr or done.stdout).strip().splitlines()[-1]


def run_command(*arguments: str, missing: set[str]) -> tuple[int, str]:
    code = f"sys.argv = {['study', *arguments]!r}\nfrom study.cli.entry import main\nmain()\n"
    return run_bare(code, missing)


def read_project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]  # type: ignore[no-any-return]


def list_libraries(requirements: list[str]) -> set[str]:
    """What requirements are imported as, apart from our own extras."""
    names = {re.split(r"[\[<>=~]", line)[0].lower() for line in requirements}
    return {IMPORTED_AS.get(name, name) for name in names} - {"recurrent-study"}


def test_the_core_is_numpy_and_pyyaml() -> None:
    assert list_libraries(read_project()["dependencies"]) == {"numpy", "pyyaml"}


def test_each_library_is_said_to_be_in_the_extra_that_brings_it() -> None:
    extras = read_project()["optional-dependencies"]

    for extra in set(EXTRAS.values()):
        named = {name for name, home in EXTRAS.items() if home == extra}
        assert {BROUGHT.get(name, name) for name in named} == list_libraries(extras[extra])


NEEDED = [
    ("import analysis; analysis.load", "analysis.load needs pandas", "report"),
    ("from analysis import plots", "analysis.plots needs ", "report"),
    ("import analysis.plots", "analysis.plots needs ", "report"),
    ("import study; study.run", "study.run needs ", "run"),
    ("from search_spaces.adapters import optuna", "search_spaces.adapters.optuna needs optuna", "optuna"),
    ("from search_spaces.adapters import ray", "search_spaces.adapters.ray needs ray", "run"),
    (
        "from search_spaces.adapters import configspace",
        "search_spaces.adapters.configspace needs ConfigSpace",
        "configspace",
    ),
    (
        "import numpy, search_spaces\n"
        "search_spaces.recurrent_space().draw(4, numpy.random.default_rng(0), 'sobol')",
        'draw(method="sobol") needs scipy',
        "report",
    ),
]


@pytest.mark.parametrize(("code", "start", "extra"), NEEDED)
def test_python_says_which_extra_is_missing(code: str, start: str, extra: str) -> None:
    status, said = run_bare(code, set(EXTRAS))

    assert status == 1
    assert said.startswith(f"ModuleNotFoundError: {start}")
    assert said.endswith(f', which is not installed: pip install "recurrent-study[{extra}]"')


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["--help"], "report"), (["report", "x"], "report"), (["run", "quick"], "run"), (["list"], "report")],
)
def test_a_command_says_which_extra_is_missing(arguments: list[str], extra: str) -> None:
    status, said = run_command(*arguments, missing=set(EXTRAS))

    assert status == 3
    assert said.startswith("study: study ") and said.endswith(f'pip install "recurrent-study[{extra}]"')


def test_where_no_command_runs_spaces_can_be_read_all_the_same() -> None:
    status, said = run_command("space", "space.yaml", missing=set(EXTRAS))

    assert status == 3
    assert said.endswith('[report]", or run what needs none: python -m search_spaces')


@pytest.mark.parametrize(
    ("arguments", "library", "extra"),
    [
        (["import", "events", "--to", "made"], "tensorboard", "tensorboard"),
        (["import", "search.log", "--to", "made"], "optuna", "optuna"),
        (["space", "--to", "configspace"], "ConfigSpace", "configspace"),
    ],
)
def test_what_one_format_takes_is_asked_for_where_it_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], library: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "events.out.tfevents.1").touch()
    (tmp_path / "search.log").write_text('{"op_code": 0}\n')

    status, said = run_command(*arguments, missing={library})

    assert status == 3
    assert f"recurrent-study[{extra}]" in said
    assert not (tmp_path / "made").exists()


ABOVE_REPORTS = {name for name, extra in EXTRAS.items() if extra != "report"}


@pytest.mark.parametrize("arguments", [["run", "quick"], ["doctor"], ["data"]])
def test_a_command_that_trains_says_so_where_only_reports_are_written(arguments: list[str]) -> None:
    status, said = run_command(*arguments, missing=ABOVE_REPORTS)

    assert (status, said.split("[")[-1]) == (3, 'run]"')


@pytest.mark.parametrize(
    "arguments", [["--help"], ["report", "nowhere"], ["list", "nowhere"], ["compare", "nowhere", "else"]]
)
def test_a_command_that_reports_needs_no_more_than_that(arguments: list[str]) -> None:
    _, said = run_command(*arguments, missing=ABOVE_REPORTS)

    assert "not installed" not in said


def test_importing_the_packages_and_drawing_needs_no_extra() -> None:
    code = (
        "import numpy, analysis, study, search_spaces\n"
        "space = search_spaces.Space.from_yaml(search_spaces.recurrent_space(units=[8, 16]).to_yaml())\n"
        "print(len(space.draw(3, numpy.random.default_rng(0), 'lhs').settings), space.size())"
    )

    assert run_bare(code, set(EXTRAS)) == (0, "3 1296")


def test_a_module_of_a_users_own_that_is_missing_is_no_extra() -> None:
    status, said = run_bare(
        "from search_spaces.extras import needed_by\nwith needed_by('x'): import nowhere", set()
    )

    assert (status, said) == (1, "ModuleNotFoundError: No module named 'nowhere'")

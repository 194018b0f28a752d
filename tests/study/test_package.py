"""What `import study` offers, and what it costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import search_spaces
import study
from study.errors import StudyError


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_every_public_name_is_there_and_offered_for_completion() -> None:
    assert list(study.__all__) == sorted(study.__all__)
    assert dir(study) == study.__all__
    assert all(callable(getattr(study, name)) for name in study.__all__)


def test_what_the_type_checker_sees_is_what_is_loaded() -> None:
    """The imports under TYPE_CHECKING, the homes and `__all__` are three lists of the same names."""
    tree = ast.parse(Path(study.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert sorted(typed) == study.__all__
    for name, home in typed.items():
        assert getattr(importlib.import_module(str(home)), name) is getattr(study, name)


def test_a_name_is_not_hidden_by_a_wing_of_the_package() -> None:
    folders = {path.name for path in Path(study.__file__).parent.iterdir() if path.is_dir()}
    modules = {path.stem for path in Path(study.__file__).parent.glob("*.py")}

    assert not (folders | modules) & set(study.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'study' has no attribute 'runn'"):
        _ = study.runn


def test_the_space_is_that_of_search_spaces() -> None:
    assert study.Space is search_spaces.Space


def test_importing_the_package_loads_nothing_outside_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import study; print(*set(sys.modules) - before)"

    loaded = {name.partition(".")[0] for name in run_python(code).split()}

    assert loaded <= {*sys.stdlib_module_names, "study"}


def test_importing_the_package_takes_under_a_tenth_of_a_second() -> None:
    code = "import time; s = time.process_time(); import study; print(time.process_time() - s)"

    assert min(float(run_python(code)) for _ in range(3)) < 0.1


def test_naming_everything_needs_neither_ray_nor_tensorflow_nor_optuna() -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'tensorflow', 'keras', 'optuna'):\n"
        "    sys.modules[name] = None\n"
        "import study\n"
        "for name in study.__all__:\n"
        "    getattr(study, name)\n"
        "print(study.make_spec('quick'), *study.plan('quick'), *study.presets())"
    )

    assert "quick" in run_python(code)


def test_every_error_of_a_study_is_a_study_error() -> None:
    errors = [getattr(study, name) for name in study.__all__ if name.endswith("Error")]

    assert len(errors) == 5
    assert all(issubclass(error, StudyError) and issubclass(error, ValueError) for error in errors)

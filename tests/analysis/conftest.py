"""Studies to read and report on, as a search would leave them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from analysis import Study, load


def _load_generator() -> ModuleType:
    """The generator lives with the benchmarks, which are no package."""
    name = "synthetic_study"
    if name not in sys.modules:
        path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


synthetic = _load_generator()
SMALL = synthetic.Plan(n_trials=12, n_seeds=2, max_epochs=6, n_validation=400, n_predicted=3)


@pytest.fixture
def write_database(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small study with changes to its plan; returns the path of its records.db."""

    def write(**changes: Any) -> Path:
        path: Path = synthetic.write_study(tmp_path / "study", replace(SMALL, **changes))
        return path

    return write


@pytest.fixture
def make_study(write_database: Callable[..., Path]) -> Callable[..., Study]:
    """Makes a small study with changes to its plan."""
    return lambda **changes: load(write_database(**changes))


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A small study over all factors, which no test changes."""
    return load(synthetic.write_study(tmp_path_factory.mktemp("small"), SMALL))

"""Libraries that not every install has, and the extra of this distribution that brings each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("jinja2", "markupsafe", "matplotlib", "pandas", "pyarrow", "pydantic"), "report"),
        **dict.fromkeys(("rich", "scipy", "seaborn", "typer"), "report"),
        **dict.fromkeys(("optuna", "sklearn"), "optuna"),
        **dict.fromkeys(("charset_normalizer", "keras", "llvmlite", "numba", "platformdirs"), "run"),
        **dict.fromkeys(("psutil", "ray", "tensorflow", "threadpoolctl"), "run"),
        "ConfigSpace": "configspace",
        "mlflow": "mlflow",
        "tensorboard": "tensorboard",
        "optuna_dashboard": "dashboard",
        "tokenizers": "bpe",
        **dict.fromkeys(("cmaes", "torch"), "samplers"),
    }
)
"""The extra by the name that a library is imported by; `run` brings what `report` and `optuna` bring."""


def explain_missing(error: ImportError, what: str, for_studies: bool = False) -> str | None:
    """The line for a library that is not there; None where it is none of `EXTRAS`.

    Args:
        error: What importing it raised.
        what: What needs it.
        for_studies: Whether that needs all of `run`, whatever is missed first.
    """
    library = (error.name or "").partition(".")[0]
    if library not in EXTRAS:
        return None
    extra = EXTRAS[library]
    if for_studies and extra in ("report", "optuna"):
        extra = "run"
    return f'{what} needs {library}, which is not installed: pip install "recurrent-study[{extra}]"'


@contextmanager
def needed_by(what: str, for_studies: bool = False) -> Iterator[None]:
    """Let an import inside that fails for want of an extra say so in one line.

    Raises:
        ModuleNotFoundError: If a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        line = explain_missing(error, what, for_studies)
        if line is None:
            raise
        raise ModuleNotFoundError(line, name=error.name, path=error.path) from None

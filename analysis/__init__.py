"""Reports from the records of studies: tables, figures, findings, one self-contained page.

    import analysis

    study = analysis.load("studies/imdb")
    study.trials, study.epochs             # pandas tables
    analysis.summarize(study)              # findings in sentences
    analysis.plots.learning_curves(study)  # a matplotlib figure
    analysis.write_report(study, Path("report"))

Everything is imported when first used, so that `import analysis` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis import plots
    from analysis.errors import AnalysisError
    from analysis.exports.mlflow import write_mlflow
    from analysis.exports.tensorboard import write_tensorboard
    from analysis.imports.frame import from_frame
    from analysis.imports.reading import import_study
    from analysis.records.files import write_csv, write_parquet
    from analysis.records.loading import Study, load
    from analysis.report.findings import summarize
    from analysis.report.write import write_comparison, write_report

__all__ = [
    "AnalysisError",
    "Study",
    "from_frame",
    "import_study",
    "load",
    "plots",
    "summarize",
    "write_comparison",
    "write_csv",
    "write_mlflow",
    "write_parquet",
    "write_report",
    "write_tensorboard",
]

_HOMES = {
    "AnalysisError": "analysis.errors",
    "Study": "analysis.records.loading",
    "from_frame": "analysis.imports.frame",
    "import_study": "analysis.imports.reading",
    "load": "analysis.records.loading",
    "summarize": "analysis.report.findings",
    "write_comparison": "analysis.report.write",
    "write_csv": "analysis.records.files",
    "write_mlflow": "analysis.exports.mlflow",
    "write_parquet": "analysis.records.files",
    "write_report": "analysis.report.write",
    "write_tensorboard": "analysis.exports.tensorboard",
}
_MODULES = ("plots",)


def __getattr__(name: str) -> Any:
    from search_spaces.errors import hint_name
    from search_spaces.extras import needed_by

    if name not in _HOMES and name not in _MODULES:
        hint = "" if name.startswith("_") else f": {hint_name(name, __all__)}"
        raise AttributeError(f"module 'analysis' has no attribute {name!r}{hint}")

    with needed_by(f"analysis.{name}"):
        if name in _MODULES:
            return importlib.import_module(f"analysis.{name}")
        value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

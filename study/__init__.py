"""Studies of recurrent text classifiers, on a laptop or a cluster: run one, go on with it, use its models.

    import study

    result = study.run("reviews.csv", name="mine", space={"cell": ["lstm", "gru"]})
    result.best_params, result.trials, result.report
    result.best_model().predict(["A film to remember."])

Everything is imported when first used, so that `import study` costs nothing; docs/api.md has an example
of each name. What is not in `__all__` may change.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search_spaces import Space
    from study.errors import DataError, EnvironmentFaultError, IntegrityError, LockedError, StudyError
    from study.prediction.classifier import TextClassifier
    from study.prediction.export import export_classifier
    from study.running.front_door import (
        confirm,
        dashboard,
        extend,
        learn,
        like,
        open,
        plan,
        predict,
        presets,
        resume,
        retry,
        run,
    )
    from study.running.listener import Listener
    from study.running.result import StudyResult
    from study.spec.schema import StudySpec
    from study.spec.sources import make_spec

__all__ = [
    "DataError",
    "EnvironmentFaultError",
    "IntegrityError",
    "Listener",
    "LockedError",
    "Space",
    "StudyError",
    "StudyResult",
    "StudySpec",
    "TextClassifier",
    "confirm",
    "dashboard",
    "export_classifier",
    "extend",
    "learn",
    "like",
    "make_spec",
    "open",
    "plan",
    "predict",
    "presets",
    "resume",
    "retry",
    "run",
]

_HOMES = {
    "search_spaces": ("Space",),
    "study.errors": ("DataError", "EnvironmentFaultError", "IntegrityError", "LockedError", "StudyError"),
    "study.prediction.classifier": ("TextClassifier",),
    "study.prediction.export": ("export_classifier",),
    "study.running.front_door": (
        "confirm",
        "dashboard",
        "extend",
        "learn",
        "like",
        "open",
        "plan",
        "predict",
        "presets",
        "resume",
        "retry",
        "run",
    ),
    "study.running.listener": ("Listener",),
    "study.running.result": ("StudyResult",),
    "study.spec.schema": ("StudySpec",),
    "study.spec.sources": ("make_spec",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    from search_spaces.errors import hint_name
    from search_spaces.extras import needed_by

    if name not in _HOME_OF:
        hint = "" if name.startswith("_") else f": {hint_name(name, __all__)}"
        raise AttributeError(f"module 'study' has no attribute {name!r}{hint}")

    with needed_by(f"study.{name}", for_studies=True):
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

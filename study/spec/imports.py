"""Objects of the user's own, named in a spec as `package.module:Name`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from study.errors import StudyError


def import_object(path: str, key: str) -> object:
    """Import what a spec names.

    Modules are also found in the folder where the command runs, as with `python -m`.

    Args:
        path: `package.module:Name`.
        key: The spec's key that gives it, for messages.

    Raises:
        StudyError: If there is no such module or name in it.
    """
    module_name, _, name = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: object = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise StudyError(
            f"{key} is imported as package.module:Name: {path!r} cannot be: {' '.join(str(error).split())}; "
            "install it, or run in the folder where it lies"
        ) from error
    return found

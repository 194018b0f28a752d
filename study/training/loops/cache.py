"""Where the machine code of the loops is kept. Loads no Numba, so that who only asks pays nothing."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import platform
import sys
from importlib import metadata, resources
from pathlib import Path

import platformdirs

logger = logging.getLogger(__name__)


def cache_folder() -> Path | None:
    """Return where machine code is kept, by the state of the sources; None where nothing can be kept.

    Numba would keep it beside the module, find it by that module's source alone, and so run old code after a
    change in a module that it uses. `NUMBA_CACHE_DIR` in the environment moves it, to a disk that a cluster
    shares for instance: Numba tells processors apart.
    """
    digest = hashlib.sha256()
    for source in sorted(resources.files(__package__).iterdir(), key=lambda source: source.name):
        if source.name.endswith(".py"):
            digest.update(source.read_bytes())
    root = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir(
        "recurrent-study", appauthor=False
    )
    folder = Path(root) / f"cells-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.warning(
            "each process compiles its cells anew, as %s; NUMBA_CACHE_DIR can name a folder", error
        )
        return None
    return folder


def ready_mark(folder: Path) -> Path:
    """Return the file in `folder` that says that all is compiled for this processor, Python and Numba."""
    here = (_describe_processor(), sys.implementation.cache_tag, metadata.version("numba"))
    return folder / f"ready-{hashlib.sha256(repr(here).encode()).hexdigest()[:16]}"


@functools.cache
def _describe_processor() -> str:
    """Return what machine code depends on: kind and abilities, as the kernel tells them where it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "Features", "CPU")))

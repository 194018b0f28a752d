"""A new study like one that is there: the same but for what is put over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from study.designs import SearchDesign
from study.store.directory import StudyDirectory

SUFFIX = "-again"
"""What the new study's name ends with, unless it is given another."""


def document_like(path: Path) -> dict[str, Any]:
    """Return the document of a new study like the one in a directory, begun with what that one found.

    A search whose sampler learns starts warm from it, with other epochs and other ranges too: whatever of its
    best settings is legal then is proposed first, and what follows is drawn under another seed. Any other
    design is the same again, seed by seed.

    Raises:
        StudyError: If there is no study.
    """
    spec = StudyDirectory(path).require().read_spec()
    name = spec.name if spec.name.endswith(SUFFIX) else f"{spec.name[: 64 - len(SUFFIX)]}{SUFFIX}"
    design = spec.design
    learns = isinstance(design, SearchDesign) and design.learns
    if not learns:
        return spec.to_document() | {"name": name, "warm_start": []}
    # Under the same seed its sampler would begin with the draws that the other study began with.
    return spec.to_document() | {"name": name, "warm_start": [str(path)], "seed": (spec.seed + 1) % 2**32}

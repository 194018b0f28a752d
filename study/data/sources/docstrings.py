"""Which library wrote this docstring? Texts that every installation of this project already has on disk."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from analysis.garbage import no_collection
from analysis.records.provenance import installed_version
from study.data.cache import (
    default_cache_folder,
    key_of,
    pack_strings,
    read_arrays,
    unpack_strings,
    write_arrays,
)
from study.data.messages import listed
from study.data.rows import Rows
from study.data.sources.bytecode import read_docstrings_of
from study.errors import DataError

logger = logging.getLogger(__name__)

LIBRARIES = {
    "keras": "keras",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "numpy": "numpy",
    "pandas": "pandas",
    "ray": "ray",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "sqlalchemy": "SQLAlchemy",
    "tensorflow": "tensorflow",
}
"""Package and distribution of each class: what a study needs anyway and has many docstrings."""

MAX_PER_LIBRARY = 1_200
MIN_WORDS = 15

_FORMAT = 1  # raised when the texts that these rules choose would change
_MAX_PER_FILE = 16  # so that a class is not three large modules
_MASK = "library"
_NOT_THEIRS = {
    "tests", "test", "testing", "_vendor", "vendor", "vendored", "externals", "third_party", "thirdparty",
    "thirdparty_files",
}  # fmt: skip
# Long names are masked inside other words too (SKLearnClassifier); short ones, and the aliases of examples,
# only as words of an identifier; the shortest aliases only where an attribute follows. The lookahead at the
# first letter makes the search three times as fast.
_LONG_NAMES = [name for name in (*LIBRARIES, "scikit-learn", "scikits") if name != "ray"]
_FIRST_LETTERS = "".join(sorted({name[0] for name in _LONG_NAMES}))
_LONG = re.compile(rf"(?i)(?=[{_FIRST_LETTERS}])(?:{'|'.join(_LONG_NAMES)})")
_SHORT = re.compile(
    r"(?<![A-Za-z])(?:(?i:ray|np|pd|plt|mpl|tf)(?![A-Za-z])|(?:Ray|TF)(?=[A-Z])|(?:ks|nb|sa|sp)(?=\.))"
)


def read_docstrings(cache_folder: Path | None = None) -> Rows:
    """Docstrings of the installed libraries, their own names masked; none of them is imported.

    Files are taken in the order of a hash of their paths, which spreads a class over its library, until there
    are `MAX_PER_LIBRARY` docstrings of at least `MIN_WORDS` words. What two libraries share is neither's.

    Args:
        cache_folder: Where the texts are kept for the next call; the user's cache folder by default.

    Raises:
        DataError: If fewer than two of the libraries are installed.
    """
    roots = _installed()
    if len(roots) < 2:
        raise DataError(
            f"docstrings need at least two of the libraries {', '.join(LIBRARIES)}: found "
            f"{listed(list(roots)) or 'none'}; install what a study runs on, or give a file of texts"
        )
    folder = default_cache_folder() if cache_folder is None else cache_folder
    # Unknown where it is installed under another name, such as tensorflow-cpu.
    versions = [f"{name} {installed_version(LIBRARIES[name]) or 'unknown'}" for name in roots]
    key = key_of("docstrings", _FORMAT, *sys.version_info[:2], *versions)
    kept = read_arrays(folder, key, ("texts", "offsets", "libraries"))
    if kept is None:
        with no_collection():  # code of thousands of modules comes, and goes by itself
            rows = _collect(roots)
        text_bytes, offsets = pack_strings(rows.texts)
        libraries = np.array([list(roots).index(label) for label in rows.labels], dtype=np.uint8)
        write_arrays(folder, key, {"texts": text_bytes, "offsets": offsets, "libraries": libraries})
        return rows
    labels = [list(roots)[number] for number in kept["libraries"].tolist()]
    return Rows(texts=unpack_strings(kept["texts"], kept["offsets"]), labels=labels)


def mask_names(text: str) -> str:
    """The text with each library's name and usual alias replaced by one word."""
    return _SHORT.sub(_MASK, _LONG.sub(_MASK, text))


def _installed() -> dict[str, Path]:
    """Folders of those libraries that are installed, found without importing them."""
    roots = {}
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            logger.info("docstrings: %s is not installed and makes no class", name)
            continue
        roots[name] = Path(spec.origin).parent
    return roots


def _collect(roots: dict[str, Path]) -> Rows:
    chosen = {name: _choose(root) for name, root in roots.items()}
    libraries_with = Counter(identity for found in chosen.values() for identity in found)
    pairs = [
        (text, name)
        for name, found in chosen.items()
        for identity, text in found.items()
        if libraries_with[identity] == 1
    ]
    return Rows(texts=[text for text, _ in pairs], labels=[name for _, name in pairs])


def _choose(root: Path) -> dict[str, str]:
    """Up to `MAX_PER_LIBRARY` masked docstrings, keyed by what makes two of them the same."""
    chosen: dict[str, str] = {}
    for path in _source_files(root):
        n_before = len(chosen)
        for docstring in read_docstrings_of(path):
            text = mask_names(docstring)
            words = text.lower().split()
            if len(words) >= MIN_WORDS:
                chosen.setdefault(" ".join(words), text)
            if len(chosen) == MAX_PER_LIBRARY:
                return chosen
            if len(chosen) - n_before == _MAX_PER_FILE:
                break
    return chosen


def _source_files(root: Path) -> list[Path]:
    paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    own = [name for name in paths if _NOT_THEIRS.isdisjoint(name.split("/"))]
    own.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
    return [paths[name] for name in own]

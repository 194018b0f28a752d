"""Arrays kept on disk under a key: plain .npy files with their digests, and nothing that runs code."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]

MAX_CACHE_BYTES = 2 * 2**30
"""What the cache may hold; the entries used longest ago go first."""

_MANIFEST = "entry.json"
_ASIDE = ".writing-"
_ABANDONED_S = 86_400.0  # a writer that was killed leaves its folder behind


def default_cache_folder() -> Path:
    """The user's cache folder for this project."""
    import platformdirs

    return Path(platformdirs.user_cache_path("recurrent-study"))


def key_of(*parts: str | int) -> str:
    """A key for what the parts determine: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def read_arrays(folder: Path, key: str, names: Sequence[str]) -> Arrays | None:
    """The named arrays kept under a key, mapped and read-only; None if they are not there or damaged."""
    entry = folder / key
    try:
        digests = json.loads((entry / _MANIFEST).read_text())
        arrays = {name: _read_array(entry / f"{name}.npy", digests[name]) for name in names}
        entry.touch()  # so that what is used stays
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        logger.warning("cache entry %s is damaged and is made again: %s", entry, error)
        return None
    return arrays


def write_arrays(folder: Path, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keep arrays under a key, written aside and moved into place.

    A cache is a convenience: where the disk refuses, that is logged and nothing is kept.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_ASIDE) as aside:
            written = Path(aside) / key
            written.mkdir()
            digests = {name: _write_array(written / f"{name}.npy", array) for name, array in arrays.items()}
            (written / _MANIFEST).write_text(json.dumps(digests))
            shutil.rmtree(folder / key, ignore_errors=True)
            written.rename(folder / key)
        _trim(folder, keep=key, now_s=time.time())
    except OSError as error:
        logger.warning("the cache %s cannot be kept in order: %s", folder, error)


def pack_strings(strings: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Strings as UTF-8 bytes in one array, and the n + 1 positions where each begins and the last ends."""
    encoded = [string.encode() for string in strings]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets


def unpack_strings(packed: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[str]:
    """The strings that `pack_strings` packed."""
    raw = packed.tobytes()
    ends = offsets.tolist()
    return [raw[start:end].decode() for start, end in pairwise(ends)]


def _read_array(path: Path, digest: str) -> NDArray[Any]:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != digest:
        raise ValueError(f"{path.name} does not have the digest it was written with")
    # asarray: a plain array over the map; a memmap would be pickled, sent and subclassed in ways of its own.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _write_array(path: Path, array: NDArray[Any]) -> str:
    np.save(path, array, allow_pickle=False)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _trim(folder: Path, keep: str, now_s: float) -> None:
    for aside in folder.glob(f"{_ASIDE}*"):
        if now_s - aside.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(aside, ignore_errors=True)
    entries = [entry for entry in folder.iterdir() if (entry / _MANIFEST).is_file() and entry.name != keep]
    entries.sort(key=lambda entry: entry.stat().st_mtime)
    sizes = [sum(file.stat().st_size for file in entry.iterdir()) for entry in entries]
    total = sum(sizes)
    for entry, size in zip(entries, sizes, strict=True):
        if total <= MAX_CACHE_BYTES:
            return
        shutil.rmtree(entry, ignore_errors=True)
        total -= size

"""Keras's own data sets, fetched by a process of their own so that this one never loads TensorFlow."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from study.data.cache import default_cache_folder
from study.data.files import read_path
from study.data.rows import Rows
from study.data.spec import DataSpec
from study.errors import EnvironmentFaultError

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_S = 900


def read_download(name: str, cache_folder: Path | None = None) -> Rows:
    """Rows of `imdb` or `reuters`, fetched once and kept as .jsonl in the cache folder.

    Keras ships these texts as word numbers; they come back in lower case and without punctuation.

    Raises:
        EnvironmentFaultError: If they can be neither found in the cache nor fetched.
    """
    folder = default_cache_folder() if cache_folder is None else cache_folder
    kept = folder / f"{name}.jsonl"
    if not kept.is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
                written = Path(aside) / kept.name
                _fetch(name, written)
                written.replace(kept)
        except OSError as error:
            raise EnvironmentFaultError(
                f"the source {name} is kept in the user's cache folder: {str(folder)!r} cannot be written "
                f"({error.strerror}); free it, or give a path to the texts as source"
            ) from error
    return read_path(DataSpec(source=str(kept)))


def _fetch(name: str, target: Path) -> None:
    logger.info("fetching %s; this happens once", name)
    command = [sys.executable, "-P", "-m", "study.data.sources.keras_export", name, str(target)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, a name of ours, a path of ours
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    except subprocess.TimeoutExpired:
        done, reason = None, f"it took over {DOWNLOAD_TIMEOUT_S} s"
    if done is None or done.returncode:
        raise EnvironmentFaultError(
            f"the source {name} is downloaded by Keras, which needs a network and Keras: it failed "
            f"({reason}); try again with a network, or give a path to the texts as source"
        )

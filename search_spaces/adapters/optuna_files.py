"""Spaces in files of Optuna's: distributions as JSON, studies in SQLite files and journals."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from search_spaces.adapters.optuna import from_distributions, from_study, to_distribution
from search_spaces.domains import Choice, Fixed
from search_spaces.errors import SpaceError, located
from search_spaces.extras import needed_by
from search_spaces.formats.beginnings import SQLITE
from search_spaces.formats.refusing import refuse_absent
from search_spaces.space import Space

with needed_by("search_spaces.adapters.optuna"):
    import optuna


def to_documents(space: Space) -> dict[str, Any]:
    """What Optuna's `distribution_to_json` writes for each parameter, as objects.

    A fixed parameter is a choice of one value.

    Raises:
        SpaceError: If the space has conditions, constraints, defaults, weights, normal ranges or labels.
    """
    refuse_absent(space, "a set of Optuna's distributions")
    found = {}
    for name, domain in space.parameters.items():
        alone = Choice([domain.value]) if isinstance(domain, Fixed) else domain
        found[name] = json.loads(optuna.distributions.distribution_to_json(to_distribution(alone)))
    return found


def from_documents(documents: Mapping[str, Any]) -> Space:
    """The space of what `to_documents` gives.

    Raises:
        SpaceError: If something in it is no distribution of Optuna's.
    """
    found = {}
    for name, document in documents.items():
        with located(prefix=f"{name}: "):
            try:
                distribution = optuna.distributions.json_to_distribution(json.dumps(document))
            except (TypeError, KeyError, ValueError) as error:
                raise SpaceError(
                    f"{document!r} is no distribution of Optuna's ({error}): correct it."
                ) from None
            found[name] = distribution
    return from_distributions(found)


def from_file(path: Path) -> Space:
    """The space of the only study in a SQLite file or a journal, see `from_study`.

    Raises:
        SpaceError: If it is no storage of Optuna's, or has no or several studies.
    """
    with ExitStack() as stack:
        with _refusing():
            storage = stack.enter_context(opened(path))
            names = optuna.get_all_study_names(storage)
            if len(names) != 1:
                raise SpaceError(
                    f"the storage has {len(names)} studies, {names!r}, and the space of one is read: in "
                    "Python, from_study(optuna.load_study(...)) reads any."
                )
            study = optuna.load_study(study_name=names[0], storage=storage)
        return from_study(study)


@contextmanager
def opened(path: Path) -> Iterator[optuna.storages.BaseStorage]:
    """Open a copy of a SQLite file or a journal, also of a study that runs: Optuna writes into what it opens.

    Raises:
        sqlite3.Error, OSError, Exception: Of many kinds, if it is no storage of Optuna's.
    """
    from sqlalchemy import URL

    with TemporaryDirectory(prefix="optuna-") as folder:
        copy = Path(folder) / path.name
        with path.open("rb") as file:
            is_journal = file.read(len(SQLITE)) != SQLITE
        if is_journal:
            shutil.copyfile(path, copy)
            yield optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(copy)))
            return
        _copy_database(path, copy)
        # A path may hold what means something else in a URL.
        url = URL.create("sqlite", database=str(copy)).render_as_string(hide_password=False)
        storage = optuna.storages.RDBStorage(url, skip_compatibility_check=True)
        try:
            yield storage
        finally:
            storage.engine.dispose()


def _copy_database(path: Path, copy: Path) -> None:
    """Copy what was committed; where a writer died in a transaction, the copy rolls it back."""
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(copy)) as target,
        ):
            original.backup(target)
    except sqlite3.OperationalError:
        for ending in ("", "-journal", "-wal"):
            if (file := path.with_name(path.name + ending)).exists():
                shutil.copyfile(file, copy.with_name(file.name))


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever is wrong with a storage inside is a `SpaceError`."""
    try:
        yield
    except SpaceError:
        raise
    except Exception as error:  # SQLAlchemy's and Optuna's own are many
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise SpaceError(f"this is no storage of Optuna's ({said}): give another.") from None

"""Spaces in files of Optuna's: distributions as JSON, studies in SQLite files and journals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_spaces.adapters.optuna import from_distributions, from_study, to_distribution
from search_spaces.domains import Choice, Fixed
from search_spaces.errors import SpaceError, located
from search_spaces.extras import needed_by
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


def from_journal(path: Path) -> Space:
    """The space of the only study in a journal, see `from_storage`.

    Raises:
        SpaceError: If it is no journal of Optuna's, or has no or several studies.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    with _storage():
        storage = JournalStorage(JournalFileBackend(str(path)))
    return from_storage(storage)


def from_storage(storage: str | optuna.storages.BaseStorage) -> Space:
    """The space of the only study in a storage, see `from_study`.

    Raises:
        SpaceError: If it is no storage of Optuna's, or has no or several studies.
    """
    with _storage():
        names = optuna.get_all_study_names(storage)
    if len(names) != 1:
        raise SpaceError(
            f"the storage has {len(names)} studies, {names!r}, and the space of one is read: in Python, "
            "from_study(optuna.load_study(...)) reads any."
        )
    return from_study(optuna.load_study(study_name=names[0], storage=storage))


@contextmanager
def _storage() -> Iterator[None]:
    """Whatever is wrong with a storage inside is a `SpaceError`."""
    try:
        yield
    except Exception as error:  # SQLAlchemy's and Optuna's own are many
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise SpaceError(f"this is no storage of Optuna's ({said}): give another.") from None

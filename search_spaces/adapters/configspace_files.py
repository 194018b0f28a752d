"""Spaces in the files that ConfigSpace's `to_json` writes, and wrote in early releases."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from search_spaces.adapters.configspace import from_configspace, to_configspace
from search_spaces.domains import Domain, Integer, Real, name_density
from search_spaces.errors import SpaceError, located
from search_spaces.extras import needed_by
from search_spaces.formats.reading import check_mapping, make_range, take, take_list
from search_spaces.space import Space

with needed_by("search_spaces.adapters.configspace"):
    import ConfigSpace as cs  # noqa: N813  # a package named like a class


def to_document(space: Space) -> dict[str, Any]:
    """`to_configspace` as the object that ConfigSpace's `to_json` writes.

    Raises:
        SpaceError: See `to_configspace`.
    """
    document: dict[str, Any] = to_configspace(space).to_serialized_dict()
    return document


def from_document(document: Mapping[str, Any]) -> Space:
    """The space of an object that ConfigSpace's `to_json` wrote, that of early releases too.

    What these rounded to multiples (`q`) becomes levels.

    Raises:
        SpaceError: See `from_configspace`; or if it is no such object, or `q` is joined to a log scale.
    """
    parts: dict[str, Any] = copy.deepcopy(dict(document))
    quanta: dict[str, float] = {}
    for given in take_list(parts, "hyperparameters"):
        check_mapping(given, "a hyperparameter")
        for old, new in (("default", "default_value"), ("probabilities", "weights")):
            if (value := given.pop(old, None)) is not None:
                given.setdefault(new, value)
        if quantum := given.pop("q", None):
            quanta[take(given, "name")[0]] = quantum
    try:
        space = from_configspace(cs.ConfigurationSpace.from_serialized_dict(parts))
    except SpaceError:
        raise
    except Exception as error:  # whatever a class of ConfigSpace thinks of its arguments
        said = " ".join(str(error).split())
        raise SpaceError(f"ConfigSpace refuses it ({type(error).__name__}: {said}): correct it.") from None
    return space.restrict({name: _quantize(name, space[name], quantum) for name, quantum in quanta.items()})


def _quantize(name: str, domain: Domain, quantum: float) -> Any:
    with located(prefix=f"{name}: "):
        if not isinstance(domain, Integer | Real) or name_density(domain):
            raise SpaceError(f"q={quantum!r} has no place at {domain!r}: drop it.")
        step = int(quantum) if isinstance(domain, Integer) else quantum
        return make_range(domain.low, domain.high, step=step, log=domain.log)

"""Settings as a program wants them: the one to begin with, nested, with lists in place of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces import nesting
from search_spaces.core import Core
from search_spaces.domains import Choice, Setting


def default_setting(space: Core) -> Setting | None:
    """The setting to begin with: the defaults, and the middle of the scale of what has none.

    None where the space has no defaults.

    Raises:
        SpaceError: If that breaks a constraint; give defaults to more parameters.
    """
    if not space.defaults:
        return None
    middles = {name: domain.from_unit(0.5) for name, domain in space.parameters.items()}
    return space.complete({**middles, **space.defaults})


def nest(space: Core, params: Mapping[str, Any]) -> dict[str, Any]:
    """A setting as nested dicts, one level for each dot in a name; `complete` takes these, too.

    Raises:
        SpaceError: If `params` is not legal, or a name is also the beginning of another.
    """
    space.validate(params)
    return nesting.nest(params)


def resolve(space: Core, params: Mapping[str, Any]) -> Setting:
    """A setting with what labels stand for in place of them, new lists each time.

    Raises:
        SpaceError: If `params` is not legal.
    """
    space.validate(params)
    domains = space.parameters
    return {
        name: domain.resolve(value) if isinstance(domain := domains[name], Choice) else value
        for name, value in params.items()
    }

"""Weights and normal ranges, for libraries that know neither."""

from __future__ import annotations

from search_spaces.domains import Domain, name_density
from search_spaces.errors import SpaceError


def refuse_density(domain: Domain, library: str) -> None:
    """Accept a domain whose values are all equally likely.

    Raises:
        SpaceError: If some are likelier; the message names `library`.
    """
    if density := name_density(domain):
        raise SpaceError(
            f"{library} draws all values alike and has no place for {density}: search Space.uniform(), which "
            "drops it, or draw from the space itself."
        )

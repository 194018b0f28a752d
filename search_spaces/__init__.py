"""Search spaces as values: domains, conditions, constraints, YAML; adapters to Optuna, Ray Tune, ConfigSpace.

Importing this package loads the standard library alone; NumPy, PyYAML, SciPy and the adapters' libraries are
loaded by the functions that need them. The first two come with it, the others with extras.
"""

from __future__ import annotations

from search_spaces.domains import Choice, Domain, Fixed, Integer, Real, Scalar, Setting
from search_spaces.domains.codec import DomainLike, as_domain
from search_spaces.errors import DocumentError, SpaceError
from search_spaces.recurrent import recurrent_space
from search_spaces.space import Space

__all__ = [
    "Choice",
    "DocumentError",
    "Domain",
    "DomainLike",
    "Fixed",
    "Integer",
    "Real",
    "Scalar",
    "Setting",
    "Space",
    "SpaceError",
    "as_domain",
    "recurrent_space",
]


def __dir__() -> list[str]:
    return __all__

"""Domains: the values that one parameter may take.

A domain is a frozen value. Each maps the unit interval onto itself (`from_unit`), which is how everything in
this package draws: random, Latin hypercube and Sobol samples differ only in the points they start from.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from search_spaces.domains.choices import Choice, Fixed
from search_spaces.domains.integers import Integer
from search_spaces.domains.reals import Real
from search_spaces.domains.scalars import Scalar

Domain: TypeAlias = Fixed | Choice | Integer | Real
"""Every kind of domain; adapters match on it and are total."""

Setting: TypeAlias = dict[str, Any]
"""One scalar for each parameter that applies; its type is known to the space, and not to a type checker."""

KINDS: tuple[type[Domain], ...] = (Fixed, Choice, Integer, Real)

__all__ = ["KINDS", "Choice", "Domain", "Fixed", "Integer", "Real", "Scalar", "Setting"]


def flatten_density(domain: Domain) -> Domain:
    """The same values, all equally likely: without weights, mean and std."""
    match domain:
        case Choice() if domain.weights is not None:
            return Choice(domain.notation(), domain.ordered)
        case Integer() if domain.mean is not None:
            return Integer(domain.low, domain.high, log=domain.log, step=domain.step)
        case Real() if domain.mean is not None:
            return Real(domain.low, domain.high, log=domain.log, step=domain.step)
    return domain


def name_density(domain: Domain) -> str | None:
    """What makes some values likelier than others, in words; None for nothing."""
    match domain:
        case Choice() if domain.weights is not None:
            return f"weights={list(domain.weights)!r}"
        case Integer() | Real() if domain.mean is not None:
            return f"mean={domain.mean!r}, std={domain.std!r}"
    return None

"""Domains: the values that one parameter may take.

A domain is a frozen value. Each maps the unit interval onto itself (`from_unit`), which is how everything in
this package draws: random, Latin hypercube and Sobol samples differ only in the points they start from.
"""

from __future__ import annotations

from typing import TypeAlias

from search_spaces.choices import Choice, Fixed
from search_spaces.ranges import Integer, Real
from search_spaces.scalars import Scalar

Domain: TypeAlias = Fixed | Choice | Integer | Real
"""Every kind of domain; adapters match on it and are total."""

KINDS: tuple[type[Domain], ...] = (Fixed, Choice, Integer, Real)

__all__ = ["KINDS", "Choice", "Domain", "Fixed", "Integer", "Real", "Scalar"]

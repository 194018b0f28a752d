"""The values that a parameter may take, in words."""

from __future__ import annotations

from analysis.words.labels import label_value
from analysis.words.numbers import listing
from search_spaces import Choice, Domain, Fixed

_MAX_LISTED = 12


def label_domain(name: str, domain: Domain) -> str:
    """What a space asks of a parameter: its one value, its choices, or the ends of its range."""
    if isinstance(domain, Fixed):
        return label_value(name, domain.value)
    if isinstance(domain, Choice):
        return listing([label_value(name, value) for value in domain.choices], _MAX_LISTED)
    scale = ", by factors" if domain.log else ""
    return f"{label_value(name, domain.low)} to {label_value(name, domain.high)}{scale}"

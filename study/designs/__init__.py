"""Designs: which settings a study trains, decided in advance or as it goes."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import BeforeValidator, Field

from study.designs.ablation import AblationDesign
from study.designs.base import BaseDesign, Plan
from study.designs.drawn import RandomDesign, SobolDesign
from study.designs.factorial import FactorialDesign
from study.designs.grid import GridDesign
from study.designs.search import SearchDesign
from study.designs.sizes import SizesDesign
from study.designs.strata import Stratum

__all__ = [
    "KINDS",
    "AblationDesign",
    "BaseDesign",
    "Design",
    "FactorialDesign",
    "GridDesign",
    "Plan",
    "RandomDesign",
    "SearchDesign",
    "SizesDesign",
    "SobolDesign",
    "Stratum",
]


def _read_kind(value: object) -> object:
    """Read `design: grid` as its kind alone, and a design without a kind as a search."""
    if isinstance(value, str):
        return {"kind": value}
    return {"kind": "search", **value} if isinstance(value, dict) else value


_AnyDesign = (
    SearchDesign | GridDesign | FactorialDesign | AblationDesign | RandomDesign | SobolDesign | SizesDesign
)

Design = Annotated[_AnyDesign, Field(discriminator="kind"), BeforeValidator(_read_kind)]

KINDS: dict[str, type[BaseDesign]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(_AnyDesign)
}
"""The designs by the `kind` that a spec gives."""

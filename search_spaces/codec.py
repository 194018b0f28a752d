"""The compact notation of a domain: what stands in YAML and may stand wherever a domain is asked for.

A list is a Choice, a scalar is Fixed, `{low, high}` with `log` or `step` is Integer where both ends are whole
numbers and Real otherwise, and `{choice: [...], ordered: true}` is a Choice in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, assert_never

from search_spaces.domains import KINDS, Choice, Domain, Fixed, Integer, Real, Scalar
from search_spaces.errors import SpaceError, hint_name, located
from search_spaces.scalars import as_scalar

DomainLike: TypeAlias = Domain | Scalar | Sequence[Scalar] | Mapping[str, Any]
"""A domain or its compact notation."""

RANGE_KEYS = ("low", "high", "log", "step")
CHOICE_KEYS = ("choice", "ordered")


def as_domain(value: DomainLike, name: str = "domain") -> Domain:
    """The domain that `value` is or denotes.

    Args:
        value: A domain, or its compact notation.
        name: The parameter, for messages.

    Raises:
        SpaceError: If it denotes none.
    """
    if isinstance(value, KINDS):
        return value
    with located(prefix=f"{name}: "):
        if isinstance(value, Mapping):
            return _read_mapping(value)
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return Choice(value)
        return Fixed(value)  # type: ignore[arg-type]  # Fixed says what it refuses


def domain_document(domain: Domain) -> Any:
    """The compact notation of `domain`: `as_domain` gives it back, types included."""
    match domain:
        case Fixed(value):
            return value
        case Choice():
            values = list(domain.choices)
            return {"choice": values, "ordered": True} if domain.ordered else values
        case Integer():
            return _range_document(domain, domain.step if domain.step != 1 else None)
        case Real():
            return _range_document(domain, domain.step)
        case _:
            assert_never(domain)


def _range_document(domain: Integer | Real, step: float | None) -> dict[str, Scalar]:
    document: dict[str, Scalar] = {"low": domain.low, "high": domain.high}
    if domain.log:
        document["log"] = True
    if step is not None:
        document["step"] = step
    return document


def _read_mapping(document: Mapping[str, Any]) -> Domain:
    known = CHOICE_KEYS if "choice" in document else RANGE_KEYS
    for key in document:
        if key not in known:
            raise SpaceError(f"unknown key {key!r}: {hint_name(str(key), known)}", (str(key),))
    if "choice" in document:
        choices = document["choice"]
        if not isinstance(choices, Sequence) or isinstance(choices, (str, bytes)):
            raise SpaceError(f"choice takes a list of values, not {choices!r}: write [{choices!r}].")
        return Choice(choices, ordered=document.get("ordered", False))
    for key in ("low", "high"):
        if key not in document:
            raise SpaceError(f"a range needs low and high, and {dict(document)!r} lacks {key!r}: add it.")
    return _read_range(**document)


def _read_range(low: Any, high: Any, log: Any = False, step: Any = None) -> Domain:
    low, high = as_scalar(low), as_scalar(high)
    if type(low) is not int or type(high) is not int:
        return Real(low, high, log=log, step=step)
    if isinstance(step, float):
        raise SpaceError(
            f"whole ends {low} and {high} make an Integer, which step={step} does not fit: "
            f"write low: {float(low)} for real numbers, or a whole step."
        )
    return Integer(low, high, log=log, step=1 if step is None else step)

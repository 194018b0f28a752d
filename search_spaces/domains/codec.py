"""The compact notation of a domain: what stands in YAML and may stand wherever a domain is asked for.

A list is a Choice, a scalar is Fixed, `{low, high}` with `log` or `step` is Integer where both ends are whole
numbers and Real otherwise, `mean` and `std` make it normal; and `{choice: [...]}` is a Choice with `ordered`,
`weights`, or a mapping from labels to lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, assert_never

from search_spaces.domains import KINDS, Choice, Domain, Fixed, Integer, Real, Scalar
from search_spaces.domains.scalars import as_scalar
from search_spaces.domains.scales import CUT_STD
from search_spaces.errors import SpaceError, hint_name, located

DomainLike: TypeAlias = Domain | Scalar | Sequence[Any] | Mapping[str, Any]
"""A domain or its compact notation."""

RANGE_KEYS = ("low", "high", "log", "step", "mean", "std")
CHOICE_KEYS = ("choice", "ordered", "weights")


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
            return _choice_document(domain)
        case Integer():
            return _range_document(domain, domain.step if domain.step != 1 else None)
        case Real():
            return _range_document(domain, domain.step)
        case _:
            assert_never(domain)


def _choice_document(domain: Choice) -> Any:
    values = domain.notation()
    if isinstance(values, list) and not domain.ordered and domain.weights is None:
        return values
    document: dict[str, Any] = {"choice": values}
    if domain.ordered:
        document["ordered"] = True
    if domain.weights is not None:
        document["weights"] = list(domain.weights)
    return document


def _range_document(domain: Integer | Real, step: float | None) -> dict[str, Scalar]:
    document: dict[str, Scalar] = {"low": domain.low, "high": domain.high}
    if domain.log:
        document["log"] = True
    if step is not None:
        document["step"] = step
    if domain.mean is not None:
        document.update(mean=domain.mean, std=domain.std)
    return document


def _read_mapping(document: Mapping[str, Any]) -> Domain:
    known = CHOICE_KEYS if "choice" in document else RANGE_KEYS
    for key in document:
        if key not in known:
            raise SpaceError(f"unknown key {key!r}: {hint_name(str(key), known)}", (str(key),))
    if "choice" in document:
        choices = document["choice"]
        if not isinstance(choices, (Sequence, Mapping)) or isinstance(choices, (str, bytes)):
            raise SpaceError(f"choice takes a list of values, not {choices!r}: write [{choices!r}].")
        return Choice(choices, document.get("ordered", False), document.get("weights"))
    given = {**_cut_bell(document), **document}
    for key in ("low", "high"):
        if key not in given:
            raise SpaceError(f"a range needs low and high, and {dict(document)!r} lacks {key!r}: add it.")
    return _read_range(**given)


def _cut_bell(document: Mapping[str, Any]) -> dict[str, float]:
    """The ends of a normal range that has none of its own; nothing where it is not normal, or badly given."""
    mean, std = (as_scalar(document.get(key)) for key in ("mean", "std"))
    log = document.get("log", False)
    if document.get("step") is not None or any(type(n) not in (int, float) for n in (mean, std)):
        return {}
    ends = {"low": mean - CUT_STD * std, "high": mean + CUT_STD * std}  # type: ignore[operator]
    try:
        return {key: math.exp(end) for key, end in ends.items()} if as_scalar(log) is True else ends
    except OverflowError:
        return {}


def _read_range(
    low: Any, high: Any, log: Any = False, step: Any = None, mean: Any = None, std: Any = None
) -> Domain:
    low, high = as_scalar(low), as_scalar(high)
    if type(low) is not int or type(high) is not int:
        return Real(low, high, log=log, step=step, mean=mean, std=std)
    if isinstance(step, float):
        raise SpaceError(
            f"whole ends {low} and {high} make an Integer, which step={step} does not fit: "
            f"write low: {float(low)} for real numbers, or a whole step."
        )
    return Integer(low, high, log=log, step=1 if step is None else step, mean=mean, std=std)

"""What is legal in a space but likely a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterator

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Scalar
from search_spaces.errors import hint_name
from search_spaces.expressions.evaluation import is_same
from search_spaces.expressions.nodes import Comparison, Literal, Membership, Name, Node, children
from search_spaces.expressions.writing import write_literal


def list_warnings(space: Core) -> list[str]:
    """One line for each comparison with a value that its parameter never takes; none for a sound space.

    Not errors, for a restricted space may well keep a condition that can no longer hold.
    """
    lines = []
    for expression in (*space.conditions.values(), *space.constraints):
        for name, value in _equalities(expression.node):
            domain = space.parameters[name]
            if not isinstance(domain, Fixed) and not _takes(domain, value):
                texts = [str(level) for level in domain.choices] if isinstance(domain, Choice) else []
                hint = hint_name(value, texts) if isinstance(value, str) else f"give {domain.describe()}."
                lines.append(f"{expression.text!r}: {name} is never {write_literal(value)}: {hint}")
    return lines


def _equalities(node: Node) -> Iterator[tuple[str, Scalar]]:
    """The parameters and values that are asked to be equal, or not to be."""
    match node:
        case Membership(Name(name), items):
            yield from ((name, item.value) for item in items if isinstance(item, Literal))
        case Comparison(operators, operands):
            for operator, *sides in zip(operators, operands, operands[1:], strict=False):
                match sides:
                    case [Name(name), Literal(value)] | [Literal(value), Name(name)] if operator in (
                        "==",
                        "!=",
                    ):
                        yield name, value
    for child in children(node):
        yield from _equalities(child)


def _takes(domain: Domain, value: Scalar) -> bool:
    if isinstance(domain, Choice):
        return any(is_same(choice, value) for choice in domain.choices)
    whole = isinstance(value, float) and value.is_integer()
    return domain.contains(value) or (whole and domain.contains(int(value or 0)))

"""Ray Tune: a `param_space` as the lines of Python that define it; nothing of Ray's is read or needed."""

from __future__ import annotations

from typing import assert_never

from search_spaces.core import Core
from search_spaces.domains import Choice, Domain, Fixed, Integer, Real
from search_spaces.formats.refusing import check_length, refuse_absent


def write_ray(space: Core) -> str:
    """A module with a `param_space`; what has steps or order becomes a choice of its levels.

    Raises:
        SpaceError: If the space has conditions, constraints, defaults, weights, normal ranges or labels:
            `adapters.ray` has searches that keep these.
    """
    refuse_absent(space, "a param_space of plain text")
    lines = [f"    {name!r}: {_write(name, domain)}," for name, domain in space.parameters.items()]
    return "\n".join(["from ray import tune", "", "param_space = {", *lines, "}"])


def _write(name: str, domain: Domain) -> str:
    match domain:
        case Fixed(value):
            return repr(value)
        case Choice():
            return f"tune.choice({domain.notation()!r})"
        case Integer(low, high) if domain.step == 1:
            return f"tune.{'lograndint' if domain.log else 'randint'}({low}, {high + 1})"  # without its end
        case Real(low, high) if domain.step is None and low < high:
            return f"tune.{'loguniform' if domain.log else 'uniform'}({low}, {high})"
        case Integer() | Real():
            check_length(name, domain.size())
            return f"tune.choice({domain.levels()!r})"
        case _:
            assert_never(domain)

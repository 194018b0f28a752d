"""Generated spaces: `st.from_type(Space)` and the like draw from the strategies registered here."""

from __future__ import annotations

import math
import string

import numpy as np
import pytest
from hypothesis import strategies as st

from search_spaces import Choice, Domain, Fixed, Integer, Real, Space, SpaceError
from search_spaces.domains import flatten_density
from search_spaces.expressions.writing import write_literal, write_name

NAMES = ("units", "layers", "cell", "learning rate", "encoder.units", "in", "größe")
TEXTS = st.one_of(
    st.sampled_from(["adam", "yes", "010", "1e-3", "12:30", "null", "", " x ", "#", "a: b", "q\"'\\", "<<"]),
    st.text(alphabet=string.printable + "äπ☃𝄞\u2028\x85", max_size=8),
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**53), 2**53)
WEIGHTS = st.floats(0.01, 100)
SCALARS = st.one_of(st.none(), st.booleans(), WHOLE, NUMBERS, TEXTS)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    values = draw(st.lists(SCALARS, min_size=1, max_size=5, unique=True))
    weights = draw(st.none() | st.lists(WEIGHTS, min_size=len(values), max_size=len(values)))
    return Choice(values, ordered=draw(st.booleans()), weights=weights)


@st.composite
def labelled(draw: st.DrawFn) -> Choice:
    lists = st.lists(st.integers(0, 9) | NUMBERS | TEXTS, max_size=3)
    if draw(st.booleans()):
        return Choice(draw(st.dictionaries(TEXTS, lists, min_size=1, max_size=4)))
    return Choice(draw(st.lists(lists, min_size=1, max_size=4, unique_by=repr)))


@st.composite
def bells(draw: st.DrawFn) -> Integer | Real:
    """Normal ranges, with some of the bell between the ends."""
    low, n, at = draw(st.integers(1, 50)), draw(st.integers(1, 100)), draw(st.floats(0, 1))
    kind = draw(st.sampled_from(["integer", "log integer", "real", "log real", "stepped real"]))
    start, end = (math.log(low), math.log(low + n)) if "log" in kind else (low, low + n)
    bell = {"mean": start + at * (end - start), "std": draw(st.floats(0.05, 2)) * (end - start)}
    if "integer" in kind:
        return Integer(low, low + n, log="log" in kind, **bell)
    if kind == "stepped real":
        return Real(low, low + n, step=0.5, **bell)
    return Real(low, low + n, log="log" in kind, **bell)


@st.composite
def integers(draw: st.DrawFn, reach: int = 2**52) -> Integer:
    low = draw(st.integers(-reach, reach))
    if low > 0 and draw(st.booleans()):
        return Integer(low, low + draw(st.integers(0, reach)), log=True)
    if draw(st.booleans()):
        return Integer(low, low + draw(st.integers(0, reach)))
    step = draw(st.integers(2, 1000))
    return Integer(low, low + step * draw(st.integers(0, 1000)), step=step)


@st.composite
def reals(draw: st.DrawFn) -> Real:
    kind = draw(st.sampled_from(["plain", "log", "step"]))
    if kind == "step":  # whole multiples of a decimal, so that the last level is reached as written
        low, step, n = draw(st.integers(-1000, 1000)), draw(st.integers(1, 100)), draw(st.integers(0, 1000))
        return Real(low / 100, (low + n * step) / 100, step=step / 100)
    if kind == "log":
        low = draw(st.floats(1e-300, 1e290))
        return Real(low, low * draw(st.floats(1.001, 1e9)), log=True)
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    return Real(low, high)


st.register_type_strategy(Choice, choices() | labelled())
st.register_type_strategy(Integer, integers() | bells().filter(lambda d: isinstance(d, Integer)))
st.register_type_strategy(Real, reals() | bells().filter(lambda d: isinstance(d, Real)))
st.register_type_strategy(Fixed, st.builds(Fixed, SCALARS))

SMALL = st.one_of(
    choices(),
    st.builds(Fixed, SCALARS),
    st.builds(lambda low, n: Integer(low, low + n), st.integers(-3, 3), st.integers(0, 5)),
    st.builds(lambda low, n: Integer(low, low + n, log=True), st.integers(1, 3), st.integers(0, 5)),
    st.builds(lambda low, n: Real(low / 4, (low + n) / 4, step=0.25), st.integers(-4, 4), st.integers(0, 4)),
)
"""Domains small enough to be gone through."""


PLAIN = st.one_of(choices().map(flatten_density), integers(), reals(), st.builds(Fixed, SCALARS))
EVERY = st.one_of(choices(), labelled(), integers(), reals(), bells(), st.builds(Fixed, SCALARS))


@st.composite
def statements(draw: st.DrawFn, domains: dict[str, Domain], depth: int = 2) -> str:
    """An expression over `domains` that is true or false."""
    if depth and draw(st.booleans()):
        left = draw(statements(domains, depth - 1))
        right = draw(statements(domains, depth - 1))
        form = draw(st.sampled_from(["({}) and ({})", "({}) or ({})", "({}) if ({})", "not ({})"]))
        return form.format(left, right)
    name = draw(st.sampled_from(sorted(domains)))
    levels = domains[name].levels(4)
    if all(type(level) in (int, float) for level in levels):
        operator = draw(st.sampled_from(["<", "<=", ">", ">="]))
        factor = draw(st.sampled_from(["", "2 * ", "-"]))
        return f"{factor}{write_name(name)} {operator} {write_literal(draw(st.sampled_from(levels)))}"
    listed = draw(st.lists(st.sampled_from(levels), min_size=1, max_size=3))
    operator = draw(st.sampled_from(["in", "not in"]))
    return f"{write_name(name)} {operator} [{', '.join(map(write_literal, listed))}]"


@st.composite
def spaces(draw: st.DrawFn, domain: st.SearchStrategy[Domain] | None = None) -> Space:
    """A space with at least one legal setting, and not too few of them."""
    kinds = EVERY if domain is None else domain
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    domains = {name: draw(kinds) for name in names}
    conditions = {
        name: draw(statements({other: domains[other] for other in names[:index]}))
        for index, name in enumerate(names)
        if index and draw(st.booleans())
    }
    bare = Space(domains, conditions)
    center = bare.from_unit([draw(st.floats(0, 1)) for _ in bare.dimensions])
    constraints = draw(st.lists(statements(domains), max_size=2))
    kept = [text for text in constraints if Space(domains, conditions, [text]).violated(center) is None]
    space = Space(domains, conditions, kept)
    try:
        space.draw(3, np.random.default_rng(0))
    except SpaceError:
        space = bare
    if draw(st.booleans()):
        return space
    known = draw(st.lists(st.sampled_from(names), unique=True))
    values = space.sample(np.random.default_rng(1))
    defaults = {name: values[name] for name in known if name in values}
    try:
        return Space(space.parameters, space.conditions, space.constraints, defaults)
    except SpaceError:  # the defaults alone may break a constraint that the whole setting keeps
        return space


st.register_type_strategy(Space, spaces())


@pytest.fixture(scope="session")
def plain_spaces() -> st.SearchStrategy[Space]:
    """Spaces whose values are all equally likely."""
    return spaces(PLAIN)


@pytest.fixture(scope="session")
def small_spaces() -> st.SearchStrategy[Space]:
    """Spaces whose settings can be listed."""
    return spaces(SMALL)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20_240_607)

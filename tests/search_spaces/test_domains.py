from __future__ import annotations

import decimal
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import stats

from search_spaces import Choice, Domain, Fixed, Integer, Real, SpaceError
from search_spaces.domains.codec import as_domain, domain_document

UNIT = st.floats(0, 1)
INF, NAN = float("inf"), float("nan")

BAD_DOMAINS = {
    "Choice takes a list": lambda: Choice("lstm"),
    "needs at least one value": lambda: Choice([]),
    "holds 1 and True, which are equal": lambda: Choice([1, True]),
    "holds 1 and 1.0, which are equal": lambda: Choice([1, 1.0]),
    "holds 'a' and 'a', which are equal": lambda: Choice(["a", "a"]),
    "lists of text, finite numbers": lambda: Choice([[object()]]),
    "a set has no order": lambda: Choice({"a", "b"}),
    "holds finite numbers, not nan": lambda: Choice([NAN]),
    "holds finite numbers, not inf": lambda: Fixed(INF),
    "holds integers up to 2**53": lambda: Fixed(2**53 + 1),
    "ordered is true or false, not 1": lambda: Choice([1, 2], ordered=1),  # type: ignore[arg-type]
    "low=9 is above high=3": lambda: Integer(9, 3),
    "not low=1.5": lambda: Integer(1.5, 3),  # type: ignore[arg-type]
    "not high=True": lambda: Integer(0, True),
    "not low='1'": lambda: Integer("1", 3),  # type: ignore[arg-type]
    "not high=9007199254740993": lambda: Integer(0, 2**53 + 1),
    "step=0 goes nowhere": lambda: Integer(1, 3, step=0),
    "write high=7": lambda: Integer(1, 8, step=2),
    "a log scale starts at 1 or above, not at low=0": lambda: Integer(0, 3, log=True),
    "log and step=2 exclude each other": lambda: Integer(1, 3, log=True, step=2),
    "low=2.0 is above high=1.0": lambda: Real(2, 1),
    "not low=nan": lambda: Real(NAN, 1),
    "not high=inf": lambda: Real(0, INF),
    "not high=True: give a number": lambda: Real(0, True),
    "a log scale starts above 0, not at low=0.0": lambda: Real(0, 1, log=True),
    "step=0.0 goes nowhere": lambda: Real(0, 1, step=0),
    "not step=nan": lambda: Real(0, 1, step=NAN),
    "log and step=0.1 exclude each other": lambda: Real(0.1, 1, log=True, step=0.1),
    "write high=0.9": lambda: Real(0, 1, step=0.3),
    "more than 2**53 values": lambda: Real(0, 1, step=1e-20),
    "step=0.5 is finer than doubles": lambda: Real(1e16, 1e16 + 10, step=0.5),
    "two finite numbers, not std=None": lambda: Real(0, 1, mean=0.5),
    "two finite numbers, not mean=None": lambda: Integer(0, 1, std=0.5),
    "std=0 is no width": lambda: Real(0, 1, mean=0.5, std=0),
    "has nothing within the ends": lambda: Real(0, 1, mean=1000, std=0.1),
    "mean and std are those of the natural logarithm": lambda: Real(1e-3, 1, log=True, mean=900, std=1),
    "3 choices have 3 weights, not the 2": lambda: Choice(["a", "b", "c"], weights=[1, 2]),
    "a number from above 0 to 1e300, not 0": lambda: Choice(["a", "b"], weights=[1, 0]),
    "a number from above 0 to 1e300, not nan": lambda: Choice(["a", "b"], weights=[1, NAN]),
    "weights are a list of numbers, not 'ab'": lambda: Choice(["a", "b"], weights="ab"),  # type: ignore[arg-type]
    "too far apart": lambda: Choice(["a", "b"], weights=[1e-9, 1e9]),
    "a label is text, not 1": lambda: Choice({1: [2]}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("fault", BAD_DOMAINS)
def test_a_bad_domain_is_refused_with_the_value_and_the_way_out(fault: str) -> None:
    with pytest.raises(SpaceError) as caught:
        BAD_DOMAINS[fault]()

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


@given(domain=..., u=UNIT)
def test_every_point_of_the_unit_interval_is_a_value(domain: Domain, u: float) -> None:
    assert domain.contains(domain.from_unit(u))


@given(domain=st.one_of(st.from_type(Integer), st.from_type(Real)))
def test_both_ends_of_a_range_are_reached(domain: Integer | Real) -> None:
    assert (domain.from_unit(0.0), domain.from_unit(1.0)) == (domain.low, domain.high)


@given(domain=...)
def test_every_choice_is_reached(domain: Choice) -> None:
    edges = [domain.edge(index) for index in range(domain.size() + 1)]

    reached = [domain.from_unit((low + high) / 2) for low, high in itertools.pairwise(edges)]

    assert reached == list(domain.choices)


@given(domain=..., u=UNIT)
@example(domain=Real(1.0, 2.0, mean=1.375, std=0.0625), u=2.2250738585072014e-308)
def test_a_value_comes_back_from_the_unit_interval(domain: Domain, u: float) -> None:
    assume(not (isinstance(domain, Integer) and domain.size() > 2**40))  # a double has no room for the shares
    value = domain.from_unit(u)

    again = domain.from_unit(domain.to_unit(value))

    if isinstance(domain, Real) and domain.step is None:
        # Tails of a normal distribution, six deviations away, come back to nine digits.
        digits = 1e-12 if domain.std is None else 1e-9
        slack = 1e-9 * value if domain.log else digits * (abs(domain.low) + abs(domain.high))
        assert again == pytest.approx(value, abs=abs(slack), rel=0)
    else:
        assert again == value


@given(domain=...)
def test_the_compact_notation_gives_the_domain_back(domain: Domain) -> None:
    again = as_domain(domain_document(domain))

    assert again == domain
    assert hash(again) == hash(domain)
    assert repr(again) == repr(domain)


@given(domain=...)
def test_a_domain_survives_pickling_and_its_own_repr(domain: Domain) -> None:
    assert pickle.loads(pickle.dumps(domain)) == domain  # noqa: S301
    assert eval(repr(domain)) == domain  # noqa: S307


@given(domain=..., n=st.integers(1, 9))
def test_levels_are_legal_different_and_include_both_ends(domain: Integer | Real, n: int) -> None:
    levels = domain.levels(n)

    assert all(map(domain.contains, levels))
    assert levels == sorted(set(levels))
    assert len(levels) <= n
    if n > 1:
        assert (levels[0], levels[-1]) == (domain.low, domain.high)


@pytest.mark.parametrize(
    ("domain", "legal", "illegal"),
    [
        (Choice([1, "a"]), [1, np.int64(1), "a", np.str_("a")], [1.0, True, "1", None, [1]]),
        (Choice([True, None]), [True, np.bool_(True), None], [1, 1.0, False, "None"]),
        (Choice([0.5, 2]), [0.5, np.float64(0.5), 2], [2.0, "0.5"]),
        (Fixed(1), [1, np.int32(1)], [True, 1.0, 2]),
        (Integer(1, 9, step=2), [1, 9, np.int64(3)], [2, 11, -1, 3.0, True, "3", None]),
        (Real(0, 1), [0.0, 1.0, 0, 1, np.float32(0.5)], [1.1, -0.1, INF, NAN, True, "0.5", None]),
        (Real(0, 1, step=0.1), [0.3, 0.1 + 0.2, 1.0], [0.35, 1.1]),
    ],
)
def test_legality_looks_at_types_and_takes_numpy_scalars(
    domain: Domain, legal: list[object], illegal: list[object]
) -> None:
    assert [value for value in legal if not domain.contains(value)] == []
    assert [value for value in illegal if domain.contains(value)] == []


def test_domains_that_differ_only_in_a_type_are_different() -> None:
    domains = [Fixed(1), Fixed(1.0), Fixed(True), Choice([1]), Choice([1.0]), Choice([True]), Choice(["1"])]

    assert len(set(domains)) == len(domains)
    assert Choice([1, 2]) != Choice([1, 2], ordered=True)


def test_a_domain_never_changes() -> None:
    with pytest.raises(AttributeError):
        Integer(1, 3).low = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Choice([1, 3]).choices = (2,)  # type: ignore[misc]


def test_levels_of_a_stepped_real_read_as_they_are_written() -> None:
    assert Real(0.1, 0.5, step=0.1).levels() == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_levels_of_a_log_range_grow_by_equal_ratios() -> None:
    assert Integer(8, 128, log=True).levels(5) == [8, 16, 32, 64, 128]
    assert Real(1e-4, 1e-2, log=True).levels(3) == pytest.approx([1e-4, 1e-3, 1e-2])


@pytest.mark.parametrize(
    ("notation", "domain"),
    [
        (["rnn", "lstm"], Choice(["rnn", "lstm"])),
        ("adam", Fixed("adam")),
        (True, Fixed(True)),
        (None, Fixed(None)),
        ({"low": 1, "high": 9}, Integer(1, 9)),
        ({"low": 1, "high": 9, "step": 4}, Integer(1, 9, step=4)),
        ({"low": 1, "high": 9.0}, Real(1, 9)),
        ({"low": 0.1, "high": 1, "log": True}, Real(0.1, 1, log=True)),
        ({"choice": ["s", "m"], "ordered": True}, Choice(["s", "m"], ordered=True)),
        ({"choice": ["s", "m"]}, Choice(["s", "m"])),
        ({"choice": ["s", "m"], "weights": [1, 3]}, Choice(["s", "m"], weights=[1, 3])),
        ([[64, 64], [128]], Choice([[64, 64], [128]])),
        ({"choice": {"small": [64], "large": [64, 64]}}, Choice({"small": [64], "large": [64, 64]})),
        ({"low": 0.0, "high": 1.0, "mean": 0.5, "std": 0.1}, Real(0, 1, mean=0.5, std=0.1)),
        ({"mean": 1, "std": 0.5}, Real(-3, 5, mean=1, std=0.5)),
        (
            {"mean": 0, "std": 1, "log": True},
            Real(math.exp(-8), math.exp(8), log=True, mean=0, std=1),
        ),
    ],
)
def test_the_compact_notation_is_read(notation: object, domain: Domain) -> None:
    assert as_domain(notation) == domain  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("notation", "message"),
    [
        ({"low": 1, "hihg": 9}, "unknown key 'hihg': did you mean 'high'?"),
        ({"choices": ["a"]}, "unknown key 'choices'"),
        ({"choice": ["a"], "log": True}, "unknown key 'log'"),
        ({"choice": "a"}, "choice takes a list"),
        ({"low": 1}, "lacks 'high'"),
        ({}, "lacks 'low'"),
        ({"low": 1, "high": 3, "step": 0.5}, "write low: 1.0"),
        ({"low": "1", "high": 3}, "not low='1'"),
        ([[object()]], "a label stands for lists"),
        (object(), "Fixed holds text"),
    ],
)
def test_bad_notation_is_refused_under_the_parameters_name(notation: object, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        as_domain(notation, "units")  # type: ignore[arg-type]

    assert str(caught.value).startswith("units: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("low", "step"),
    [(1e6, 1e-4), (-1e6, 1e-4), (0.1, 0.1), (1e9, 1e-6), (0.0, 1e-12), (123456.789, 0.001)],
)
def test_every_level_of_a_stepped_real_is_its_own(low: float, step: float) -> None:
    domain = Real(low, float(decimal.Decimal(repr(low)) + 10_000 * decimal.Decimal(repr(step))), step=step)

    levels = domain.levels()

    assert [value for value in levels if not domain.contains(value)] == []
    assert [domain.snap(low + k * step) for k in range(10_001)] == levels
    assert not domain.contains(low + 2.5 * step)


def test_the_callers_decimal_context_changes_nothing() -> None:
    with decimal.localcontext(decimal.Context(prec=2, traps=[decimal.Inexact])):
        domain = Real(1000.001, 1000.009, step=0.001)

        assert domain.size() == 9
        assert domain.levels()[1] == 1000.002


@pytest.mark.parametrize(
    "domain",
    [
        Integer(1, 2**46, log=True),
        Integer(0, 2**52),
        Integer(-(2**51), 2**51),
        Integer(2**40, 2**46, log=True),
    ],
)
@given(u=UNIT)
def test_huge_integers_come_back_from_the_unit_interval(domain: Integer, u: float) -> None:
    value = domain.from_unit(u)

    assert domain.from_unit(domain.to_unit(value)) == value


@pytest.mark.parametrize(
    "domain",
    [
        Choice(["a", "b", "c"], weights=[1, 2, 7]),
        Integer(1, 6, mean=2, std=1.5),
        Integer(1, 20, log=True, mean=1.5, std=0.5),
        Real(0, 1, step=0.25, mean=0.9, std=0.3),
        Integer(1, 9, log=True),
    ],
)
@given(u=UNIT)
def test_a_value_has_the_share_between_its_edges(domain: Choice | Integer | Real, u: float) -> None:
    value = domain.from_unit(u)

    k = domain.levels().index(value)

    assert domain.edge(k) - 1e-9 <= u <= domain.edge(k + 1) + 1e-9


def test_weights_are_the_shares_of_choices() -> None:
    domain = Choice(["a", "b", "c"], weights=[1, 2, 7])

    assert [domain.edge(k) for k in range(4)] == pytest.approx([0, 0.1, 0.3, 1])
    assert Choice(["a", "b"], weights=[2, 2]) == Choice(["a", "b"])


@pytest.mark.parametrize(
    ("domain", "bell"),
    [
        (Real(-1, 2, mean=0.5, std=0.7), stats.truncnorm(-1.5 / 0.7, 1.5 / 0.7, 0.5, 0.7)),
        (Real(3, 9, mean=0, std=1), stats.truncnorm(3, 9, 0, 1)),
        (Real(-9, -3, mean=0, std=1), stats.truncnorm(-9, -3, 0, 1)),
    ],
)
@pytest.mark.parametrize("u", [0.0, 1e-6, 0.1, 0.5, 0.9, 1 - 1e-6, 1.0])
def test_a_normal_range_is_a_normal_distribution_cut_at_its_ends(domain: Real, bell: Any, u: float) -> None:
    assert domain.from_unit(u) == pytest.approx(bell.ppf(u), rel=1e-6, abs=1e-9)
    assert domain.to_unit(bell.ppf(u)) == pytest.approx(u, abs=1e-7)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_integers_whose_logarithms_are_one_double_keep_their_shares(size: int) -> None:
    domain = Integer(2**53 - size + 1, 2**53, log=True)
    values = [domain.level(k) for k in range(size)]

    assert [domain.from_unit((k + 0.5) / size) for k in range(size)] == values
    assert [domain.from_unit(domain.to_unit(value)) for value in values] == values
    assert [domain.edge(k) for k in range(size + 1)] == [k / size for k in range(size + 1)]


def test_a_log_normal_range_is_normal_in_its_logarithm() -> None:
    domain = Real(1e-6, 1e2, log=True, mean=math.log(1e-3), std=1.0)

    assert domain.from_unit(0.5) == pytest.approx(1e-3, rel=1e-6)
    assert domain.from_unit(stats.norm.cdf(1)) == pytest.approx(1e-3 * math.e, rel=1e-6)


def test_a_list_goes_by_its_label() -> None:
    domain = Choice({"small": [64], "large": (64, 64), "none": None})

    assert domain.choices == ("small", "large", "none")
    assert [domain.resolve(label) for label in domain.choices] == [[64], [64, 64], None]
    assert Choice([[64], [64, 64]]).choices == ("[64]", "[64, 64]")
    assert not domain.contains([64])


def test_numpys_truth_values_are_pythons() -> None:
    yes: Any = np.True_

    assert Integer(8, 64, log=yes) == Integer(8, 64, log=True)
    assert Real(1, 2, log=yes).log is True
    assert Choice([1, 2], ordered=yes).ordered is True
    assert as_domain({"low": 8, "high": 64, "log": yes}) == Integer(8, 64, log=True)


@pytest.mark.parametrize("values", [np.array([8, 16]), {8, 16}])
def test_several_values_that_are_no_list_are_refused_with_how_to_make_one(values: Any) -> None:
    with pytest.raises(SpaceError, match=r"write a list, values\.tolist\(\) of an array"):
        as_domain(values)


def test_letters_that_changed_places_are_the_first_that_is_thought_of() -> None:
    with pytest.raises(SpaceError, match="unknown key 'lgo': did you mean 'log'"):
        as_domain({"low": 1, "high": 2, "lgo": True})


@pytest.mark.parametrize("u", [-0.1, 1.5, math.nan, -math.inf, "a", None])
@pytest.mark.parametrize(
    "domain",
    [
        Integer(8, 64),
        Integer(8, 64, log=True),
        Integer(8, 64, mean=20, std=5),
        Real(0.5, 2.0),
        Real(0.5, 2.0, log=True),
        Real(0.5, 2.0, step=0.5),
        Choice([1, 2]),
        Choice([1, 2], weights=[1, 3]),
    ],
)
def test_a_place_outside_of_the_unit_interval_is_refused(domain: Domain, u: Any) -> None:
    with pytest.raises(SpaceError, match=f"a number from 0 to 1, not {u!r}: give one"):
        domain.from_unit(u)

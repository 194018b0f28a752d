from __future__ import annotations

import math
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from search_spaces import Choice, Domain, Integer, Real, Space, SpaceError
from search_spaces.drawing.batch import Batch
from search_spaces.drawing.sampling import Method

METHODS: tuple[Method, ...] = ("random", "lhs", "sobol")
FALSE_FAILURE_RATE = 1e-6
"""Of each uniformity test: the chance that a correct sampler would fail under another seed."""


@given(space=..., method=st.sampled_from(METHODS), n=st.integers(0, 9))
def test_every_method_draws_as_many_legal_settings_as_asked(space: Space, method: Method, n: int) -> None:
    sample = space.draw(n, np.random.default_rng(0), method)

    assert len(sample.settings) == n
    for params in sample.settings:
        space.validate(params)
    assert 0 < sample.acceptance_rate <= 1
    assert space.constraints or sample.acceptance_rate == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_settles_the_sample(method: Method) -> None:
    space = Space({"a": Real(0, 1), "b": Integer(1, 9)}, {}, ["a * b < 2"])

    first, again, other = (space.draw(8, np.random.default_rng(seed), method) for seed in (1, 1, 2))

    assert first == again
    assert first != other


@pytest.mark.parametrize("method", METHODS)
def test_a_space_of_fixed_values_gives_its_one_setting(method: Method, rng: np.random.Generator) -> None:
    assert Space({"a": 1}).draw(3, rng, method).settings == ({"a": 1},) * 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Space({"a": [1, 2]}, {}, ["a > 2"]), "the space is empty: no setting at all satisfies 'a > 2'"),
        (Space({"a": 1}, {}, ["a > 2"]), "the space is empty"),
        (Space({"a": Integer(1, 99), "b": [1, 2]}, {}, ["a < 1", "b < 2"]), "'a < 1' and 'b < 2'"),
        (Space({"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a + b > 2"]), "the space is empty"),
        (Space({"a": Real(0, 1)}, {}, ["a == 0.5"]), "restrict the domains to where they hold"),
    ],
)
def test_an_empty_space_is_an_error_and_not_a_long_wait(
    space: Space, message: str, method: Method, rng: np.random.Generator
) -> None:
    start_s = time.process_time()

    with pytest.raises(SpaceError, match=message):
        space.draw(5, rng, method)

    assert time.process_time() - start_s < 5
    with pytest.raises(SpaceError, match=r"satisfies|satisfy"):
        space.sample(rng)


@pytest.mark.parametrize(
    ("n", "method", "message"), [(-1, "lhs", "not -1"), (True, "lhs", "True"), (1, "lsh", "'lhs'")]
)
def test_a_bad_request_is_refused(n: int, method: Method, message: str, rng: np.random.Generator) -> None:
    with pytest.raises(SpaceError, match=message):
        Space({"a": [1, 2]}).draw(n, rng, method)


@pytest.mark.parametrize("method", METHODS)
def test_the_acceptance_rate_is_the_legal_share_of_the_cube(method: Method, rng: np.random.Generator) -> None:
    space = Space(
        {"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a + b < 0.5"]
    )  # a triangle: an eighth of the square

    sample = space.draw(512, rng, method)

    # the binomial's standard deviation is 0.005 for random draws; smaller for the others
    assert sample.acceptance_rate == pytest.approx(1 / 8, abs=0.026)


def test_a_hypercube_puts_one_value_into_each_share_of_each_parameter(rng: np.random.Generator) -> None:
    space = Space({"a": Real(0, 1), "b": Choice(list(range(10))), "c": Integer(1, 1000, log=True)})

    settings = space.draw(50, rng, "lhs").settings

    assert sorted(int(p["a"] * 50) for p in settings) == list(range(50))
    assert set(Counter(p["b"] for p in settings).values()) == {5}


def test_a_hypercube_is_that_of_scipy_where_scipy_is_not() -> None:
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    space = Space({"a": Real(0, 1), "b": Real(0, 1)})

    for _ in range(2):  # one generator, two draws; their order is ours
        points = [list(params.values()) for params in space.draw(9, rng, "lhs").settings]
        assert sorted(points) == sorted(stats.qmc.LatinHypercube(2, seed=same).random(9).tolist())


def test_a_sobol_sequence_fills_every_quarter_evenly(rng: np.random.Generator) -> None:
    settings = Space({"a": Real(0, 1), "b": Real(0, 1)}).draw(64, rng, "sobol").settings

    assert set(Counter((p["a"] > 0.5, p["b"] > 0.5) for p in settings).values()) == {16}


SHARES = {
    "choice": (Choice(["a", "b", "c"]), [1, 1, 1]),
    "integer": (Integer(-2, 4), [1] * 7),
    "stepped integer": (Integer(0, 90, step=9), [1] * 11),
    "log integer": (Integer(1, 8, log=True), [math.log((k + 0.5) / (k - 0.5)) for k in range(1, 9)]),
    "stepped real": (Real(0, 1, step=0.25), [1] * 5),
}


@pytest.mark.parametrize("kind", SHARES)
def test_values_come_with_their_share(kind: str, rng: np.random.Generator) -> None:
    domain, shares = SHARES[kind]
    space = Space({"x": domain})

    counts = Counter(space.sample(rng)["x"] for _ in range(3000))

    observed = [counts[level] for level in domain.levels()]
    expected = 3000 * np.array(shares) / sum(shares)
    assert sum(observed) == 3000
    assert stats.chisquare(observed, expected).pvalue > FALSE_FAILURE_RATE


@pytest.mark.parametrize("domain", [Real(-3, 5), Real(1e-6, 1, log=True)])
def test_reals_are_uniform_on_their_scale(domain: Domain, rng: np.random.Generator) -> None:
    space = Space({"x": domain})

    places = [domain.to_unit(space.sample(rng)["x"]) for _ in range(3000)]

    assert stats.kstest(places, "uniform").pvalue > FALSE_FAILURE_RATE


@pytest.mark.parametrize("method", METHODS)
def test_constraints_leave_what_is_legal_equally_likely(method: Method, rng: np.random.Generator) -> None:
    space = Space({"a": Integer(1, 6), "b": Integer(1, 6)}, {}, ["a + b <= 5"])

    settings = space.draw(2000, rng, method).settings

    counts = Counter((p["a"], p["b"]) for p in settings)
    assert len(counts) == 10
    # for lhs and sobol the counts vary less than chance would have it, so the test can only be too mild
    assert stats.chisquare(list(counts.values())).pvalue > FALSE_FAILURE_RATE


def test_conditions_do_not_change_how_often_their_parents_values_come(rng: np.random.Generator) -> None:
    space = Space({"layers": [1, 2], "units_2": Integer(1, 100)}, {"units_2": "layers == 2"})

    counts = Counter(space.sample(rng)["layers"] for _ in range(3000))

    assert stats.chisquare([counts[1], counts[2]]).pvalue > FALSE_FAILURE_RATE


@given(space=..., seed=st.integers(0, 99))
def test_columns_agree_with_settings_drawn_one_by_one(space: Space, seed: int) -> None:
    points = np.random.default_rng(seed).random((6, len(space.dimensions)))

    batch = Batch(space, points)

    settings = [space.from_unit(point) for point in points.tolist()]
    assert repr(batch.list_settings()) == repr(settings)
    assert batch.find_legal().tolist() == [i for i, s in enumerate(settings) if space.violated(s) is None]


def test_a_draw_is_that_many_samples() -> None:
    space = Space({"a": Real(0, 1), "b": Integer(1, 9, log=True)}, {}, ["a * b < 2"])
    rng = np.random.default_rng(5)

    one_by_one = [space.sample(rng) for _ in range(20)]

    assert list(space.draw(20, np.random.default_rng(5)).settings) == one_by_one


TENTHS = {f"w{i}": Real(0, 1, step=0.1) for i in range(5)}
RARE = {
    "1 in 161": (Space(TENTHS, {}, ["w0 + w1 + w2 + w3 + w4 == 1"]), math.comb(14, 4)),
    "1 in 5,000": (
        Space({"a": Integer(1, 100), "b": Integer(1, 100)}, {}, ["a == 7", "b in [9, 50]"]),
        2,
    ),
    "1 in 67,000": (Space({"a": Integer(1, 10**6), "b": [1, 2]}, {}, ["a <= 10 * b"]), 30),
    "1 in 10^7, conditional": (
        Space(
            {"kind": ["x", "y"], "a": Integer(1, 10**7), "b": Integer(1, 10)},
            {"a": "kind == 'x'"},
            ["a < 4", "kind == 'x'"],
        ),
        30,
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", RARE)
def test_what_is_rarely_legal_is_drawn_uniformly(kind: str, method: Method, rng: np.random.Generator) -> None:
    space, n_legal = RARE[kind]

    settings = space.draw(2000, rng, method).settings

    counts = Counter(tuple(params.values()) for params in settings)
    observed = [*counts.values(), *[0] * (n_legal - len(counts))]
    assert all(map(space.is_legal, settings))
    assert len(observed) == n_legal
    assert stats.chisquare(observed).pvalue > FALSE_FAILURE_RATE


def test_the_acceptance_rate_of_what_is_rarely_legal_is_its_share(rng: np.random.Generator) -> None:
    space = Space({"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a + b < 0.001"])

    drawn = space.draw(2000, rng)

    assert drawn.acceptance_rate == pytest.approx(0.001**2 / 2, rel=0.1)


def test_weights_and_normal_ranges_keep_their_density_where_little_is_legal(rng: np.random.Generator) -> None:
    space = Space(
        {"a": Choice(["x", "y"], weights=[1, 3]), "b": Integer(1, 10**5), "c": Real(0, 1, mean=0.2, std=0.2)},
        {},
        ["b <= 3 if a == 'x'", "b <= 3 if a == 'y'", "c < 0.2"],
    )

    settings = space.draw(2000, rng).settings

    counts = Counter(params["a"] for params in settings)
    bell = stats.truncnorm(-1, 0, 0.2, 0.2)
    assert stats.chisquare([counts["x"], counts["y"]], [500, 1500]).pvalue > FALSE_FAILURE_RATE
    assert stats.kstest([params["c"] for params in settings], bell.cdf).pvalue > FALSE_FAILURE_RATE


def test_seven_numbers_in_order_are_found(rng: np.random.Generator) -> None:
    names = [f"x{i}" for i in range(7)]
    space = Space(dict.fromkeys(names, Real(0, 1)), {}, [" < ".join(names)])  # 1 in 5,040

    settings = space.draw(200, rng).settings

    assert all(list(params.values()) == sorted(params.values()) for params in settings)
    # the first of seven ordered uniforms has the beta distribution
    assert stats.kstest([p["x0"] for p in settings], stats.beta(1, 7).cdf).pvalue > FALSE_FAILURE_RATE


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0)])
def test_what_is_no_generator_is_refused(rng: object) -> None:
    space = Space({"a": [1, 2]})

    with pytest.raises(SpaceError, match="rng is a NumPy generator, not"):
        space.sample(rng)  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match="rng is a NumPy generator, not"):
        space.draw(3, rng)  # type: ignore[arg-type]


def test_a_number_of_settings_may_be_numpys(rng: np.random.Generator) -> None:
    assert len(Space({"a": [1, 2]}).draw(np.int64(3), rng).settings) == 3  # type: ignore[arg-type]

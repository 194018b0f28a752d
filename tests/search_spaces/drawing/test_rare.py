from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from search_spaces import Choice, Integer, Real, Space, SpaceError
from search_spaces.drawing.batch import Batch
from search_spaces.drawing.boxes import Cover
from search_spaces.drawing.rare import Part, restrict_to
from search_spaces.drawing.walking import Walk, find_starts

FALSE_FAILURE_RATE = 1e-6
"""Of each uniformity test: the chance that a correct sampler would fail under another seed."""


def name_weights(n: int) -> tuple[list[str], str]:
    names = [f"w{i}" for i in range(n)]
    return names, f"{' + '.join(names)} == 1"


def find_walk(space: Space) -> Walk:
    """The walk of a space, whether it needs one or not."""
    cover = Cover(space)
    cover.refine(64)
    core = restrict_to(space, cover.boxes.names)
    rng = np.random.default_rng(0)
    return Walk(core, find_starts(core, cover, rng)).mix(rng)


def test_legal_combinations_without_pattern_are_listed_and_drawn_alike(rng: np.random.Generator) -> None:
    space = Space(dict.fromkeys("abc", Integer(1, 60)), {}, ["a * a + b * b == c * c"])
    legal = {c for c in itertools.product(range(1, 61), repeat=3) if c[0] ** 2 + c[1] ** 2 == c[2] ** 2}

    drawn = space.draw(2000, rng)

    counts = Counter(tuple(params.values()) for params in drawn.settings)
    assert counts.keys() <= legal
    assert stats.chisquare([counts[each] for each in legal]).pvalue > FALSE_FAILURE_RATE
    assert drawn.acceptance_rate == pytest.approx(len(legal) / 60**3, rel=0.1)


@pytest.mark.slow
def test_what_is_listed_keeps_weights_and_scales(rng: np.random.Generator) -> None:
    space = Space(
        {
            "a": Integer(1, 1000, log=True),
            "b": Integer(1, 1000),
            "c": Choice(["x", "y"], weights=[1, 3]),
            "free": Real(0, 1),
        },
        {},
        ["(a * 7 + b * 13) % 97 == 3", "b % 50 == 9"],
    )
    levels = [(a, b) for a in range(1, 1001) for b in range(9, 1001, 50) if (a * 7 + b * 13) % 97 == 3]
    shares = np.array([math.log((a + 0.5) / (a - 0.5)) for a, _ in levels])

    settings = space.draw(4000, rng).settings

    counts = Counter((params["a"], params["b"]) for params in settings)
    expected = 4000 * shares / shares.sum()
    often = expected > 5
    observed = np.array([counts[level] for level in levels])
    assert len(space.cache("legal part", dict).below) == len(levels)
    assert sum(counts.values()) == observed.sum() == 4000
    gathered = [*observed[often], observed[~often].sum()], [*expected[often], expected[~often].sum()]
    assert stats.chisquare(*gathered).pvalue > FALSE_FAILURE_RATE
    n_x = sum(params["c"] == "x" for params in settings)
    assert stats.chisquare([n_x, 4000 - n_x], [1000, 3000]).pvalue > FALSE_FAILURE_RATE
    assert stats.kstest([params["free"] for params in settings], "uniform").pvalue > FALSE_FAILURE_RATE


@pytest.mark.parametrize(
    ("space", "n_legal"),
    [
        (
            Space(dict.fromkeys(name_weights(5)[0], Real(0, 1, step=0.25)), {}, [name_weights(5)[1]]),
            math.comb(8, 4),
        ),
        (Space({"a": Integer(1, 9), "b": Integer(1, 9), "c": Integer(1, 9)}, {}, ["a < b < c"]), 84),
        (
            Space(
                {"n": [1, 2], "a": Integer(1, 50), "b": Integer(1, 5)}, {"a": "n == 1"}, ["a < 4", "n == 1"]
            ),
            3,
        ),
    ],
)
def test_a_walk_reaches_every_legal_setting_alike(space: Space, n_legal: int) -> None:
    walk = find_walk(space)

    points = walk.take(3000, np.random.default_rng(1))

    drawn = Batch(walk.core, points).list_settings()
    counts = Counter(tuple(params.values()) for params in drawn)
    assert all(walk.core.is_legal(params) for params in drawn)
    assert len(counts) == n_legal
    assert stats.chisquare(list(counts.values())).pvalue > FALSE_FAILURE_RATE


@pytest.mark.slow
def test_a_walk_through_a_thin_band_is_uniform_on_it() -> None:
    space = Space(dict.fromkeys("abcd", Real(0, 1)), {}, ["abs(a + b + c + d - 1) < 1e-4"])
    walk = find_walk(space)

    points = walk.take(500, np.random.default_rng(1))

    # one of four coordinates that sum to one has the beta distribution (Dirichlet's margins)
    assert np.abs(points.sum(axis=1) - 1).max() < 1e-4
    for column in points.T:
        assert stats.kstest(column, stats.beta(1, 3).cdf).pvalue > FALSE_FAILURE_RATE


@pytest.mark.slow
def test_twenty_weights_that_sum_to_one_are_drawn_uniformly(rng: np.random.Generator) -> None:
    names, constraint = name_weights(20)
    space = Space(dict.fromkeys(names, Real(0, 1, step=0.1)), {}, [constraint])  # 20 million of 10^20

    settings = space.draw(1500, rng).settings

    shares = np.array([math.comb(28 - tenths, 18) for tenths in range(11)])
    expected = 1500 * np.append(shares[:4], shares[4:].sum()) / shares.sum()
    assert isinstance(space.cache("legal part", dict), Part)
    for name in names:
        tenths = Counter(min(round(params[name] * 10), 4) for params in settings)
        assert stats.chisquare([tenths[k] for k in range(5)], expected).pvalue > FALSE_FAILURE_RATE


@pytest.mark.slow
def test_a_seed_settles_what_is_walked_to() -> None:
    space = Space(dict.fromkeys("abc", Real(0, 1)), {}, ["abs(a + b + c - 1) < 1e-7"])

    first, again, other = (space.sample(np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first == again != other
    assert space.is_legal(first)


@pytest.mark.slow
def test_what_has_no_room_is_refused_with_the_way_out(rng: np.random.Generator) -> None:
    space = Space(dict.fromkeys("ab", Real(0, 1)), {}, ["a + b == 1"])

    with pytest.raises(SpaceError, match=r"satisfies 'a \+ b == 1': .* give continuous ones a step"):
        space.sample(rng)


@pytest.mark.parametrize(
    "text",
    [
        "a + b == 1",
        "a + b + c >= 1.3",
        "a * 3 != c",
        "n % 3 == 1",
        "n // 4 == m",
        "(n * 7 - m) % -5 < 0",
        "a - b == c if n > 3",
    ],
)
def test_sums_of_steps_and_remainders_are_exact_in_columns(text: str) -> None:
    steps = Real(0, 1, step=0.1)
    space = Space(
        {"a": steps, "b": steps, "c": steps, "n": Integer(0, 500), "m": Integer(-99, 99)}, {}, [text]
    )
    batch = Batch(space, np.random.default_rng(0).random((500, 5)))

    kept = [row for row, params in enumerate(batch.list_settings()) if space.violated(params) is None]

    assert batch.find_legal().tolist() == kept

"""The page's table of what each search keeps, cell by cell."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from search_spaces import Choice, Integer, Real, Setting, Space, SpaceError

for library in ("optuna", "ray", "ConfigSpace"):
    pytest.importorskip(library)

import optuna  # noqa: E402
from ray.tune.search.variant_generator import generate_variants  # noqa: E402

from search_spaces.adapters import configspace as configspace_adapter  # noqa: E402
from search_spaces.adapters import optuna as optuna_adapter  # noqa: E402
from search_spaces.adapters import ray as ray_adapter  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "search-spaces.md"
N = 12

ROWS = {
    "log scales, steps, order": [
        Space(
            {
                "a": Real(1e-4, 1, log=True),
                "b": Real(0, 1, step=0.1),
                "c": Choice([1, 2, 4], ordered=True),
                "d": Integer(1, 64, log=True),
                "e": Integer(0, 9, step=3),
            }
        )
    ],
    "choices of lists": [Space({"a": [[64], [64, 64]], "b": Choice({"s": [1], "l": [1, 2]})})],
    "weights": [Space({"a": Choice(["x", "y"], weights=[1, 4])})],
    "normal and log-normal ranges": [
        Space({"a": Real(0, 1, mean=0.3, std=0.1)}),
        Space({"a": Real(1e-4, 1, log=True, mean=math.log(0.01), std=1)}),
        Space({"a": Integer(0, 9, mean=3, std=2)}),
    ],
    "weights in order, normal steps": [
        Space({"a": Choice([1, 2], ordered=True, weights=[1, 4])}),
        Space({"a": Real(0, 1, step=0.1, mean=0.3, std=0.1)}),
    ],
    "conditions": [Space({"n": [1, 2, 3], "a": Real(0, 1), "b": [1, 2]}, {"a": "n > 1", "b": "a > 0.5"})],
    "constraints on values and pairs": [
        Space({"a": Integer(1, 9), "b": Integer(1, 9), "c": ["x", "y"]}, {}, ["a <= b", "a > 2 if c == 'x'"])
    ],
    "constraints with arithmetic": [Space({"a": Real(0, 1), "b": Real(0, 1)}, {}, ["a + b <= 1"])],
    "defaults": [Space({"a": Integer(1, 10**6), "b": [1, 2]}, defaults={"a": 77, "b": 2})],
}


def draw_by_optuna(space: Space) -> list[Setting]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    optuna_adapter.enqueue_defaults(study, space)
    return [optuna_adapter.ask(study, space)[1] for _ in range(N)]


def draw_by_param_space(space: Space) -> list[Setting]:
    config = {"config": ray_adapter.param_space(space, seed=0)}
    drawn = [spec["config"] for _ in range(N) for _, spec in generate_variants(config)]
    return [space.complete(each) for each in drawn]


def draw_by_search(space: Space) -> list[Setting]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = ray_adapter.OptunaSpaceSearch(space, "score", "max", seed=0)
    return [search.suggest(str(i)) for i in range(N)]


def draw_by_configspace(space: Space) -> list[Setting]:
    configspace = configspace_adapter.to_configspace(space, seed=0)
    assert configspace_adapter.from_configspace(configspace) == space
    first = configspace.get_default_configuration()
    drawn = [first, *configspace.sample_configuration(N)]
    return [space.complete(dict(configuration)) for configuration in drawn]


ENGINES: dict[str, Callable[[Space], list[Setting]]] = {
    "Optuna": draw_by_optuna,
    "Ray, `param_space`": draw_by_param_space,
    "Ray, `OptunaSpaceSearch`": draw_by_search,
    "ConfigSpace, and back": draw_by_configspace,
}


def read_table() -> dict[str, dict[str, str]]:
    text = PAGE.read_text(encoding="utf-8").partition("## What each search keeps\n")[2]
    lines = [line for line in text.partition("\n\nYAML")[0].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    header = rows[0]
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows[2:]}


def try_engine(draw: Callable[[Space], list[Setting]], spaces: list[Space]) -> str:
    answers = set()
    for space in spaces:
        try:
            settings = draw(space)
        except SpaceError:
            answers.add("refused")
            continue
        for params in settings:
            space.validate(params)
        begins = not space.defaults or settings[0] == space.default_setting()
        answers.add("yes" if begins else "no")
    assert len(answers) == 1, answers
    return answers.pop()


@pytest.mark.parametrize("row", ROWS)
def test_each_search_keeps_what_the_table_says(row: str) -> None:
    found = {engine: try_engine(draw, ROWS[row]) for engine, draw in ENGINES.items()}

    assert found == read_table()[row]


def test_the_table_has_a_row_for_each_feature_and_yaml_keeps_all() -> None:
    assert list(read_table()) == list(ROWS)
    for space in [space for spaces in ROWS.values() for space in spaces]:
        assert Space.from_yaml(space.to_yaml()) == space
        space.draw(5, np.random.default_rng(0))

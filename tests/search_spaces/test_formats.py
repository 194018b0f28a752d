from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces import Choice, Fixed, Integer, Real, Space, SpaceError

PUBLISHED = Path(__file__).parent / "published"
"""Small files of our own in the form that each tool documents."""

E = math.exp
EXPECTED = {
    "wandb.yaml": Space(
        {
            "epochs": Fixed(20),
            "cell": Choice(["rnn", "lstm", "gru"], weights=[0.2, 0.4, 0.4]),
            "layers": Integer(1, 3),
            "dropout": Real(0, 0.5),
            "rate": Real(1e-4, 1e-1, log=True),
            "decay": Real(E(-9), E(-2), log=True),
            "momentum": Real(0, 0.9, step=0.1),
            "batch": Choice(
                [8, 16, 24, 32, 40, 48, 56, 64],
                ordered=True,
                weights=[math.log(b / a) for a, b in zip([8, *range(12, 61, 8)], [*range(12, 61, 8), 64])],  # noqa: B905
            ),
            "clip": Real(-1, 3, mean=1, std=0.25),
            "scale": Real(E(-6), E(2), log=True, mean=-2, std=0.5),
            "optimizer.name": Choice(["adam", "sgd"]),
            "optimizer.warmup": Integer(0, 500),
        }
    ),
    "katib.yaml": Space(
        {
            "lr": Real(0.01, 0.05, step=0.01),
            "decay": Real(1e-4, 0.1, log=True),
            "noise": Real(0, 6, mean=3, std=1),
            "layers": Integer(2, 5, step=3),
            "units": Choice([32, 64, 128], ordered=True),
            "optimizer": ["sgd", "adam", "ftrl"],
        }
    ),
    "synetune.json": Space(
        {
            "units": Integer(4, 1024, log=True),
            "dropout": Real(0, 0.9),
            "cell": ["rnn", "gru"],
            "batch": Choice([8, 16, 32], ordered=True),
            "rate": Choice([0.001, 0.01, 0.1, 1.0], ordered=True),
            "width": Integer(1, 9, step=2),
            "epochs": 27,
        }
    ),
    "kerastuner.json": Space(
        {
            "model": ["cnn", "mlp"],
            "filters": Integer(16, 64, step=16),
            "batch": Choice([8, 16, 32, 64], ordered=True),
            "lr": Real(1e-4, 0.1, log=True),
            "dropout": Real(0, 0.5, step=0.1),
            "augment": [False, True],
            "classes": 10,
        },
        {"filters": "model in ['cnn']"},
        defaults={"model": "cnn", "filters": 32, "lr": 0.001, "dropout": 0.1, "augment": False},
    ),
    "ax.json": Space(
        {
            "model": ["linear", "deep"],
            "rate": Real(1e-4, 0.1, log=True),
            "layers": Integer(1, 4),
            "x1": Real(0, 1),
            "x2": Real(0, 1),
            "seed": 3,
        },
        {
            "rate": "model == 'linear'",
            "layers": "model == 'deep'",
            "x1": "model == 'deep'",
            "x2": "model == 'deep'",
        },
        ["x1 + 2 * x2 <= 1.5", "x1 >= x2"],
    ),
    "nni.json": Space(
        {
            "rate": Real(1e-4, 0.1, log=True),
            "units": Integer(8, 63),
            "dropout": Real(0, 0.5, step=0.1),
            "noise": Real(-7, 9, mean=1, std=1),
            "layer": ["Empty", "Conv"],
            "layer.Conv.kernel": [3, 5],
            "layer.Conv.stride": Integer(1, 3),
        },
        {"layer.Conv.kernel": "layer == 'Conv'", "layer.Conv.stride": "layer == 'Conv'"},
    ),
    "vizier.json": Space(
        {
            "rate": Real(1e-4, 0.1, log=True),
            "layers": Integer(1, 4),
            "batch": Choice([16.0, 32.0, 64.0], ordered=True),
            "optimizer": ["sgd", "adam"],
            "momentum": Real(0, 1),
        },
        {"momentum": "optimizer in ['sgd']"},
        defaults={"rate": 0.01},
    ),
}


READERS: dict[str, Callable[[Any], Space]] = {
    "wandb": Space.from_wandb,
    "katib": Space.from_katib,
    "synetune": Space.from_synetune,
    "kerastuner": Space.from_kerastuner,
    "ax": Space.from_ax,
    "vizier": Space.from_vizier,
    "nni": Space.from_nni,
}


def read(name: str, source: Any) -> Space:
    return READERS[name.partition(".")[0]](source)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_tool_writes_is_read(name: str) -> None:
    assert read(name, PUBLISHED / name) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_what_was_read_is_drawn_from_written_and_read_again(name: str) -> None:
    space = read(name, (PUBLISHED / name).read_text(encoding="utf-8"))

    again = Space.from_yaml(space.to_yaml())

    assert again == space
    for params in again.draw(100, np.random.default_rng(0)).settings:
        space.validate(params)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith(".json")])
def test_an_object_is_read_like_its_file(name: str) -> None:
    assert read(name, json.loads((PUBLISHED / name).read_text(encoding="utf-8"))) == EXPECTED[name]


def wandb(**parameter: Any) -> dict[str, Any]:
    return {"parameters": {"x": parameter}}


def katib(kind: str, **feasible: Any) -> list[dict[str, Any]]:
    return [{"name": "x", "parameterType": kind, "feasibleSpace": feasible}]


def synetune(kind: str, sampler: str = "Uniform", **options: Any) -> dict[str, Any]:
    return {"x": {"domain_cls": kind, "domain_kwargs": options, "sampler_cls": sampler}}


def kerastuner(kind: str, **config: Any) -> dict[str, Any]:
    return {"space": [{"class_name": kind, "config": {"name": "x", **config}}]}


@pytest.mark.parametrize(
    ("tool", "source", "message"),
    [
        ("wandb", "[1, 2]", "a sweep is a mapping, not [1, 2]"),
        ("wandb", {"method": "grid"}, "lacks 'parameters'"),
        ("wandb", {"parameters": {"x": 3}}, "x: a parameter is a mapping, not 3"),
        ("wandb", wandb(distribution="beta", a=1), "x: 'a' is not read"),
        ("wandb", wandb(distribution="beta"), "x: the distribution 'beta' has no counterpart"),
        ("wandb", wandb(distribution="inv_log_uniform_values", min=1, max=2), "no counterpart"),
        ("wandb", wandb(distribution="q_log_normal", mu=1, sigma=1), "x: a log-normal range with steps"),
        ("wandb", wandb(min=0), "x: {'min': 0} lacks 'max'"),
        ("wandb", wandb(min=0, max="ten"), "x: a finite number is expected, not 'ten'"),
        ("wandb", wandb(values=["a", "b"], probabilities=[1]), "x: 2 choices have 2 weights"),
        ("wandb", Path("missing.yaml"), "missing.yaml cannot be read"),
        ("katib", {"spec": {"nasConfig": {}}}, "nasConfig searches an architecture"),
        (
            "katib",
            katib("float", min="0", max="1"),
            "x: parameterType is int, double, discrete or categorical",
        ),
        ("katib", katib("int", min="0.5", max="1"), "x: a whole number is expected, not '0.5'"),
        ("katib", katib("double", min="0", max="1", distribution="beta"), "'beta' has no counterpart"),
        (
            "katib",
            katib("double", min="0", max="1", steps="1"),
            "x: 'steps' is not read: did you mean 'step'?",
        ),
        ("synetune", synetune("Float", "ReverseLogUniform", lower=0.1, upper=0.9), "ReverseLogUniform"),
        ("synetune", synetune("Function"), "x: Function with the sampler Uniform has no counterpart"),
        ("synetune", synetune("FiniteRange", lower=0, upper=1, size=1), "x: .* is no finite range"),
        ("kerastuner", {"values": {}}, "lacks 'space'"),
        ("kerastuner", kerastuner("Text"), "x: the hyperparameter 'Text' has no counterpart"),
        (
            "kerastuner",
            kerastuner("Float", min_value=0.1, max_value=1, sampling="reverse_log"),
            "x: the sampling 'reverse_log' has no counterpart",
        ),
        ("ax", [{"name": "x", "type": "range", "bounds": [1]}], "x: bounds are two numbers, not [1]"),
        (
            "ax",
            [{"name": "x", "type": "choice", "values": [1], "is_task": True}],
            "x: is_task has no counterpart",
        ),
        ("ax", [{"name": "x", "type": "fixed", "value": 1, "digits": 2}], "x: 'digits' is not read"),
        ("ax", {"parameters": [], "parameter_constraints": [3]}, "a constraint is text"),
        ("nni", {"x": 3}, "x: a parameter is a mapping, not 3"),
        (
            "nni",
            {"x": {"_type": "layer_choice", "_value": [1]}},
            "x: the type 'layer_choice' has no counterpart",
        ),
        ("nni", {"x": {"_type": "uniform", "_value": [1]}}, "x: uniform takes 2 numbers, not [1]"),
        ("nni", {"x": {"_type": "choice", "_value": [{"_name": "a"}, 2]}}, "x: nested choices are mappings"),
        ("vizier", [{"parameterId": "x"}], "x: it has no value spec"),
        (
            "vizier",
            [{"parameterId": "x", "doubleValueSpec": {}, "scaleType": "UNIT_REVERSE_LOG_SCALE"}],
            "x: 'UNIT_REVERSE_LOG_SCALE' has no counterpart",
        ),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(tool: str, source: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        read(tool, source)

    assert message.replace(".*", "") in str(caught.value) or all(
        part in str(caught.value) for part in message.split(".*")
    )
    assert "\n" not in str(caught.value)


def test_a_child_of_several_values_of_its_parent_has_one_condition() -> None:
    child = {"parameterId": "m", "doubleValueSpec": {"maxValue": 1.0}}
    spec = [
        {
            "parameterId": "o",
            "categoricalValueSpec": {"values": ["a", "b", "c"]},
            "conditionalParameterSpecs": [
                {"parentCategoricalValues": {"values": [value]}, "parameterSpec": child} for value in "ab"
            ],
        }
    ]

    space = Space.from_vizier(spec)

    assert space.conditions["m"].text == 'o in ["a"] or o in ["b"]'

"""What is read from a tool's file, held against that tool, where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces import Choice, Integer, Real, Setting, Space
from search_spaces.readers import read_space
from search_spaces.writers import write_space

PUBLISHED = Path(__file__).parent / "published"
N = 1000

PLAIN = Space(
    {
        "a": Real(0, 1, step=0.1),
        "b": Integer(2, 20, step=3),
        "c": Choice([1, 2, 4], ordered=True),
        "d": Integer(1, 64, log=True),
        "e": Real(1e-4, 1, log=True),
        "f": ["x", "y"],
        "g": 3,
    }
)
"""What every tool's file can say."""


def draw(space: Space) -> list[Setting]:
    return list(space.draw(N, np.random.default_rng(0)).settings)


def read_json(name: str) -> Any:
    return json.loads((PUBLISHED / name).read_text(encoding="utf-8"))


def is_valid(domain: Any, value: Any) -> bool:
    """Whether Syne Tune takes a value; its finite ranges do not say."""
    if type(domain).__name__ == "FiniteRange":
        return any(value == pytest.approx(other) for other in domain.values)
    return bool(domain.is_valid(value))


@pytest.mark.parametrize("written", [False, True])
def test_syne_tune_and_we_accept_each_others_draws(written: bool) -> None:
    origin = pytest.importorskip("syne_tune.config_space")
    document = json.loads(write_space(PLAIN, "synetune")) if written else read_json("synetune.json")

    ours, theirs = Space.from_synetune(document), origin.config_space_from_json_dict(document)
    domains = {name: domain for name, domain in theirs.items() if isinstance(domain, origin.Domain)}

    assert not written or ours == PLAIN
    for setting in draw(ours):
        assert all(is_valid(domain, setting[name]) for name, domain in domains.items()), setting
    state = np.random.RandomState(0)
    for _ in range(N):
        ours.complete({**theirs, **{name: d.sample(random_state=state) for name, d in domains.items()}})


@pytest.mark.slow  # it imports Keras
def test_keras_tuner_and_we_accept_each_others_draws() -> None:
    origin = pytest.importorskip("keras_tuner")
    document = read_json("kerastuner.json")["hyperparameters"]

    ours, theirs = Space.from_kerastuner(document), origin.HyperParameters.from_config(document)

    for setting in draw(ours):
        theirs.values = dict(setting)
        assert {hp.name for hp in theirs.space if theirs.is_active(hp)} == setting.keys()
        for hp in theirs.space:
            if hp.name in setting and hasattr(hp, "step"):
                value, steps = setting[hp.name], 0.0 if hp.step is None else setting[hp.name] - hp.min_value
                assert hp.min_value <= value <= hp.max_value
                if hp.sampling == "linear" and hp.step:
                    assert steps / hp.step == pytest.approx(round(steps / hp.step))
    for seed in range(N):
        drawn = origin.HyperParameters()
        for index, hp in enumerate(theirs.space):
            drawn.merge([hp])
            if drawn.is_active(hp):
                drawn.values[hp.name] = hp.random_sample(seed * 100 + index)
        ours.complete(drawn.values)


def test_vizier_and_we_accept_each_others_draws() -> None:
    pytest.importorskip("vizier.pyvizier")
    from google.protobuf import json_format
    from vizier._src.service import study_pb2
    from vizier.service import pyvizier

    specification = read_json("vizier.json")["studySpec"]

    ours = Space.from_vizier(specification)
    spec = json_format.ParseDict(specification, study_pb2.StudySpec())
    theirs = pyvizier.StudyConfig.from_proto(spec).search_space

    configs = {config.name: config for config in theirs.parameters}
    assert configs.keys() == ours.parameters.keys() - {"momentum"}  # which is a child
    for setting in draw(ours):
        assert all(config.contains(setting[name]) for name, config in configs.items()), setting


def test_configspace_and_we_accept_each_others_draws() -> None:
    cs = pytest.importorskip("ConfigSpace")

    ours, _ = read_space(PUBLISHED / "configspace.json")
    theirs = cs.ConfigurationSpace.from_json(PUBLISHED / "configspace.json")
    theirs.seed(0)

    for setting in draw(ours):
        cs.Configuration(theirs, values=setting)  # checks them
    drawn = [dict(configuration) for configuration in theirs.sample_configuration(N)]
    assert all(ours.is_legal(ours.complete(setting)) for setting in drawn)


def test_optuna_and_we_accept_each_others_draws() -> None:
    optuna = pytest.importorskip("optuna")

    ours, _ = read_space(PUBLISHED / "optuna.json")
    theirs = {
        name: optuna.distributions.json_to_distribution(json.dumps(document))
        for name, document in read_json("optuna.json").items()
    }
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    for setting in draw(ours):
        assert all(d._contains(d.to_internal_repr(setting[name])) for name, d in theirs.items()), setting
    for _ in range(N):
        ours.complete(study.ask(theirs).params)

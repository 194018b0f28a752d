"""`search_spaces` beside ConfigSpace in one run: settings drawn, sampled and validated per second.

Run `python benchmarks/spaces.py`. The spaces are made here, in the shape of four that are often published: a
flat one, a cell of NAS-Bench-301 (34 choices), rbv2_super (a choice between learners, 38 parameters) and
auto-sklearn (a pipeline of several stages, some 150 parameters). Numbers are of processor time, the median of
several rounds; a ratio above 1 says that ours is the faster one.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import ConfigSpace as cs  # noqa: N813  # a package named like a class
import numpy as np

from search_spaces import Integer, Real, Space
from search_spaces.adapters.configspace import to_configspace

N_DRAWN = 1000
N_SINGLE = 200
N_ROUNDS = 5


def make_flat() -> Space:
    """Ten parameters of every kind, all of them active."""
    return Space(
        {
            "cell": ["rnn", "lstm", "gru"],
            "bidirectional": [False, True],
            "units": Integer(8, 128, log=True),
            "layers": Integer(1, 3),
            "vocab_size": [1000, 2000, 5000, 10_000],
            "embedding_dim": [16, 32, 64, 128],
            "dropout": Real(0, 0.5),
            "optimizer": ["adam", "nadam", "sgd"],
            "learning_rate": Real(1e-4, 1e-2, log=True),
            "batch_size": [16, 32, 64],
        }
    )


def make_nasbench() -> Space:
    """Two cells of four nodes, each fed by a pair of earlier ones; an edge has an operation where used."""
    operations = ["max_pool", "avg_pool", "skip", "sep_3", "sep_5", "dil_3", "dil_5"]
    parameters: dict[str, list[str]] = {}
    conditions: dict[str, str] = {}
    for cell in ("normal", "reduce"):
        for node in (3, 4, 5):
            pairs = [f"{a}_{b}" for a, b in itertools.combinations(range(node), 2)]
            parameters[f"inputs_{cell}_{node}"] = pairs
        edge = 0
        for node in (2, 3, 4, 5):
            for source in range(node):
                name = f"edge_{cell}_{edge}"
                parameters[name] = operations
                if node > 2:
                    used = [p for p in parameters[f"inputs_{cell}_{node}"] if str(source) in p.split("_")]
                    conditions[name] = f"inputs_{cell}_{node} in {used!r}"
                edge += 1
    return Space(parameters, conditions)


def make_learners(n_learners: int, n_parameters: int, n_nested: int = 0) -> Space:
    """A choice between learners, each with parameters of its own, some of them below a choice again."""
    learners = [f"learner_{i}" for i in range(n_learners)]
    parameters: dict[str, object] = {"learner": learners, "sample": Real(0.03, 1)}
    conditions: dict[str, str] = {}
    kinds = [
        Real(1e-4, 10, log=True),
        Integer(1, 20),
        ["a", "b", "c"],
        Real(0, 1),
        Integer(3, 2000, log=True),
    ]
    for learner in learners:
        for i in range(n_parameters):
            parameters[f"{learner}.p{i}"] = kinds[i % len(kinds)]
            conditions[f"{learner}.p{i}"] = f"learner == {learner!r}"
        for i in range(n_nested):
            parameters[f"{learner}.nested_{i}"] = kinds[i % len(kinds)]
            conditions[f"{learner}.nested_{i}"] = f"{learner}.p2 in ['a', 'b']"
    return Space(parameters, conditions)  # type: ignore[arg-type]


def make_pipeline() -> Space:
    """A classifier, a preprocessor and a rescaler, each a choice with parameters of its own."""
    parts = {"classifier": (15, 4, 1), "preprocessor": (13, 3, 1), "rescaling": (6, 2, 0)}
    whole = Space({"balancing": ["none", "weighting"]})
    for part, shape in parts.items():
        whole = whole.union(make_learners(*shape).prefix(f"{part}."))
    return whole


SPACES = {
    "flat": make_flat,
    "nb301": make_nasbench,
    "rbv2_super": lambda: make_learners(8, 4, 1),
    "auto-sklearn": make_pipeline,
}


def measure_per_s(action: Callable[[], object], n: int) -> float:
    """How often per second of processor time, where one call of `action` counts for `n`."""
    rates = []
    action()
    for _ in range(N_ROUNDS):
        start_s = time.process_time()
        action()
        rates.append(n / max(time.process_time() - start_s, 1e-9))
    return statistics.median(rates)


def compare(space: Space) -> dict[str, tuple[float, float]]:
    """Ours and ConfigSpace's rate for each kind of work; what either yields is read out in full."""
    theirs = to_configspace(space, seed=0)
    rng = np.random.default_rng(0)
    ours_drawn = space.draw(N_SINGLE, rng).settings
    theirs_drawn = [dict(configuration) for configuration in theirs.sample_configuration(N_SINGLE)]
    return {
        "drawn at once": (
            measure_per_s(lambda: space.draw(N_DRAWN, rng).settings, N_DRAWN),
            measure_per_s(lambda: theirs.sample_configuration(N_DRAWN), N_DRAWN),
        ),
        "drawn, as dicts": (
            measure_per_s(lambda: space.draw(N_DRAWN, rng).settings, N_DRAWN),
            measure_per_s(lambda: [dict(c) for c in theirs.sample_configuration(N_DRAWN)], N_DRAWN),
        ),
        "sampled one by one": (
            measure_per_s(lambda: [space.sample(rng) for _ in range(N_SINGLE)], N_SINGLE),
            measure_per_s(lambda: [theirs.sample_configuration() for _ in range(N_SINGLE)], N_SINGLE),
        ),
        "validated": (
            measure_per_s(lambda: [space.validate(setting) for setting in ours_drawn], N_SINGLE),
            measure_per_s(lambda: [cs.Configuration(theirs, values=v) for v in theirs_drawn], N_SINGLE),
        ),
    }


def main() -> None:
    """Print a line for each space and kind of work."""
    print(f"{'space':<14}{'parameters':>11}  {'work':<20}{'ours/s':>10}{'ConfigSpace/s':>15}{'ratio':>8}")
    for name, make in SPACES.items():
        space = make()
        for work, (ours, theirs) in compare(space).items():
            print(f"{name:<14}{len(space):>11}  {work:<20}{ours:>10.0f}{theirs:>15.0f}{ours / theirs:>8.2f}")


if __name__ == "__main__":
    main()

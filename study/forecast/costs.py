"""What a run costs, from a few that were timed: seconds as a sum of terms that have a reason.

A training step of `B` texts of length `L` does, in each of `D` directions of each layer, the products of a
recurrent cell, its gates element by element, and one turn of a loop for each step in time; it looks
`B x L` embeddings up, updates the whole embedding, and costs something by itself. Each of these has a price,
not below zero, that is fitted to what was timed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from study.data import TRAIN_SIZE
from study.spec.cells import CELLS

Terms = dict[str, float]

_WIDEST = math.log(1000.0)
"""The logarithm of the widest factor that is told: whatever is wider says no more."""


@dataclass(frozen=True)
class Estimate:
    """A figure that is not known yet, and the interval that holds it nine times out of ten."""

    middle: float
    low: float
    high: float

    @classmethod
    def around(cls, middle: float, spread: float) -> Self:
        """Return the interval of a figure whose logarithm is normal with this standard deviation."""
        factor = math.exp(min(1.645 * spread, _WIDEST))
        return cls(middle, middle / factor, middle * factor)

    def plus(self, other: Estimate) -> Estimate:
        """Return the sum of both, which are low or high together."""
        return Estimate(self.middle + other.middle, self.low + other.low, self.high + other.high)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One setting, timed by the CPU seconds of its process, or, on a GPU, by the clock on the wall.

    What else a machine does lengthens each part by chance, but not its CPU seconds; it is therefore known for
    the whole alone.

    Attributes:
        params: The setting.
        start_s: Building and tracing it, its first step included.
        restart_s: Taking it up again with other weights.
        step_s: One training step.
        block_s: Scoring one block of texts.
        whole_s: All of these, and what it took to time them.
        wall_s: The same by the clock on the wall.
        n_weights: Numbers that training changes.
        memory_bytes: The most that its process had held until then.
    """

    params: dict[str, Any]
    start_s: float
    restart_s: float
    step_s: float
    block_s: float
    whole_s: float
    wall_s: float
    n_weights: int
    memory_bytes: int

    def to_document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Workload:
    """How much a run trains and scores.

    Attributes:
        n_train: Texts trained on in an epoch.
        n_blocks: Blocks of texts scored after an epoch.
        block: Texts of a block.
        has_own_model: Whether the user's own builder makes the model, of which nothing is known but times.
    """

    n_train: int
    n_blocks: int
    block: int
    has_own_model: bool = False

    def n_steps(self, params: Mapping[str, Any]) -> int:
        """Training steps of an epoch."""
        return math.ceil(int(params.get(TRAIN_SIZE, self.n_train)) / int(params["batch_size"]))


@dataclass(frozen=True)
class RunCost:
    """Seconds of a run's parts: its start with and without tracing, and one epoch."""

    start_s: float
    restart_s: float
    epoch_s: float

    def total_s(self, n_epochs: float) -> float:
        """Seconds of a run that is traced and lives `n_epochs` epochs."""
        return self.start_s + n_epochs * self.epoch_s

    def scaled(self, factor: float) -> RunCost:
        """Return it with each part `factor` times as long."""
        return RunCost(self.start_s * factor, self.restart_s * factor, self.epoch_s * factor)


def pass_terms(params: Mapping[str, Any], n_texts: int, *, has_own_model: bool) -> Terms:
    """Return what a pass over `n_texts` texts does, by kind, in units of the kind."""
    length = float(params["sequence_length"])
    terms = {"call": 1.0, "lookup": n_texts * length * params.get("embedding_dim", 1)}
    if has_own_model:
        return terms
    cell, units, layers = params["cell"], params["units"], params["layers"]
    directions = 2 if params["bidirectional"] else 1
    gates = CELLS[cell].n_gates
    widths = [params["embedding_dim"], *[units * directions] * (layers - 1)]
    per_time = sum(gates * units * (width + units) for width in widths) * directions
    return terms | {
        "turns": length * directions * layers,
        "products": n_texts * length * per_time,
        f"gates of {cell}": n_texts * length * directions * layers * units * gates,
    }


def step_terms(params: Mapping[str, Any], *, has_own_model: bool) -> Terms:
    """Return what a training step does: a pass, and an update of the embedding."""
    terms = pass_terms(params, int(params["batch_size"]), has_own_model=has_own_model)
    n_embedded = float(params["vocab_size"] * params.get("embedding_dim", 1))
    return terms | {f"update by {params['optimizer']}": n_embedded}


def start_terms(params: Mapping[str, Any], *, has_own_model: bool) -> Terms:
    """Return what building and tracing does."""
    terms = {"model": 1.0, "embedding": float(params["vocab_size"] * params.get("embedding_dim", 1))}
    return terms if has_own_model else terms | {"layers": float(params["layers"])}


@dataclass(frozen=True)
class Prices:
    """Seconds of one unit of each kind of work."""

    of: Mapping[str, float]

    @classmethod
    def fit(cls, work: Sequence[Terms], seconds: Sequence[float]) -> Self:
        """Find the prices, none below zero, with the least squares of relative errors.

        Source: Lawson & Hanson (1974), Solving Least Squares Problems, ch. 23 (non-negative least squares).
        """
        from scipy.optimize import nnls

        names = sorted({name for terms in work for name in terms})
        counts = np.array([[terms.get(name, 0.0) for name in names] for terms in work])
        scale = np.maximum(counts.max(axis=0), 1e-300)
        relative = counts / scale / np.asarray(seconds)[:, np.newaxis]
        prices, _ = nnls(relative, np.ones(len(seconds)))
        return cls(dict(zip(names, (prices / scale).tolist(), strict=True)))

    def total_s(self, terms: Terms) -> float:
        """Return the seconds of some work; kinds without a price, which nothing timed did, cost nothing."""
        return sum(self.of.get(name, 0.0) * amount for name, amount in terms.items())


REFERENCE = Prices(
    {
        "call": 8e-5,
        "lookup": 5.7e-9,
        "update by adam": 2.1e-9,
        "update by sgd": 0.4e-9,
        "turns": 3.9e-6,
        "products": 7e-11,
        "gates of rnn": 0.7e-9,
        "gates of lstm": 1.4e-9,
        "gates of gru": 2.0e-9,
    }
)
"""Of one core without a GPU (docs/performance.md): good enough to tell long runs from short ones."""


def guess_text_s(params: Mapping[str, Any], *, has_own_model: bool) -> float:
    """Guess, before anything is timed, what training on one text once takes; true to some factor."""
    return REFERENCE.total_s(step_terms(params, has_own_model=has_own_model)) / int(params["batch_size"])


class CostModel:
    """Predicts the cost of any setting's run.

    Args:
        timings: At least one.
        workload: What a run does with its texts.

    Attributes:
        stretch: How many times as long as by itself all takes beside what else the machine does.
    """

    def __init__(self, timings: Sequence[Timing], workload: Workload) -> None:
        self.timings, self._workload = list(timings), workload
        self.stretch = sum(t.wall_s for t in timings) / sum(t.whole_s for t in timings)
        own = workload.has_own_model
        params = [t.params for t in timings]
        self._steps = Prices.fit(
            [step_terms(p, has_own_model=own) for p in params], [t.step_s for t in timings]
        )
        self._blocks = Prices.fit(
            [pass_terms(p, workload.block, has_own_model=own) for p in params], [t.block_s for t in timings]
        )
        starts = [start_terms(p, has_own_model=own) for p in params]
        self._starts = Prices.fit(starts, [t.start_s for t in timings])
        self._restarts = Prices.fit(starts, [t.restart_s for t in timings])

    def predict(self, params: Mapping[str, Any]) -> RunCost:
        """Return what a run of `params` costs."""
        load, own = self._workload, self._workload.has_own_model
        step_s = self._steps.total_s(step_terms(params, has_own_model=own))
        block_s = self._blocks.total_s(pass_terms(params, load.block, has_own_model=own))
        starts = start_terms(params, has_own_model=own)
        cost = RunCost(
            start_s=self._starts.total_s(starts),
            restart_s=self._restarts.total_s(starts),
            epoch_s=load.n_steps(params) * step_s + load.n_blocks * block_s,
        )
        return cost.scaled(self.stretch)

    def errors(self, n_epochs: int) -> list[float]:
        """Return the log ratio of predicted to timed seconds of each setting, predicted from the others.

        Empty where only one was timed. Half of the settings timed lie at the corners of the space, so that
        leaving one out often asks for more than a prediction between them does: the errors are rather too
        large.
        """
        found = []
        for index, timing in enumerate(self.timings):
            others = self.timings[:index] + self.timings[index + 1 :]
            if others:
                model = CostModel(others, self._workload)
                predicted_s = model.predict(timing.params).total_s(n_epochs) / model.stretch
                found.append(math.log(predicted_s / self._timed(timing).total_s(n_epochs)))
        return found

    def typical_error(self, n_epochs: int) -> float | None:
        """Return the root mean square of `errors`, None where there are none."""
        errors = self.errors(n_epochs)
        return math.sqrt(math.fsum(error**2 for error in errors) / len(errors)) if errors else None

    def _timed(self, timing: Timing) -> RunCost:
        load = self._workload
        epoch_s = load.n_steps(timing.params) * timing.step_s + load.n_blocks * timing.block_s
        return RunCost(timing.start_s, timing.restart_s, epoch_s)


def choose_settings(candidates: Sequence[Mapping[str, Any]], n: int, *, has_own_model: bool) -> list[int]:
    """Choose which candidates to time: by turns one that tells most about the prices, and one in the middle.

    Args:
        candidates: Settings as the study may draw them, in no order.
        n: How many at most.
        has_own_model: As in `Workload`.

    Returns:
        Indices of the chosen, the most useful first.

    Source: Greedy D-optimal design; Fedorov (1972), Theory of Optimal Experiments.
    """
    work = [step_terms(p, has_own_model=has_own_model) for p in candidates]
    names = sorted({name for terms in work for name in terms})
    counts = np.array([[terms.get(name, 0.0) for name in names] for terms in work])
    counts /= np.maximum(counts.max(axis=0), 1e-300)
    sizes = counts.sum(axis=1)
    rows = counts / sizes[:, np.newaxis]  # errors are relative, so that small settings tell as much as large
    information = 1e-3 * np.eye(len(names))
    chosen: list[int] = []
    while len(chosen) < min(n, len(candidates)):
        told = np.einsum("ij,jk,ik->i", rows, np.linalg.inv(information), rows)
        told[chosen] = -np.inf
        left = np.flatnonzero(np.isfinite(told))
        if not chosen:
            index = int(sizes.argmax())  # the largest: nothing else may cost more time or memory
        elif len(chosen) % 2:
            index = int(told.argmax())
        else:
            index = int(left[0])
        chosen.append(index)
        information += np.outer(rows[index], rows[index])
    return chosen

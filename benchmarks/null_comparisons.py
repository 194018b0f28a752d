"""Simulated comparisons whose truth is known: how often do verdicts say "better" where nothing is, or is?

    python benchmarks/null_comparisons.py            # the table of docs/statistics.md, some minutes
    python benchmarks/null_comparisons.py --runs 100

Each line simulates studies, judges them as reports do and counts. A null line must stay at or under its level
of 5%, a planted line with a promise must reach its power, both but for the simulation's own error: over 1,000
runs a true rate of 5% shows as 3.6% to 6.4% in 95 of 100 tries. If one does not, the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.contrasts import Contrast, paired_contrast, unpaired_contrast
from analysis.statistics.rules import RULE, Rule, decide, pairs_needed, runs_needed
from analysis.statistics.verdicts import compare_levels, compare_settings

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
Judge = Callable[[np.random.Generator], Contrast | pd.DataFrame]
"""Simulates one study and compares what is in it: one contrast alone, or a table of verdicts."""

NOISE = 0.01
"""Standard deviation of accuracy over seeds."""

FAST = Rule(resamples=500)
"""The rule of reports with fewer bootstrap draws, so that thousands of studies can be judged."""


NULL, PROMISED, MEASURED = "nothing", f"found in {RULE.power:.0%}", "an effect"


@dataclass(frozen=True)
class Line:
    """One line of the table: a kind of study, its truth, and one simulated verdict of it.

    Attributes:
        name: What is simulated.
        truth: Nothing to find, something with a promise, or something whose power is measured.
        judge: One simulated study.
    """

    name: str
    truth: str
    judge: Judge


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="simulated studies per line")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| simulated | truth | better | inside the noise | not enough runs | CPU s |")
    print("|---|---|---|---|---|---|")
    broken = []
    for line in LINES:
        started = time.process_time()
        shares = judge_line(line, arguments.runs, arguments.seed)
        cells = " | ".join(f"{100 * share:.1f}%" for share in shares)
        print(f"| {line.name} | {line.truth} | {cells} | {time.process_time() - started:.0f} |", flush=True)
        if breaks_promise(line, shares[0], arguments.runs):
            broken.append(line.name)
    if broken:
        print(f"not as promised: {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def breaks_promise(line: Line, share_better: float, runs: int) -> bool:
    """Whether a share is off its promise by more than two standard errors of the simulation."""
    if line.truth == NULL:
        return bool(share_better > RULE.alpha + 2 * np.sqrt(RULE.alpha * (1 - RULE.alpha) / runs))
    if line.truth == PROMISED:
        return bool(share_better < RULE.power - 2 * np.sqrt(RULE.power * (1 - RULE.power) / runs))
    return False


def judge_line(line: Line, runs: int, seed: int) -> tuple[float, float, float]:
    """Share of simulated studies with any "better"; of all comparisons, shares of the two other answers."""
    rng = np.random.default_rng(seed)
    results = [line.judge(rng) for _ in range(runs)]
    alone = [result for result in results if isinstance(result, Contrast)]
    tables = [result for result in results if isinstance(result, pd.DataFrame)]
    if alone:
        judged = judge_alone(alone)
        any_better = [answer == "better" for answer in judged["answer"]]
    else:
        judged = pd.concat(tables)
        any_better = [(table["answer"] == "better").any() for table in tables]
    return (
        float(np.mean(any_better)),
        float((judged["answer"] == "inside the noise").mean()),
        float((judged["answer"] == "not enough runs").mean()),
    )


def judge_alone(contrasts: Sequence[Contrast]) -> pd.DataFrame:
    """Verdicts on comparisons of which each was made alone: there is nothing to correct for."""
    ahead = [contrast.reverse() if contrast.effect < 0 else contrast for contrast in contrasts]
    table = pd.DataFrame([asdict(contrast) for contrast in ahead])
    return decide(table.assign(n_comparisons=1, p_corrected=table["p_value"]), FAST)


def judge_seeds(draw: Draw, n: int) -> Judge:
    """Two settings under `n` common seeds; `draw` gives their differences."""

    def judge(rng: np.random.Generator) -> Contrast:
        pairs = pd.DataFrame({"block": 0, "seed": np.arange(n), "a": draw(rng, n), "b": 0.0})
        return paired_contrast(pairs, FAST, rng)

    return judge


def judge_unpaired(effect: float, n: int) -> Judge:
    """Two settings, `n` seeds of its own for each."""

    def judge(rng: np.random.Generator) -> Contrast:
        a, b = rng.normal(effect, NOISE, n), rng.normal(0, NOISE, n)
        return unpaired_contrast(a, b, FAST, rng)

    return judge


def judge_grid(n_others: int, n_seeds: int, effect: float, interaction: float, n_levels: int = 2) -> Judge:
    """A full grid: levels of one factor, under all other settings and seeds.

    Each setting adds `interaction` times a random amount of its own to each level: none on average over all
    settings that there could be.
    """

    def judge(rng: np.random.Generator) -> pd.DataFrame:
        shape = (n_levels, n_others, n_seeds)
        level, other, seed = np.indices(shape)
        own = rng.normal(0, interaction, (n_levels, n_others, 1))
        score = 0.8 + effect * (level == 0) + 0.02 * other / n_others + own + rng.normal(0, NOISE, shape)
        trials = trials_table(
            score.ravel(), (level * n_others + other).ravel(), seed.ravel(), level=level, other=other
        )
        return compare_levels(trials, ["level"], rule=FAST, seed=rng)

    return judge


def judge_search(n: int, effect: float, pull: float) -> Judge:
    """A search: `n` settings tried once. The more `pull`, the more large `units` were tried with level 0.

    Units add up to four points, so that a comparison blind to them would find an effect that is not there.
    """

    def judge(rng: np.random.Generator) -> pd.DataFrame:
        level = rng.integers(0, 2, n)
        units = rng.binomial(3, np.where(level == 0, 0.5 + pull, 0.5 - pull))
        rate = rng.uniform(-4, -2, n)
        score = (
            0.8 + effect * (level == 0) + 0.0133 * units - 0.01 * (rate + 3) ** 2 + rng.normal(0, NOISE, n)
        )
        trials = trials_table(
            score, np.arange(n), np.zeros(n, np.int64), level=level, units=8 * 2**units, rate=10**rate
        )
        return compare_levels(trials, ["level"], rule=FAST, seed=rng)

    return judge


def judge_winner(n_settings: int, n_seeds: int) -> Judge:
    """The best of `n_settings` equal settings against the next two."""

    def judge(rng: np.random.Generator) -> pd.DataFrame:
        setting, seed = np.indices((n_settings, n_seeds))
        score = 0.8 + rng.normal(0, NOISE, setting.size)
        trials = trials_table(score, setting.ravel(), seed.ravel(), units=setting)
        return compare_settings(trials, n_best=3, rule=FAST, seed=rng)

    return judge


def trials_table(
    score: NDArray[np.float64],
    trial: NDArray[np.int64],
    seed: NDArray[np.int64],
    **params: NDArray[np.generic],
) -> pd.DataFrame:
    """What comparisons read of a `trials` table."""
    columns = {name: values.ravel() for name, values in params.items()}
    head = {"trial": trial, "replicate": seed + 1, "seed": seed, "state": "completed", "phase": "search"}
    return pd.DataFrame({**head, "val_accuracy": score, **columns})


def normal(effect: float) -> Draw:
    return lambda rng, n: rng.normal(effect, NOISE, n)


def heavy(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Differences of runs that now and then go astray."""
    return np.asarray(NOISE * rng.standard_t(3, n))


def collapsing(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Differences of two settings of which each fails to learn one time in five."""
    a, b = (rng.normal(0.8, NOISE, n) - 0.3 * (rng.random(n) < 0.2) for _ in range(2))
    return np.asarray(a - b)


def coarse(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Differences of accuracies on 200 texts, most of them read alike by both."""
    return np.asarray((rng.binomial(20, 0.5, n) - rng.binomial(20, 0.5, n)) / 200)


MEANINGFUL = NOISE * float(stats.norm.ppf(RULE.meaningful))
"""The effect at which a normal difference is above 0 with the probability that is worth knowing."""

N_PAIRS, N_RUNS = pairs_needed(), runs_needed()
LINES = [
    *(Line(f"{n} seeds, normal differences", NULL, judge_seeds(normal(0), n)) for n in (3, 5, 10, 30)),
    *(Line(f"{n} seeds, heavy tails (t, 3 df)", NULL, judge_seeds(heavy, n)) for n in (3, 5, 10)),
    *(Line(f"{n} seeds, 1 run in 5 collapses", NULL, judge_seeds(collapsing, n)) for n in (3, 5, 10)),
    *(Line(f"{n} seeds, coarse scores", NULL, judge_seeds(coarse, n)) for n in (3, 5, 10)),
    Line("5 and 5 runs without common seeds", NULL, judge_unpaired(0, 5)),
    Line("3 levels, 5 seeds, three comparisons", NULL, judge_grid(1, 5, 0, 0, n_levels=3)),
    Line("2 other settings x 5 seeds", NULL, judge_grid(2, 5, 0, 0)),
    Line("8 other settings x 3 seeds", NULL, judge_grid(8, 3, 0, 0)),
    Line("8 other settings x 3 seeds, interactions", NULL, judge_grid(8, 3, 0, NOISE)),
    Line("search of 100, levels tried in unlike company", NULL, judge_search(100, 0, 0.25)),
    Line("best of 10 equal settings, 5 seeds", NULL, judge_winner(10, 5)),
    Line(f"{N_PAIRS} seeds, P(A>B) = 0.75", PROMISED, judge_seeds(normal(MEANINGFUL), N_PAIRS)),
    Line(f"{N_RUNS} and {N_RUNS} runs, P(A>B) = 0.75", PROMISED, judge_unpaired(2**0.5 * MEANINGFUL, N_RUNS)),
    Line("5 seeds, two points, noise one point", MEASURED, judge_seeds(normal(0.02), 5)),
    Line("8 other settings x 3 seeds, one point", MEASURED, judge_grid(8, 3, 0.01, 0)),
    Line("search of 100, unlike company, two points", MEASURED, judge_search(100, 0.02, 0.25)),
]

if __name__ == "__main__":
    sys.exit(main())

"""Simulated comparisons whose truth is known: how often do verdicts say "better" where nothing is, or is?

    python benchmarks/null_comparisons.py                 # the tables of docs/statistics.md, an hour
    python benchmarks/null_comparisons.py --seconds 25    # slow lines with fewer studies: half of that
    python benchmarks/null_comparisons.py --runs 100 --only texts

Each line simulates studies, judges them as reports do and counts. A null line must stay at or under its
level of 5%, a planted line with a promise reach its power, "inside the noise" be wrong in a tenth at most and
the best setting be among those that stay in the running in 95%, all but for the simulation's own error: over
1,000 runs a true rate of 5% shows as 3.6% to 6.4% in 95 of 100 tries. Intervals must hold the truth in 93%.
If a line does not keep its promise, the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.statistics.boundaries import check_boundaries
from analysis.statistics.comparisons.contrasts import Contrast, paired_contrast, unpaired_contrast
from analysis.statistics.comparisons.rules import ANSWERS, RULE, Rule, decide, pairs_needed, runs_needed
from analysis.statistics.comparisons.texts import Hits, paired_text_variance
from analysis.statistics.effects import interactions
from analysis.statistics.epoch_luck import without_luck
from analysis.statistics.verdicts import (
    compare_levels,
    compare_settings,
    compare_within,
    judge_factors,
    settings_in_the_running,
)
from analysis.statistics.verdicts.runs_by_level import gather_by_level
from search_spaces import Choice, Domain, Real, Space

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Alone:
    """The one comparison of a study, to be answered together with those of all the others.

    Attributes:
        contrast: Level 0 against level 1.
        confounded: What it cannot be told apart from.
        as_reported: The same by `compare_levels`, which takes ten times as long: for a few studies a line.
    """

    contrast: Contrast
    confounded: str = ""
    as_reported: Callable[[], pd.DataFrame] | None = None


Result = TypeVar("Result")
Judge = Callable[[np.random.Generator], Alone | pd.DataFrame]
"""Simulates one study and compares what is in it: one comparison alone, or a table of verdicts."""

CHECKED = 3
"""Studies of a line whose one comparison is made as reports make it too, and must come out the same."""

NOISE = 0.01
"""Standard deviation of accuracy over seeds."""

FAST = Rule(resamples=500)
"""The rule of reports with fewer bootstrap draws, so that thousands of studies can be judged."""


NULL, PROMISED, MEASURED, DIFFERENT = "nothing", f"found in {RULE.power:.0%}", "an effect", "P(A>B) = 0.75"
OPEN = "equal means, left open"
ANY = float("nan")


@dataclass(frozen=True)
class Line:
    """One line of the table: a kind of study, its truth, and one simulated verdict of it.

    Attributes:
        name: What is simulated.
        truth: Nothing to find, something with a promise, or something whose power is measured.
        judge: One simulated study.
        effect: The true difference of level 0 from the others; NaN where there is not one.
    """

    name: str
    truth: str
    judge: Judge
    effect: float = 0.0


@dataclass(frozen=True)
class Count:
    """What was answered in one line: shares of studies, or of comparisons, in [0, 1]."""

    better: float
    equivalent: float
    inside: float
    few: float
    apart: float
    covered: float
    studies: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="simulated studies per line")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="CPU time of a line, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="lines whose name holds this")
    arguments = parser.parse_args()
    print(
        "| simulated | studies | truth | better | equivalent | inside the noise | not enough | not apart "
        "| covered |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    broken = []
    for line in LINES:
        if arguments.only not in line.name:
            continue
        count = judge_line(line, Budget(arguments.runs, arguments.seconds), arguments.seed)
        shares = (count.better, count.equivalent, count.inside, count.few, count.apart, count.covered)
        cells = " | ".join("" if np.isnan(share) else f"{100 * share:.1f}%" for share in shares)
        print(f"| {line.name} | {count.studies} | {line.truth} | {cells} |", flush=True)
        if breaks_promise(line, count):
            broken.append(line.name)
    print("\n| simulated | studies | promise | share |\n|---|---|---|---|")
    for name, promise, happens in SPECIAL:
        if arguments.only not in name:
            continue
        rng = np.random.default_rng(arguments.seed)
        found = list(simulate(Budget(arguments.runs, arguments.seconds), lambda: happens(rng)))  # noqa: B023
        share = float(np.mean(found))
        print(f"| {name} | {len(found)} | {promise} | {100 * share:.1f}% |", flush=True)
        if not promise.holds(share, len(found)):
            broken.append(name)
    if broken:
        print(f"not as promised: {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


@dataclass(frozen=True)
class Budget:
    """What a line may take: a number of studies, or of seconds of CPU time."""

    runs: int
    seconds: float


def simulate(budget: Budget, make: Callable[[], Result]) -> Iterator[Result]:
    """Make studies until the budget is spent, ten at least."""
    started = time.process_time()
    for number in range(budget.runs):
        if number >= 10 and time.process_time() - started > budget.seconds:
            return
        yield make()


def slack(share: float, runs: int) -> float:
    """Two standard errors of a share over simulated studies."""
    return float(2 * np.sqrt(share * (1 - share) / runs))


def breaks_promise(line: Line, count: Count) -> bool:
    """Whether a share is off its promise by more than two standard errors of the simulation."""
    runs = count.studies
    # Two points: of all the lines, one or two are two standard errors off by chance.
    least = 0.95 - max(0.02, slack(0.95, runs))
    low = count.covered < least if np.isfinite(count.covered) else False
    if line.truth == NULL:
        return bool(count.better > RULE.alpha + slack(RULE.alpha, runs) or low)
    if line.truth == PROMISED:
        return bool(count.better < RULE.power - slack(RULE.power, runs))
    if line.truth == DIFFERENT:
        return bool(count.inside > 0.1 + slack(0.1, runs) or low)
    return low and line.truth != OPEN


def judge_line(line: Line, budget: Budget, seed: int) -> Count:
    """Share of simulated studies with any "better"; of all comparisons, shares of the other answers."""
    rng = np.random.default_rng(seed)
    results = list(simulate(budget, lambda: line.judge(rng)))
    alone = [result for result in results if isinstance(result, Alone)]
    for result in alone[:CHECKED]:
        check(result)
    tables = [result for result in results if isinstance(result, pd.DataFrame)]
    judged = judge_alone(alone) if alone else pd.concat(tables)
    any_better = (
        [answer == "better" for answer in judged["answer"]]
        if alone
        else [(table["answer"] == "better").any() for table in tables]
    )
    shares = [float((judged["answer"] == answer).mean()) for answer in ANSWERS[1:]]
    covered = share_covered(judged, line.effect)
    return Count(float(np.mean(any_better)), *shares, covered=covered, studies=len(results))


def check(result: Alone) -> None:
    """Stop where the short way to a comparison does not come out as the reports' way does."""
    if result.as_reported is None:
        return
    row = result.as_reported().iloc[0]
    effect = 100 * abs(result.contrast.effect)
    assert np.isclose(row["effect_pp"], effect, equal_nan=True), (row, result)
    assert np.isclose(row["p_value"], result.contrast.p_value, equal_nan=True), (row, result)
    assert row["confounded"] == result.confounded, (row, result)


def share_covered(judged: pd.DataFrame, effect: float) -> float:
    """Share of comparisons whose interval holds the true difference of `a` from `b`."""
    if np.isnan(effect) or "effect_low_pp" not in judged:
        return float("nan")
    known = judged[judged["effect_low_pp"].notna()]
    if "a" not in known or known.empty:
        return float("nan")
    truth = 100 * effect * ((known["a"] == 0).astype(float) - (known["b"] == 0).astype(float))
    return float(((known["effect_low_pp"] <= truth) & (truth <= known["effect_high_pp"])).mean())


def judge_alone(results: Sequence[Alone]) -> pd.DataFrame:
    """Verdicts on comparisons of which each was made alone: there is nothing to correct for."""
    contrasts = [result.contrast for result in results]
    table = pd.DataFrame(
        [asdict(contrast.reverse() if contrast.effect < 0 else contrast) for contrast in contrasts]
    ).assign(a=[int(contrast.effect < 0) for contrast in contrasts])
    low, high = (100 * (table["effect"] + sign * table["half_width"]) for sign in (-1, 1))
    table = table.assign(
        b=1 - table["a"],
        effect_pp=100 * table["effect"],
        error_pp=100 * table["error"],
        effect_low_pp=low,
        effect_high_pp=high,
        confounded=[result.confounded for result in results],
        n_comparisons=1,
        p_corrected=table["p_value"],
    )
    return decide(table, FAST)


def judge_seeds(draw: Draw, n: int) -> Judge:
    """Two settings under `n` common seeds; `draw` gives their differences."""

    def judge(rng: np.random.Generator) -> Alone:
        pairs = pd.DataFrame({"block": 0, "seed": np.arange(n), "a": draw(rng, n), "b": 0.0})
        return Alone(paired_contrast(pairs, FAST))

    return judge


def judge_unpaired(effect: float, n: int) -> Judge:
    """Two settings, `n` seeds of its own for each."""

    def judge(rng: np.random.Generator) -> Alone:
        a, b = rng.normal(effect, NOISE, n), rng.normal(0, NOISE, n)
        return Alone(unpaired_contrast(a, b, FAST, rng))

    return judge


def compare_grid(score: Floats, right: NDArray[np.bool_] | None = None) -> Alone:
    """Level 0 against level 1 of a full grid, by the way that `compare_levels` takes there.

    Args:
        score: Shape (2, other settings, seeds).
        right: Whether each run got each text right, one more axis.
    """
    _, n_others, n_seeds = score.shape
    other, seed = (own.ravel() for own in np.indices((n_others, n_seeds)))
    pairs = pd.DataFrame({"block": other, "seed": seed, "a": score[0].ravel(), "b": score[1].ravel()})
    by_texts = float("nan")
    if right is not None:
        apart = right[0].reshape(len(pairs), -1).astype(float) - right[1].reshape(len(pairs), -1)
        by_texts = paired_text_variance(apart, other, seed, right.shape[-1])

    def as_reported() -> pd.DataFrame:
        trials = grid_table(score)
        hits = None
        if right is not None:
            keys = zip(trials["trial"], trials["phase"], trials["replicate"], strict=True)
            hits = Hits.of(dict(zip(keys, right.reshape(len(trials), -1), strict=True)))
        return compare_levels(trials, ["level"], hits=hits, rule=FAST)

    return Alone(paired_contrast(pairs, FAST, by_texts), as_reported=as_reported)


def grid_table(score: Floats) -> pd.DataFrame:
    """The trials of a full grid from scores of shape (levels, other settings, seeds)."""
    level, other, seed = np.indices(score.shape)
    trial = level * score.shape[1] + other
    return trials_table(score.ravel(), trial.ravel(), seed.ravel(), level=level, other=other)


def compare_trials(trials: pd.DataFrame, score: str = "val_accuracy") -> Alone:
    """Level 0 against level 1 of any study, without the table around it."""
    names = [name for name in ("level", "other", "units", "rate") if name in trials]
    table = gather_by_level(
        trials, names, score, states=("completed",), hits=None, rule=FAST, rng=np.random.default_rng(0)
    )
    contrast, _, confounded = table.compare("level", 0, 1)
    if table.was_chosen(trials, "level").any():
        confounded = confounded or "the scheduler's choice of the runs to finish"
    return Alone(
        contrast, confounded, as_reported=lambda: compare_levels(trials, ["level"], score, rule=FAST)
    )


def draw_grid(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    effect: float = 0.0,
    by_setting: float = 0.0,
    by_seed: float = 0.0,
    louder: float = 1.0,
) -> Floats:
    """Scores of a full grid: levels of one factor, under all other settings and seeds.

    Each setting, and each seed, adds an amount of its own to each level, of that standard deviation: none on
    average over all settings, and all seeds, that there could be. Runs of level 0 vary `louder` times as
    much.
    """
    n_levels, n_others, n_seeds = shape
    level, other, _ = np.indices(shape)
    own = rng.normal(0, by_setting, (n_levels, n_others, 1)) + rng.normal(0, by_seed, (n_levels, 1, n_seeds))
    noise = rng.normal(0, NOISE, shape) * np.where(level == 0, louder, 1.0)
    return np.asarray(0.8 + effect * (level == 0) + 0.02 * other / n_others + own + noise)


def judge_grid(n_others: int, n_seeds: int, effect: float = 0.0, **how: float) -> Judge:
    """Two levels of one factor, under all other settings and seeds: `draw_grid`."""
    return lambda rng: compare_grid(draw_grid(rng, (2, n_others, n_seeds), effect, **how))


def judge_three_levels(n_seeds: int) -> Judge:
    """Three levels of one factor, nothing else varied: three comparisons."""
    return lambda rng: compare_levels(
        grid_table(draw_grid(rng, (3, 1, n_seeds))), ["level"], rule=FAST, seed=rng
    )


def draw_turning(rng: np.random.Generator, effects: tuple[float, float]) -> pd.DataFrame:
    """A grid of two levels, two turns, four other settings and three seeds; the effect hangs on the turn."""
    level, turn, other, seed = np.indices((2, 2, 4, 3))
    lead = np.where(turn == 0, effects[0], effects[1]) * (level == 0)
    score = 0.8 + lead + 0.03 * turn + 0.01 * other + rng.normal(0, NOISE, level.shape)
    trial = (level * 2 + turn) * 4 + other
    return trials_table(score.ravel(), trial.ravel(), seed.ravel(), level=level, turn=turn, other=other)


def judge_turning(effects: tuple[float, float]) -> Judge:
    """The average over a factor that changes the effect: `draw_turning`."""

    def judge(rng: np.random.Generator) -> Alone:
        trials = draw_turning(rng, effects)
        score = trials["val_accuracy"].to_numpy().reshape(2, 8, 3)

        def as_reported() -> pd.DataFrame:
            return compare_levels(trials, ["level"], rule=FAST)

        return replace(compare_grid(score), as_reported=as_reported)

    return judge


def judge_collapsing(n_seeds: int) -> Judge:
    """Two settings of equal means, of which one collapses by 30 points in one run of ten."""

    def judge(rng: np.random.Generator) -> Alone:
        score = draw_grid(rng, (2, 1, n_seeds))
        collapsed = rng.random((1, n_seeds)) < 0.1
        score[0] += 0.03 - 0.3 * collapsed
        return compare_grid(score)

    return judge


def judge_test(n_seeds: int, n_validation: int, n_test: int) -> Judge:
    """Two confirmed settings on few test texts; what is common to their errors is known from validation."""

    def judge(rng: np.random.Generator) -> pd.DataFrame:
        setting, seed = np.indices((2, n_seeds))
        n_texts = n_validation + n_test
        texts = 3.0 + 1.5 * rng.normal(0, 1, n_texts) + rng.normal(0, 1, (2, 1, n_texts))
        chance = 1 / (1 + np.exp(-(texts + 0.1 * rng.normal(0, 1, (2, n_seeds, 1)))))
        right = (rng.random(chance.shape) < chance).reshape(2 * n_seeds, n_texts)
        on_test = right[:, n_validation:].mean(axis=1)
        trials = trials_table(on_test, setting.ravel(), seed.ravel(), units=setting)
        trials = trials.assign(phase="confirm", test_accuracy=on_test)
        keys = zip(trials["trial"], trials["phase"], trials["replicate"], strict=True)
        hits = Hits.of(dict(zip(keys, right[:, :n_validation], strict=True)))
        return compare_settings(
            trials,
            2,
            "test_accuracy",
            hits=replace(hits, n_texts=n_test),
            n_texts=n_test,
            rule=FAST,
            seed=rng,
        )

    return judge


def judge_likely(n_others: int, n_seeds: int, by_setting: float, by_seed: float) -> Judge:
    """A grid in which a run of level 0 beats its partner three times in four, over settings and seeds."""
    spread = NOISE * np.sqrt(2 * (1 + by_setting**2 + by_seed**2))
    effect = float(stats.norm.ppf(0.75)) * spread
    return judge_grid(n_others, n_seeds, effect, by_setting=by_setting * NOISE, by_seed=by_seed * NOISE)


def effect_of(by_setting: float, by_seed: float) -> float:
    return float(stats.norm.ppf(0.75) * NOISE * np.sqrt(2 * (1 + by_setting**2 + by_seed**2)))


def judge_texts(n_others: int, n_seeds: int, n_texts: int, apart: float = 1.0, noise: float = 0.05) -> Judge:
    """A grid judged on texts of which each suits one level better by an amount of its own, none on average.

    Each run gets a text right with a chance of its own: logits of text, level and text, and run added up.
    """

    def judge(rng: np.random.Generator) -> Alone:
        shape = (2, n_others, n_seeds)
        texts = 1.6 + rng.normal(0, 1, n_texts) + apart * rng.normal(0, 1, (2, 1, 1, n_texts))
        chance = 1 / (1 + np.exp(-(texts + noise * rng.normal(0, 1, (*shape, 1)))))
        right = rng.random((*shape, n_texts)) < chance
        return compare_grid(right.mean(axis=-1), right)

    return judge


def judge_lost(n: int, share: float) -> Judge:
    """Two settings under `n` seeds; the one that is a point better diverges in a share of its runs."""

    def judge(rng: np.random.Generator) -> Alone:
        level, seed = np.indices((2, n))
        score = 0.8 + 0.01 * (level == 0) + rng.normal(0, NOISE, (2, n))
        trials = trials_table(score.ravel(), level.ravel(), seed.ravel(), level=level)
        is_lost = (trials["level"] == 0) & (rng.random(2 * n) < share)
        trials.loc[is_lost, "state"] = "diverged"
        trials.loc[is_lost, "val_accuracy"] = np.nan
        return compare_trials(trials)

    return judge


def judge_stopped(n: int, behind: float) -> Judge:
    """A search whose scheduler stopped the weaker half early, when one level was behind by some points."""

    def judge(rng: np.random.Generator) -> Alone:
        level, quality = rng.integers(0, 2, n), rng.normal(0, NOISE, n)
        early = quality + rng.normal(0, NOISE / 2, n) - behind * (level == 0)
        trials = trials_table(
            0.8 + quality + rng.normal(0, NOISE / 4, n), np.arange(n), np.zeros(n, np.int64), level=level,
            rate=rng.uniform(1e-4, 1e-2, n),
        )  # fmt: skip
        trials.loc[early < np.median(early), "state"] = "pruned"
        return compare_trials(trials)

    return judge


def judge_epochs(n_seeds: int, n_epochs: int) -> Judge:
    """Two settings at the best of their epochs on 500 texts; the curves of one jitter five times as much."""

    def judge(rng: np.random.Generator) -> Alone:
        level, seed, epoch = np.indices((2, n_seeds, n_epochs))
        rise = 0.8 - 0.2 * np.exp(-epoch / 1.5) - 0.002 * epoch
        run = rng.normal(0, NOISE, (2, n_seeds, 1))
        score = rise + run + np.where(level == 0, 0.01, 0.002) * rng.normal(0, 1, level.shape)
        best = score.max(axis=2)
        trials = trials_table(best.ravel(), level[..., 0].ravel(), seed[..., 0].ravel(), level=level[..., 0])
        epochs = pd.DataFrame(
            {
                "trial": level.ravel(),
                "replicate": seed.ravel() + 1,
                "epoch": epoch.ravel() + 1,
                "val_accuracy": score.ravel(),
                **dict.fromkeys(("train_loss", "train_accuracy", "val_loss"), 0.5),
            }
        )
        return compare_trials(without_luck(trials, epochs, 500), "score")

    return judge


def judge_together(n_seeds: int) -> Judge:
    """Two factors that always go together: nothing can be said of either."""

    def judge(rng: np.random.Generator) -> Alone:
        trial, seed = np.indices((2, n_seeds))
        score = 0.8 + 0.03 * (trial == 0) + rng.normal(0, NOISE, trial.shape)
        trials = trials_table(score.ravel(), trial.ravel(), seed.ravel(), level=trial, units=8 * (1 + trial))
        return compare_trials(trials)

    return judge


def judge_search(n: int, effect: float, pull: float) -> Judge:
    """A search: `n` settings tried once. The more `pull`, the more large `units` were tried with level 0.

    Units add up to four points, so that a comparison blind to them would find an effect that is not there.
    """

    def judge(rng: np.random.Generator) -> Alone:
        level = rng.integers(0, 2, n)
        units = rng.binomial(3, np.where(level == 0, 0.5 + pull, 0.5 - pull))
        rate = rng.uniform(-4, -2, n)
        score = (
            0.8 + effect * (level == 0) + 0.0133 * units - 0.01 * (rate + 3) ** 2 + rng.normal(0, NOISE, n)
        )
        trials = trials_table(
            score, np.arange(n), np.zeros(n, np.int64), level=level, units=8 * 2**units, rate=10**rate
        )
        return compare_trials(trials)

    return judge


def judge_own_seeds(n_others: int, n_seeds: int, by_seed: float) -> Judge:
    """Two levels under seeds of their own, each of which moves all settings of its level alike."""

    def judge(rng: np.random.Generator) -> Alone:
        trials = grid_table(draw_grid(rng, (2, n_others, n_seeds), by_seed=by_seed))
        return compare_trials(trials.assign(seed=trials["seed"] + n_seeds * trials["level"]))

    return judge


def judge_winner(n_settings: int, n_seeds: int, lead: float = 0.0, spread: float = 0.0) -> Judge:
    """The best of `n_settings` against the next four; the first one leads by `lead`, the others are equal.

    With a spread, settings differ in how much their runs vary: by factors from exp(-spread) to exp(spread).
    """

    def judge(rng: np.random.Generator) -> pd.DataFrame:
        return compare_settings(draw_field(rng, n_settings, n_seeds, lead, spread), rule=FAST, seed=rng)

    return judge


def draw_field(
    rng: np.random.Generator,
    n_settings: int,
    n_seeds: int,
    lead: float,
    spread: float = 0.0,
    *,
    by_seed: float = 0.0,
    lost: float = 0.0,
) -> pd.DataFrame:
    """Trials of settings alone; a seed moves all of them alike, and of the runs a share is lost by chance."""
    setting, seed = np.indices((n_settings, n_seeds))
    noise = NOISE * np.exp(spread * np.linspace(-1, 1, n_settings))[rng.permutation(n_settings), None]
    score = 0.8 + lead * (setting == 0) + noise * rng.normal(0, 1, setting.shape)
    if by_seed:
        score += rng.normal(0, by_seed, n_seeds)
    trials = trials_table(score.ravel(), setting.ravel(), seed.ravel(), units=setting)
    if not lost:
        return trials
    is_lost = (rng.random(len(trials)) < lost) & trials["trial"].duplicated()  # each setting keeps a run
    return trials[~is_lost].reset_index(drop=True)


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
    *(Line(f"{n} seeds, coarse scores", NULL, judge_seeds(coarse, n), ANY) for n in (3, 5, 10)),
    Line("5 and 5 runs without common seeds", NULL, judge_unpaired(0, 5)),
    Line("3 levels, 5 seeds, three comparisons", NULL, judge_three_levels(5)),
    Line("2 other settings x 5 seeds", NULL, judge_grid(2, 5)),
    Line("8 other settings x 3 seeds", NULL, judge_grid(8, 3)),
    Line("2 x 5, settings differ by level as runs do", NULL, judge_grid(2, 5, by_setting=NOISE)),
    Line("4 x 10, settings differ by level as runs do", NULL, judge_grid(4, 10, by_setting=NOISE)),
    Line("8 x 3, settings differ by level as runs do", NULL, judge_grid(8, 3, by_setting=NOISE)),
    Line("8 x 3, seeds differ by level half as runs do", NULL, judge_grid(8, 3, by_seed=0.5 * NOISE)),
    Line("8 x 3, seeds differ by level as runs do", NULL, judge_grid(8, 3, by_seed=NOISE)),
    *(
        Line(f"{i} x {j} seeds of a level's own, which move all alike", NULL, judge_own_seeds(i, j, NOISE))
        for i, j in ((6, 5), (20, 3))
    ),
    Line("8 x 3, both differ by level as runs do", NULL, judge_grid(8, 3, by_setting=NOISE, by_seed=NOISE)),
    Line("1 x 5, 200 texts", NULL, judge_texts(1, 5, 200)),
    Line("1 x 5, 2,000 texts", NULL, judge_texts(1, 5, 2000)),
    Line("8 x 3, 1,000 texts", NULL, judge_texts(8, 3, 1000)),
    Line("20 x 3, 1,000 texts", NULL, judge_texts(20, 3, 1000)),
    Line("8 x 3, 1,000 texts that suit neither", NULL, judge_texts(8, 3, 1000, apart=0.0)),
    *(Line(f"{n} seeds, 2 runs in 5 of the better diverge", NULL, judge_lost(n, 0.4), ANY) for n in (5, 10)),
    *(Line(f"search of {n}, stopped while behind", NULL, judge_stopped(n, 0.02), ANY) for n in (90, 180)),
    Line("best of 10 epochs, one side jitters more, 5 seeds", NULL, judge_epochs(5, 10)),
    Line("best of 10 epochs, one side jitters more, 20 seeds", NULL, judge_epochs(20, 10)),
    Line("two factors that go together, 10 seeds", NULL, judge_together(10), ANY),
    Line("search of 100, levels tried in unlike company", NULL, judge_search(100, 0, 0.25)),
    Line("2 x 5, runs of one level jitter three times as much", NULL, judge_grid(2, 5, louder=3.0)),
    Line("8 x 3, runs of one level jitter three times as much", NULL, judge_grid(8, 3, louder=3.0)),
    Line("8 x 3, two points ahead in half, behind in half", NULL, judge_turning((0.02, -0.02))),
    Line("two confirmed settings, 5 seeds, 557 test texts", NULL, judge_test(5, 1000, 557)),
    Line("best of 10 equal settings, 5 seeds", NULL, judge_winner(10, 5), ANY),
    Line("best of 10 equal settings, unequal noise", NULL, judge_winner(10, 5, spread=1.0), ANY),
    Line(f"{N_PAIRS} seeds", PROMISED, judge_seeds(normal(MEANINGFUL), N_PAIRS), MEANINGFUL),
    Line(
        f"{N_RUNS} and {N_RUNS} runs", PROMISED, judge_unpaired(2**0.5 * MEANINGFUL, N_RUNS),
        2**0.5 * MEANINGFUL,
    ),
    *(
        Line(f"{i} x {j}, settings differ by level", DIFFERENT, judge_likely(i, j, 1, 0), effect_of(1, 0))
        for i, j in ((10, 5), (10, 10), (15, 3))
    ),
    Line("4 x 11, seeds differ by level", DIFFERENT, judge_likely(4, 11, 0, 1), effect_of(0, 1)),
    Line("10 x 10, runs alone differ", DIFFERENT, judge_likely(10, 10, 0, 0), effect_of(0, 0)),
    Line("5 seeds, two points, noise one point", MEASURED, judge_seeds(normal(0.02), 5), 0.02),
    Line("8 other settings x 3 seeds, one point", MEASURED, judge_grid(8, 3, 0.01), 0.01),
    Line("8 x 3, two points in the better half alone", MEASURED, judge_turning((0, 0.02)), 0.01),
    Line("one of two collapses in 1 run of 10, 5 seeds", OPEN, judge_collapsing(5)),
    Line("8 x 3, 1,000 texts, runs alike", MEASURED, judge_texts(8, 3, 1000, 0.0, 0.0)),
    Line("search of 100, unlike company, two points", MEASURED, judge_search(100, 0.02, 0.25), 0.02),
    Line("one of 10 settings leads by 3 points, 5 seeds", MEASURED, judge_winner(10, 5, 0.03), ANY),
]  # fmt: skip


@dataclass(frozen=True)
class Promise:
    """A share that must be reached, or not be passed."""

    share: float
    is_least: bool

    def holds(self, share: float, runs: int) -> bool:
        off = self.share - share if self.is_least else share - self.share
        return off <= slack(self.share, runs)

    def __str__(self) -> str:
        return f"at {'least' if self.is_least else 'most'} {self.share:.0%}"


def keeps_best(n_settings: int, n_seeds: int, lead: float, **how: float) -> Callable[..., bool]:
    """Whether the best setting is among those that stay in the running; drawn as `draw_field` says."""

    def happens(rng: np.random.Generator) -> bool:
        table = settings_in_the_running(draw_field(rng, n_settings, n_seeds, lead, **how), rule=FAST)
        return bool(table.loc[table["setting"] == 0, "may_be_best"].iloc[0])

    return happens


def tells_apart(n_settings: int, n_seeds: int, lead: float, n_next: int) -> Callable[..., bool]:
    """Whether the best setting is called better than each of the next."""

    def happens(rng: np.random.Generator) -> bool:
        trials = draw_field(rng, n_settings, n_seeds, lead, 0.0)
        table = compare_settings(trials, n_next + 1, rule=FAST, seed=rng)
        return bool((table["answer"] == "better").all() and (table["a"] == 0).all())

    return happens


def tells_any(n_settings: int, n_seeds: int, lead: float) -> Callable[..., bool]:
    """Whether the best setting is called better than at least one of the next four."""

    def happens(rng: np.random.Generator) -> bool:
        table = compare_settings(draw_field(rng, n_settings, n_seeds, lead, 0.0), rule=FAST, seed=rng)
        return bool(((table["answer"] == "better") & (table["a"] == 0)).any())

    return happens


def stands_alone(n_settings: int, n_seeds: int, lead: float) -> Callable[..., bool]:
    """Whether all settings but the best are ruled out."""

    def happens(rng: np.random.Generator) -> bool:
        table = settings_in_the_running(draw_field(rng, n_settings, n_seeds, lead, 0.0), rule=FAST)
        return bool(table["may_be_best"].sum() == 1 and table["setting"].iloc[0] == 0)

    return happens


def widens(n: int, learns: bool) -> Callable[..., bool]:
    """Whether any end of a space in which nothing matters is to be widened."""
    domains: dict[str, Domain] = {name: Real(0.01, 1.0) for name in ("u", "v", "w")}
    domains["units"] = Choice([16, 32, 64, 128])
    space = Space(domains).to_document()

    def happens(rng: np.random.Generator) -> bool:
        trials = draw_learning(rng, n, learns, list(domains))
        return bool(check_boundaries(trials, space)["widen"].any())

    return happens


def draw_learning(rng: np.random.Generator, n: int, learns: bool, names: list[str]) -> pd.DataFrame:
    """A search in which nothing matters; a sampler that learns draws near what was best so far."""
    units = np.empty((n, len(names)))
    score = 0.8 + rng.normal(0, NOISE, n)
    for number in range(n):
        units[number] = rng.random(len(names))
        if learns and number >= 10:
            best = np.argsort(-score[:number])[: max(2, number // 10)]
            near = units[rng.choice(best), :] + rng.normal(0, 0.1, len(names))
            units[number] = np.clip(np.where(rng.random(len(names)) < 0.8, near, units[number]), 0, 1)
    columns: dict[str, Any] = {name: 0.01 + 0.99 * units[:, index] for index, name in enumerate(names)}
    columns["units"] = np.array([16, 32, 64, 128])[np.minimum((4 * units[:, -1]).astype(int), 3)]
    return trials_table(score, np.arange(n), np.zeros(n, np.int64), **columns)


def finds_levels(n_levels: int, n_others: int, n_seeds: int, **how: float) -> Callable[..., bool]:
    """Whether the one test of a factor, or of its trend, says that equal levels differ."""

    def happens(rng: np.random.Generator) -> bool:
        trials = grid_table(draw_grid(rng, (n_levels, n_others, n_seeds), **how))
        return bool(judge_factors(trials, ["level"], rule=FAST)["p_value"].iloc[0] <= 0.05)

    return happens


def finds_search_levels(n: int, n_levels: int) -> Callable[..., bool]:
    """The same in a search, whose levels were tried in unlike company."""

    def happens(rng: np.random.Generator) -> bool:
        level = rng.integers(0, n_levels, n)
        units = rng.binomial(3, 0.2 + 0.6 * level / n_levels)
        score = 0.8 + 0.0133 * units + rng.normal(0, NOISE, n)
        trials = trials_table(
            score, np.arange(n), np.zeros(n, np.int64), level=level, units=8 * 2**units, rate=rng.random(n)
        )
        return bool(judge_factors(trials, ["level"], rule=FAST)["p_value"].iloc[0] <= 0.05)

    return happens


def finds_trend(rng: np.random.Generator) -> bool:
    """Whether a trend over four equal levels is found."""
    trials = grid_table(draw_grid(rng, (4, 4, 3), by_setting=NOISE))
    return bool(judge_factors(trials, ["level"], rule=FAST)["trend_p_value"].iloc[0] <= 0.05)


def acts_together(rng: np.random.Generator) -> bool:
    """Whether factors that add up are said to act together."""
    table = interactions(draw_turning(rng, (0.01, 0.01)), ["level", "turn", "other"])
    return bool((table["p_corrected"] <= 0.05).any())


def tells_turns(effects: tuple[float, float], counted: set[tuple[str, str]]) -> Callable[..., bool]:
    """Whether what is said of the two turns is among what is counted."""

    def happens(rng: np.random.Generator) -> bool:
        table = compare_within(draw_turning(rng, effects), [("level", "turn")], rule=FAST)
        said = ["ahead" if a == 0 else "behind" for a in table["a"]]
        pairs = zip(said, table["answer"], strict=True)
        return tuple(way if answer == "better" else "open" for way, answer in pairs) in counted

    return happens


SPECIAL: list[tuple[str, Promise, Callable[..., bool]]] = [
    (
        "the best of 10 stays in the running, lead 1 point, 5 seeds",
        Promise(0.95, True),
        keeps_best(10, 5, 0.01),
    ),
    ("the best of 10 stays in the running, all equal", Promise(0.95, True), keeps_best(10, 5, 0.0)),
    (
        "the best of 10 stays in the running, unequal noise",
        Promise(0.95, True),
        keeps_best(10, 5, 0.01, spread=1.0),
    ),
    *(
        (
            f"the best of 10 stays in the running, {share:.0%} of runs lost, seeds move all by {size:.0f}",
            Promise(0.95, True),
            keeps_best(10, 5, 0.01, by_seed=size * NOISE, lost=share),
        )
        for share, size in ((0.15, 2.0), (0.3, 1.0), (0.3, 3.0))
    ),
    (
        "10 settings, lead 3 points: better than any of the next four",
        Promise(0.85, True),
        tells_any(10, 5, 0.03),
    ),
    (
        "10 settings, lead 3 points: better than the next four",
        Promise(0.63, True),
        tells_apart(10, 5, 0.03, 4),
    ),
    ("10 settings, lead 3 points: all others ruled out", Promise(0.63, True), stands_alone(10, 5, 0.03)),
    *(
        (f"levels said to differ, {name}", Promise(0.05, False), happens)
        for name, happens in (
            ("4 equal, 1 x 5", finds_levels(4, 1, 5)),
            ("4 equal, 8 x 3, settings differ", finds_levels(4, 8, 3, by_setting=NOISE)),
            ("4 equal, 8 x 3, seeds differ", finds_levels(4, 8, 3, by_seed=NOISE)),
            ("3 equal, 4 x 5, one jitters three times as much", finds_levels(3, 4, 5, louder=3.0)),
            ("4 equal, search of 100, unlike company", finds_search_levels(100, 4)),
            ("trend over 4 equal, 4 x 3, settings differ", finds_trend),
        )
    ),
    ("factors that add up said to act together", Promise(0.05, False), acts_together),
    (
        "an effect in the better half alone, said of the other half",
        Promise(0.05, False),
        tells_turns(
            (0, 0.03), {("ahead", "ahead"), ("behind", "ahead"), ("ahead", "open"), ("behind", "open")}
        ),
    ),
    (
        "an effect of 3 points in the better half, found there alone",
        Promise(0.4, True),
        tells_turns((0, 0.03), {("open", "ahead")}),
    ),
    (
        "3 points whose sign turns, found turn by turn",
        Promise(0.4, True),
        tells_turns((0.03, -0.03), {("ahead", "behind")}),
    ),
    ("widen anything, random search of 24, flat", Promise(0.05, False), widens(24, False)),
    ("widen anything, random search of 60, flat", Promise(0.05, False), widens(60, False)),
    ("widen anything, learning search of 60, flat", Promise(0.05, False), widens(60, True)),
]

if __name__ == "__main__":
    sys.exit(main())

"""Direction and depth help only together: what two designs make of it. No training, only figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.statistics.effects import interactions, marginal_effects
from analysis.statistics.verdicts import IN_FEW_SETTINGS, compare_levels
from study.search.search import Search
from study.store.ledger import Ledger
from tests.study.pretend.small_study import make_facts, make_spec, reach

SPACE = {
    "cell": ["rnn", "lstm", "gru"],
    "bidirectional": [False, True],
    "units": [8, 16],
    "layers": [1, 2],
    "vocab_size": 50,
    "sequence_length": 10,
}
GAIN = 0.2
NOISE = 0.01


def train_design(folder: Path, design: object, seeds: int) -> pd.DataFrame:
    """Let a design through search and records, with figures that follow the planted truth; its trials."""
    spec = make_spec(space=SPACE, design=design, seeds=seeds)
    ledger = Ledger.create(folder / "records.db", make_facts(spec), np.array([0, 1, 0, 1]))
    search = Search(spec, ledger)
    rng = np.random.default_rng(0)
    while (assignment := search.next()) is not None:
        accuracy = accuracy_of(assignment.params) + rng.normal(0.0, NOISE)
        reach(search, ledger, assignment, accuracy)
    ledger.close()
    return analysis.load(folder / "records.db").trials


def accuracy_of(params: dict[str, Any]) -> float:
    return 0.6 + GAIN * (params["bidirectional"] and params["layers"] == 2) + 0.01 * (params["cell"] == "gru")


@pytest.fixture(scope="module")
def factorial(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return train_design(tmp_path_factory.mktemp("factorial"), "factorial", seeds=1)


@pytest.fixture(scope="module")
def ablation(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return train_design(tmp_path_factory.mktemp("ablation"), "ablation", seeds=4)


def test_the_factorial_finds_the_pair_that_acts_together_and_no_other(factorial: pd.DataFrame) -> None:
    found = interactions(factorial)

    assert len(factorial) == 24
    assert {found.factor_a[0], found.factor_b[0]} == {"bidirectional", "layers"}
    assert found.p_corrected[0] < 1e-6
    # The others are noise: none of five is called real, at a level of one in a thousand.
    assert (found.p_corrected[1:] > 0.001).all()


def test_the_factorial_sees_the_best_setting_and_what_each_half_of_the_pair_is_worth(
    factorial: pd.DataFrame,
) -> None:
    best = factorial.loc[factorial.val_accuracy.idxmax()]
    effects = marginal_effects(factorial, ["layers"]).set_index("level")["adjusted"]

    assert best.bidirectional
    assert best.layers == 2
    # By theory a main effect is half of the gain: it helps in half of the settings.
    assert effects[2] - effects[1] == pytest.approx(GAIN / 2, abs=5 * NOISE / np.sqrt(6))


def test_the_ablation_misses_it(ablation: pd.DataFrame) -> None:
    found = interactions(ablation)
    means = ablation.groupby(["bidirectional", "layers"]).val_accuracy.mean()

    assert len(ablation) == 6 * 4
    assert found.p_value.isna().all()
    assert (True, 2) not in means.index
    # The report may judge the levels, over seeds at the baseline, and says that it is for there alone.
    verdicts = compare_levels(ablation, ["bidirectional", "layers"])
    assert (verdicts["method"] == "paired").all()
    assert verdicts["note"].str.contains(IN_FEW_SETTINGS).all()
    assert (verdicts["answer"] != "better").all()
    # At the baseline neither changes anything: both look worthless, within the noise of four seeds.
    reach = 5 * NOISE * np.sqrt(2 / 4)
    assert means[True, 1] - means[False, 1] == pytest.approx(0.0, abs=reach)
    assert means[False, 2] - means[False, 1] == pytest.approx(0.0, abs=reach)
    assert ablation.val_accuracy.max() < 0.6 + GAIN / 2

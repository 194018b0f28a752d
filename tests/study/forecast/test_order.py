from __future__ import annotations

from typing import Any

from study.forecast.order import order_settings
from tests.study.pretend.small_study import make_spec

SHORT = {
    "cell": "rnn",
    "bidirectional": False,
    "units": 8,
    "layers": 1,
    "vocab_size": 100,
    "sequence_length": 20,
    "embedding_dim": 8,
    "optimizer": "adam",
    "batch_size": 32,
}
LONG = SHORT | {"cell": "lstm", "bidirectional": True, "units": 64, "sequence_length": 200}
MIDDLE = SHORT | {"units": 64, "sequence_length": 100}


def reorder(settings: list[dict[str, Any]], n_runs: int = 1, **changes: Any) -> list[dict[str, Any]]:
    indices = order_settings(settings, n_runs, spec=make_spec(**changes), n_slots=1)
    return [settings[index] for index in indices]


def test_the_longest_of_the_last_runs_come_first() -> None:
    assert reorder([SHORT, MIDDLE, LONG]) == [LONG, MIDDLE, SHORT]


def test_runs_before_the_last_few_keep_the_order_of_their_design() -> None:
    assert reorder([SHORT, MIDDLE, SHORT, LONG], n_runs=2) == [SHORT, MIDDLE, LONG, SHORT]


def test_equal_runs_keep_their_order() -> None:
    first, second = SHORT | {"learning_rate": 0.1}, SHORT | {"learning_rate": 0.2}

    assert reorder([first, second]) == [first, second]


def test_a_study_that_may_run_out_of_time_keeps_its_order() -> None:
    settings = [SHORT, MIDDLE, LONG]

    assert reorder(settings, resources={"time_budget_s": 60}) == settings

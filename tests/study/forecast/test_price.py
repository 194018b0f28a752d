from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from study.cli.commands.planning import count_slots
from study.cli.console import print_price
from study.errors import EnvironmentFaultError, StudyError
from study.forecast.costs import RunCost, Timing, guess_text_s
from study.forecast.price import Price, add_up, price_study
from study.forecast.survival import LEARNED_SPREAD
from study.forecast.timing import draw_settings, time_settings
from study.search.first_settings import ask_first_settings
from study.spec.schema import StudySpec
from tests.study.pretend.small_study import SMALL_SPACE, make_spec

DATA = {"source": "recall", "recall": {"n_texts": 400, "length": 10, "distance": 2, "alphabet": 4}}


class Costs:
    """A model of costs by which an epoch of a cell takes `epoch_s` of that cell, and tracing ten seconds."""

    def __init__(self, error: float | None = None, **epoch_s: float) -> None:
        self.error, self.epoch_s = error, epoch_s

    def predict(self, params: Mapping[str, Any]) -> RunCost:
        return RunCost(start_s=10.0, restart_s=0.0, epoch_s=self.epoch_s[params["cell"]])

    def typical_error(self, n_epochs: int) -> float | None:
        return self.error


def add(spec: StudySpec, costs: Costs, n_slots: int = 1, *, n_known: int | None = None) -> Any:
    known = list(spec.design.plan(spec.space, spec.seed) or ask_first_settings(spec, n_slots))[:n_known]
    is_whole = len(known) >= spec.design.count(spec.space)
    model: Any = costs
    return add_up(spec, known, [] if is_whole else draw_settings(spec), model, n_slots)


def make_timer(epoch_s: float) -> Any:
    """A timer by whose times an epoch of any setting takes so long."""

    def timer(spec: StudySpec, settings: Any, **_: Any) -> tuple[list[Timing], float]:
        timings = [
            Timing(
                params=dict(params),
                start_s=1.0,
                restart_s=0.1,
                step_s=epoch_s / 100.0,
                block_s=1e-6,
                whole_s=1.0,
                wall_s=1.0,
                n_weights=1000,
                memory_bytes=5 * 10**8,
            )
            for params in settings
        ]
        return timings, 2.0

    return timer


def price(epoch_s: float = 100.0, n_slots: int = 2, **changes: Any) -> Price:
    spec = make_spec(data=DATA, **changes)
    known = ask_first_settings(spec, n_slots)
    return price_study(spec, known, n_slots=n_slots, n_slots_here=2, timer=make_timer(epoch_s))


def test_a_grid_costs_its_own_epochs_and_each_architecture_is_traced_once() -> None:
    spec = make_spec()  # three cells, both directions, three epochs

    seconds, n_runs, n_epochs = add(spec, Costs(rnn=1.0, lstm=2.0, gru=4.0))

    assert seconds.middle == pytest.approx(6 * 10 + 2 * 3 * (1 + 2 + 4))
    assert seconds.low == pytest.approx(seconds.middle) == seconds.high
    assert (n_runs, n_epochs) == (6, 18)


def test_each_of_two_workers_traces_and_the_last_run_ends_the_study() -> None:
    spec = make_spec(space=SMALL_SPACE | {"cell": "rnn", "bidirectional": False}, seeds=3)

    seconds, _, _ = add(spec, Costs(rnn=2.0), n_slots=2)

    # Three runs of six seconds and, two of three times, ten of tracing: two one after the other.
    assert seconds.middle == pytest.approx(2 * (3 * 2.0 + 2 / 3 * 10.0))


def test_the_interval_is_the_error_of_the_model_of_costs() -> None:
    seconds, _, _ = add(make_spec(), Costs(error=0.2, rnn=1.0, lstm=1.0, gru=1.0))

    assert seconds.high / seconds.middle == pytest.approx(np.exp(1.645 * 0.2))
    assert seconds.middle / seconds.low == pytest.approx(np.exp(1.645 * 0.2))


def test_settings_that_nobody_knows_cost_the_mean_of_their_level_and_leave_a_range() -> None:
    design = {"kind": "search", "sampler": "nsga2", "scheduler": "none", "trials": 6, "scientific": ["cell"]}

    seconds, _, _ = add(make_spec(design=design), Costs(rnn=1.0, lstm=2.0, gru=6.0))

    assert seconds.middle == pytest.approx(6 * 10 + 3 * 2 * (1 + 2 + 6))
    assert seconds.high / seconds.middle == pytest.approx(np.exp(1.645 * LEARNED_SPREAD))


def test_a_scheduler_leaves_the_share_of_epochs_that_its_rungs_let_pass() -> None:
    design = {"kind": "search", "sampler": "random", "trials": 3, "grace_period_epochs": 1}

    seconds, _, n_epochs = add(make_spec(design=design), Costs(rnn=1.0, lstm=1.0, gru=1.0))

    # Judged after the first of three epochs: all of one run, a half of two, (1 + 1/3) / 3 of three pass.
    assert n_epochs == pytest.approx(3 + 2 * (1 + 1 / 2 + 4 / 9))
    assert seconds.low < seconds.middle < seconds.high


def test_a_search_that_begins_with_large_settings_is_dearer() -> None:
    space = SMALL_SPACE | {"sequence_length": {"low": 1, "high": 512, "log": True}}
    design = {"kind": "search", "trials": 6, "scheduler": "none"}
    specs = [make_spec(space=space, design=design, seed=seed) for seed in range(4)]
    costs: Any = Costs()
    costs.predict = lambda params: RunCost(0.0, 0.0, guess_text_s(params, has_own_model=False))

    begins = [sum(costs.predict(s).epoch_s for s in ask_first_settings(spec, 2)) for spec in specs]
    middles = [add(spec, costs, n_slots=2)[0].middle for spec in specs]

    assert max(begins) > 2 * min(begins)
    assert (np.argmax(middles), np.argmin(middles)) == (np.argmax(begins), np.argmin(begins))


def test_what_surrounds_the_runs_is_the_same_for_one_worker_and_for_three() -> None:
    one, three = price(n_slots=1), price(n_slots=3)

    assert one.epochs_share == 1.0
    assert one.seconds.middle - three.seconds.middle == pytest.approx(
        2 / 3 * (one.seconds.middle - 6.5), rel=0.02
    )


def test_more_workers_need_more_memory_and_more_seeds_more_disk() -> None:
    assert price(n_slots=4).memory_bytes.low - price(n_slots=2).memory_bytes.low > 2 * 5e8
    assert price(seeds=3).disk_bytes.middle > price(seeds=1).disk_bytes.middle


def test_no_study_is_expected_to_take_more_disk_than_it_may() -> None:
    priced = price(seeds=3)

    assert priced.most_disk_bytes is not None
    assert priced.disk_bytes.high < priced.most_disk_bytes


def test_a_study_is_priced_on_as_many_workers_as_it_asks_for() -> None:
    asked, _ = count_slots(make_spec(resources={"max_workers": 7}))

    assert asked == 7
    with pytest.raises(StudyError, match="max_workers"):
        make_spec(resources={"max_workers": 0})


def test_a_price_is_printed_with_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    print_price(Console(highlight=False, width=200), price(), n_slots=2, n_slots_here=1)

    said = capsys.readouterr().out
    assert "6 settings timed" in said
    assert "nine times out of ten" in said
    assert "with 2 runs at once\n" in said
    assert "MB while it runs" in said
    assert "workers are taken to be as fast as this machine's" in said


def print_of(priced: Price, capsys: pytest.CaptureFixture[str], n_slots_here: int = 2) -> str:
    print_price(Console(highlight=False, width=200), priced, n_slots=2, n_slots_here=n_slots_here)
    return capsys.readouterr().out


def test_a_price_says_how_much_memory_a_container_leaves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.machine.capacity.memory_limit", lambda: 10**9)
    monkeypatch.setattr("study.machine.capacity.resource.getrlimit", lambda kind: (3 * 10**9, -1))

    here, elsewhere = (print_of(price(), capsys, n_slots_here) for n_slots_here in (2, 1))

    assert "in all; there are 1.0 GB, 3.0 GB a process\n" in here
    assert "more memory than there is: run fewer at once with --workers" in here
    assert "there are" not in elsewhere


def test_a_price_that_fits_warns_of_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.console.count_memory", lambda: 10**12)

    assert "more memory" not in print_of(price(), capsys)


@pytest.mark.slow
def test_a_setting_that_cannot_be_trained_is_named_with_its_reason() -> None:
    spec = make_spec(data=DATA, model="nowhere:build")

    plan = spec.design.plan(spec.space, 0)
    assert plan is not None

    with pytest.raises(EnvironmentFaultError, match="No module named 'nowhere'"):
        time_settings(spec, plan, n_classes=2, block=64, n_processes=1, budget_s=0.1)


@pytest.mark.slow
def test_a_real_price_loads_neither_ray_nor_tensorflow_in_its_process() -> None:
    program = """
import functools, sys
from study.forecast.price import price_study
from study.forecast.timing import time_settings
from tests.study.pretend.small_study import make_spec
from tests.study.forecast.test_price import DATA
def timer(spec, settings, **options):
    return time_settings(spec, settings, **options | {"budget_s": 1.0})
spec = make_spec(data=DATA)
price = price_study(spec, spec.design.plan(spec.space, 0), n_slots=1, n_slots_here=1, timer=timer)
assert 0.0 < price.seconds.low <= price.seconds.high < 600.0, price
print([name for name in ("ray", "tensorflow", "keras") if name in sys.modules], price.n_timed > 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] True"

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from study.cli.console import print_price
from study.errors import EnvironmentFaultError, StudyError
from study.forecast.costs import Timing, guess_text_s
from study.forecast.pricing import Price, price_study
from study.forecast.timing import time_settings
from study.search.first_settings import ask_first_settings
from study.spec.schema import StudySpec
from tests.study.pretend.small_study import SMALL_SPACE, make_spec

DATA = {"source": "recall", "recall": {"n_texts": 400, "length": 10, "distance": 2, "alphabet": 4}}


def make_timer(epoch_s: float | None) -> Any:
    """A timer by whose times an epoch of any setting takes so long, or as long as is guessed."""

    def timer(spec: StudySpec, settings: Any, **_: Any) -> tuple[list[Timing], float]:
        timings = [
            Timing(
                params=dict(params),
                start_s=1.0,
                restart_s=0.1,
                step_s=guess_text_s(params, has_own_model=False) * 64 if epoch_s is None else epoch_s / 100.0,
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


def price(epoch_s: float = 100.0, n_workers: int = 2, **changes: Any) -> Price:
    return price_study(make_spec(data=DATA, **changes), n_workers=n_workers, timer=make_timer(epoch_s))


def test_a_grid_costs_its_epochs_over_its_slots() -> None:
    one, three = price(n_workers=1), price(n_workers=3)

    assert one.epochs_share.low == one.epochs_share.high == 1.0
    # Six settings of three epochs each; what surrounds them is the same.
    assert one.seconds.middle - three.seconds.middle == pytest.approx(
        2 / 3 * (one.seconds.middle - 6.5), rel=0.02
    )
    assert one.seconds.low <= one.seconds.middle <= one.seconds.high


def test_a_scheduler_makes_a_study_cheaper() -> None:
    search = {"kind": "search", "trials": 12, "grace_period_epochs": 1}
    stopped = price(design=search)
    full = price(design=search | {"scheduler": "none"})

    assert stopped.epochs_share.middle < 0.9
    assert stopped.seconds.middle < full.seconds.middle


def test_a_search_that_begins_with_large_settings_is_dearer() -> None:
    space = SMALL_SPACE | {"sequence_length": {"low": 1, "high": 512, "log": True}}
    design = {"kind": "search", "trials": 6, "scheduler": "none"}
    prices, begins = [], []
    for seed in range(4):
        spec = make_spec(data=DATA, space=space, design=design, seed=seed)
        begins.append(
            sum(guess_text_s(params, has_own_model=False) for params in ask_first_settings(spec, 2))
        )
        prices.append(price_study(spec, n_workers=2, timer=make_timer(None)).seconds.middle)

    assert max(begins) > 2 * min(begins)
    assert np.argmax(prices) == np.argmax(begins)
    assert np.argmin(prices) == np.argmin(begins)


def test_more_workers_need_more_memory_and_more_seeds_more_disk() -> None:
    assert price(n_workers=4).memory_bytes.low - price(n_workers=2).memory_bytes.low > 2 * 5e8
    assert price(seeds=3).disk_bytes.middle > price(seeds=1).disk_bytes.middle


def test_a_study_without_workers_is_refused() -> None:
    with pytest.raises(StudyError, match="--workers=0"):
        price(n_workers=0)


def test_a_price_is_printed_with_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    print_price(Console(highlight=False, width=200), make_spec(), price())

    said = capsys.readouterr().out
    assert "6 settings timed" in said
    assert "nine times out of ten" in said
    assert "with 2 runs at once" in said
    assert "MB while it runs" in said


def test_no_study_is_expected_to_take_more_than_it_may() -> None:
    priced = price(seeds=3)

    assert priced.most_disk_bytes is not None
    assert priced.disk_bytes.high < priced.most_disk_bytes


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
import sys
from study.search.first_settings import ask_first_settings
from study.forecast.pricing import price_study
from tests.study.pretend.small_study import SMALL_SPACE, make_spec
from tests.study.forecast.test_pricing import DATA
price = price_study(make_spec(data=DATA), n_workers=1, probe_s=1.0)
assert 0.0 < price.seconds.low <= price.seconds.high < 600.0, price
print([name for name in ("ray", "tensorflow", "keras") if name in sys.modules], price.n_timed > 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] True"

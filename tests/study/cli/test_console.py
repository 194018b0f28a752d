from __future__ import annotations

import io

import pytest
from rich.console import Console

from study.cli.console import ConsoleListener, say_rest
from study.forecast.costs import Estimate
from study.forecast.time_left import Backlog
from study.machine.capacity import Capacity
from study.trial import Assignment, EpochFigures, Report
from tests.study.pretend.small_study import make_spec


def make_report(epoch: int, wall_s: float) -> Report:
    figures = EpochFigures(
        epoch=epoch,
        train_loss=0.5,
        train_accuracy=0.8,
        val_loss=0.6,
        val_accuracy=0.7,
        learning_rate=1e-3,
        epoch_s=10.0,
    )
    return Report(state="running", figures=figures, score=0.7, best_epoch=1, wall_s=wall_s)


@pytest.mark.parametrize(("rays_start_s", "said"), [(1.0, "2.1 min"), (40.0, "2.7 min")])
def test_the_line_of_a_trial_that_ended_says_how_much_is_left(rays_start_s: float, said: str) -> None:
    now_s = [-rays_start_s]
    printed = io.StringIO()
    spec = make_spec()
    listener = ConsoleListener(Console(file=printed, width=200), spec, clock=lambda: now_s[0])
    params = dict((spec.design.plan(spec.space, spec.seed) or [])[0])
    backlog = Backlog(
        spec=spec, n_trials=6, n_seeds=1, n_ended=2, waiting=[params] * 4, may_stop=False, n_slots=2
    )
    listener.on_stage("starting Ray")
    now_s[0] = 0.0
    listener.on_plan(backlog, Capacity(cpus=2, gpus=0.0, nodes=1))
    assignment = Assignment(trial=2, replicate=1, attempt=1, seed=0, params=params)

    listener.on_start(assignment)
    for epoch, state in ((1, "running"), (2, "running"), (3, "completed")):
        now_s[0] = 20.0 * epoch
        listener.on_report(assignment, make_report(epoch, now_s[0]), state)

    # Three runs of a minute are left for two slots, and the report: four seconds, or as long as Ray's start.
    last = printed.getvalue().splitlines()[-1]
    assert last.split()[:2] == ["3/6", "completed"]
    assert last.endswith(f"SimpleRNN; about {said} left")


def test_limits_of_the_time_left_are_said_where_they_lie_far_apart() -> None:
    assert say_rest(Estimate(130.0, 90.0, 200.0)) == "about 2.2 min left"
    assert say_rest(Estimate(130.0, 50.0, 500.0)) == "about 2.2 min left (50 s to 8 min)"

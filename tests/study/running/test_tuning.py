from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("ray")

from study.cluster.session import START_S
from study.running.tuning import StartWatch, _explain


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def explain(tmp_path: Path, text: str) -> str:
    path = tmp_path / "error.txt"
    path.write_text(text)
    return _explain(cast("Any", SimpleNamespace(error_file=str(path))))


def test_the_reason_of_a_loss_is_the_exceptions_own_line_without_colours(tmp_path: Path) -> None:
    text = (
        "Failure # 1 (occurred at 2026-01-01)\n"
        "\x1b[36mray::TrialWorker.train()\x1b[39m (pid=1, ip=127.0.0.1)\n"
        '  File "worker.py", line 1, in step\nTypeError: Cannot convert 0.1 to EagerTensor of dtype half\n'
    )
    assert (
        explain(tmp_path, text)
        == "the worker was lost: TypeError: Cannot convert 0.1 to EagerTensor of dtype half"
    )


def test_the_reason_of_a_dead_worker_is_what_ray_says_first(tmp_path: Path) -> None:
    text = "Failure # 1\nThe actor died unexpectedly before finishing this task.\n\tclass_name: TrialWorker\n"
    assert explain(tmp_path, text).endswith("The actor died unexpectedly before finishing this task.")


def test_a_run_that_has_room_and_no_worker_is_late_once_the_limit_passes() -> None:
    clock = Clock()
    watch = StartWatch(lambda: 2, START_S, clock)
    assert not watch.is_late(1, 1)
    clock.now_s = START_S
    assert not watch.is_late(1, 1)
    clock.now_s = START_S + 1
    assert watch.is_late(1, 1)


@pytest.mark.parametrize(("n_waiting", "n_running", "n_slots"), [(0, 2, 2), (1, 2, 2), (1, 0, 0)])
def test_nothing_is_late_where_nothing_waits_or_nothing_has_room(
    n_waiting: int, n_running: int, n_slots: int
) -> None:
    clock = Clock()
    watch = StartWatch(lambda: n_slots, START_S, clock)
    assert not watch.is_late(n_waiting, n_running)
    clock.now_s = 10 * START_S
    assert not watch.is_late(n_waiting, n_running)


def test_whoever_was_heard_of_gives_the_others_time_again() -> None:
    clock = Clock()
    watch = StartWatch(lambda: 2, START_S, clock)
    assert not watch.is_late(1, 1)
    clock.now_s = START_S + 1
    watch.note()
    assert not watch.is_late(1, 1)

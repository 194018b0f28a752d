from __future__ import annotations

import pytest

from study.errors import StudyError
from study.machine.capacity import Capacity, check_resources


def test_what_can_never_be_placed_is_refused() -> None:
    with pytest.raises(StudyError, match=r"gpus_per_trial=0.5, there are 0"):
        check_resources(Capacity(cpus=4, gpus=0, nodes=1), cpus_per_trial=1, gpus_per_trial=0.5)


def test_a_share_of_a_gpu_lets_that_many_trials_run() -> None:
    assert Capacity(cpus=16, gpus=1, nodes=1).slots(1, 0.1) == 10


def test_a_trial_that_asks_for_more_cpus_than_there_are_is_refused() -> None:
    with pytest.raises(StudyError, match=r"cpus_per_trial=8, there are 4; lower it or join"):
        check_resources(Capacity(cpus=4, gpus=0, nodes=1), cpus_per_trial=8, gpus_per_trial=0.0)

"""What Tune keeps of trials that ended, to write it into snapshots that we do without: dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController

N_KEPT = 64
"""Trials, of those that ended, that are kept: word of the last ones may still come."""


def drop_remains(controller: TuneController) -> None:
    """Let Tune forget all but the last trials that ended, so that memory does not grow with their number.

    To be called between two of Tune's events. Tune has no other way (2.60): it keeps each trial with its
    configuration, and what was to be sent to each worker that it called off.
    """
    trials = controller._trials
    if len(trials) <= 2 * N_KEPT:
        return
    ended = [t for t in trials if t.is_finished() and t not in controller._trial_to_actor]
    old = set(ended[:-N_KEPT])
    trials[:] = [trial for trial in trials if trial not in old]
    for kept in (
        controller._live_trials,  # with those that failed
        controller._stopped_trials,
        controller._failed_trials,
        controller._trials_to_cache,
    ):
        kept.difference_update(old)
    workers = controller._actor_manager
    unsent = workers._pending_actors_to_enqueued_actor_tasks
    for worker in unsent.keys() - workers._pending_actors_to_attrs.keys():
        del unsent[worker]

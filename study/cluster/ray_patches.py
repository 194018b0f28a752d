"""What Ray and Tune do otherwise while they start, and while a study runs.

This goes past what Ray promises, by its `private_apis`. What a release does not have, or calls otherwise, is
left alone: that release does as it would by itself.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from study.cluster import private_apis
from study.cluster.start_guard import Guard

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController

N_KEPT = 64
"""Trials, of those that ended, that Tune keeps: word of the last ones may still come."""

_PATIENCE_S = 30.0
_ASK_EVERY_S = 0.02


def read_environment() -> None:
    """Let Ray's C++ read its settings again: it did when it was imported, perhaps before they were there."""
    config = private_apis.SETTINGS.home
    if config is not None:
        config.initialize("")


@contextmanager
def signals_kept() -> Iterator[None]:
    """Keep signals ours while Ray starts, and from the processes that it starts.

    Ray has a handler of its own for SIGTERM, which would raise wherever it finds the main thread. And who
    sends SIGTERM to our group would end Ray beside us: its C++ then ends this process with status 1, a tenth
    of a second later and past all of our code. So what Ray starts is in groups of its own, and ours to end.
    """
    services = private_apis.PROCESSES.home
    popen = None if services is None else functools.partial(services.ConsolePopen, process_group=0)
    with _replaced((private_apis.HANDLER, lambda handler: None), (private_apis.PROCESSES, popen)):
        yield


@contextmanager
def local_start(guard: Guard, *, on_loopback: bool) -> Iterator[None]:
    """Let Ray start what a machine alone needs: no API server, no autoscaler and no reader of log files.

    Without its dashboard the first is there for statistics of usage, which we switch off; a cluster of one
    machine does not grow; and no line of a worker is sent to the driver. Ray waits for the first to be up
    when it starts, and for all when it ends.

    Args:
        guard: Hears of the processes.
        on_loopback: Whether it is to listen on 127.0.0.1 alone. Ray reads that from its environment when it
            is imported, perhaps by a session that joined a cluster; so it stays for the next that starts.
    """
    constants = private_apis.LOOPBACK.home
    if on_loopback and constants is not None:
        constants.ENABLE_RAY_CLUSTER = False
    replacements: list[tuple[private_apis.PrivateApi, Any]] = [
        (service, _start_nothing)
        for service in (private_apis.API_SERVER, private_apis.AUTOSCALER, private_apis.LOG_MONITOR)
    ]
    if private_apis.are_there(*private_apis.NODE_LOOKUP):
        get_node = private_apis.NODE_LOOKUP[0].home.get_node
        replacements.append((private_apis.NODE_LOOKUP[0], functools.partial(_await_node, get_node)))
    services = private_apis.PROCESSES.home
    if services is not None:
        replacements.append((private_apis.PROCESSES, functools.partial(guard.start, services.ConsolePopen)))
    with _replaced(*replacements):
        yield


@contextmanager
def lean_tune() -> Iterator[None]:
    """Let Tune bear workers that are killed for memory, take those that are ready, and forget what ended.

    Nor does it load other trackers, a second of MLflow's say, to count how many of them are called.
    """
    replacements: list[tuple[private_apis.PrivateApi, Any]] = [
        (private_apis.KILLED_FOR_MEMORY, EvictedError),
        (private_apis.USAGE, lambda callbacks: False),
    ]
    if private_apis.are_there(*private_apis.ACTOR_CACHE):
        replacements.append((private_apis.ACTOR_CACHE[0], _PlainActors))
    if private_apis.are_there(*private_apis.TRIALS_HELD):
        end_step = private_apis.TRIALS_HELD[0].home.on_step_end

        def end_and_forget(self: TuneController) -> None:
            end_step(self)
            drop_ended_trials(self)

        replacements.append((private_apis.TRIALS_HELD[0], end_and_forget))
    with _replaced(*replacements):
        yield


@contextmanager
def _replaced(*replacements: tuple[private_apis.PrivateApi, Any]) -> Iterator[None]:
    """Put values in the place of what is reached for, where that is there."""
    with ExitStack() as restored:
        for api, value in replacements:
            home = api.home
            if home is not None:
                restored.callback(setattr, home, api.name, getattr(home, api.name))
                setattr(home, api.name, value)
        yield


def _start_nothing(node: Any, *_: Any, **__: Any) -> None:
    """Nothing: see `local_start`."""


def _await_node(get_node: Callable[[str, str], Any], gcs_address: str, node_id: str) -> Any:
    """Return what the head knows of a node, once it knows it: Ray itself asks again after a second."""
    _, state_class, _, options = (api.home for api in private_apis.NODE_LOOKUP)
    state = state_class()
    state._initialize_global_state(options._get_gcs_client_options(gcs_address))
    deadline = time.monotonic() + _PATIENCE_S
    while all(row["NodeID"] != node_id for row in state.node_table()) and time.monotonic() < deadline:
        time.sleep(_ASK_EVERY_S)
    return get_node(gcs_address, node_id)


class EvictedError(OutOfMemoryError, RayActorError):  # type: ignore[misc]
    """Ray's memory monitor killed a worker, before the machine had no memory left.

    Tune hears that an actor is lost by `RayActorError`, which Ray's own error for an actor killed for memory
    is not: it would end with all its trials.
    """

    def __init__(self, message: str) -> None:
        RayActorError.__init__(self, error_msg=message)
        self.message = message


class _PlainActors:
    """Gives Tune's controller actor classes without an environment of their own.

    Tune passes on the variables of other frameworks, PyTorch Lightning's and the cloud's, which our workers
    never read. An actor with variables of its own gets a new process, which an agent of Ray's prepares; the
    workers that Ray has started by then are thrown away.
    """

    def __init__(self) -> None:
        self._actors: dict[type, Any] = {}

    def get(self, trainable: type) -> Any:
        """Return the actor class of a trainable, the same whenever asked."""
        if trainable not in self._actors:
            self._actors[trainable] = ray.remote(trainable)
        return self._actors[trainable]


def drop_ended_trials(controller: TuneController) -> None:
    """Let Tune forget all but the last trials that ended, so that memory does not grow with their number.

    To be called between two of Tune's events. It keeps each trial with its configuration, and what was to be
    sent to each worker that it called off, to write snapshots that we do without.
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

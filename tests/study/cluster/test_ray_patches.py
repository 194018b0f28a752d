from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ray._private import ray_constants, serialization, services, utils
from ray._private.node import Node
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.train._internal.storage import StorageContext
from ray.tune.execution import tune_controller
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.search import BasicVariantGenerator

from study.cluster.ray_patches import N_KEPT, drop_ended_trials, lean_tune, local_start, signals_kept
from study.cluster.start_guard import Guard

SERVICES = ("start_api_server", "start_monitor", "start_log_monitor")

PROCESSES = """
import psutil
from study.cluster.session import ray_session
with ray_session():
    for child in psutil.Process().children():
        print(*child.cmdline())
"""


def test_services_are_left_out_for_as_long_as_it_lasts(guard: Guard) -> None:
    originals = [getattr(Node, name) for name in SERVICES]

    with local_start(guard, on_loopback=False):
        assert not {getattr(Node, name) for name in SERVICES} & set(originals)

    assert [getattr(Node, name) for name in SERVICES] == originals


def test_what_was_replaced_comes_back_after_an_error() -> None:
    popen, handler = services.ConsolePopen, utils.set_sigterm_handler

    with pytest.raises(ZeroDivisionError), signals_kept():
        assert services.ConsolePopen is not popen
        1 / 0  # noqa: B018 - stands for what may go wrong while Ray starts

    assert (services.ConsolePopen, utils.set_sigterm_handler) == (popen, handler)


def test_a_service_that_another_ray_does_not_know_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, guard: Guard
) -> None:
    monkeypatch.delattr(Node, "start_monitor")

    with local_start(guard, on_loopback=False):
        assert not hasattr(Node, "start_monitor")

    assert not hasattr(Node, "start_monitor")


def test_a_ray_that_was_imported_to_join_a_cluster_can_keep_to_this_machine(
    monkeypatch: pytest.MonkeyPatch, guard: Guard
) -> None:
    monkeypatch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", True)

    with local_start(guard, on_loopback=True):
        assert ray_constants.ENABLE_RAY_CLUSTER is False


class GrowingState:
    """Stands for what a head knows of its nodes: one more each time it is asked."""

    n_asked = 0

    def _initialize_global_state(self, gcs_options: object) -> None:
        """Nothing: there is no head."""

    def node_table(self) -> list[dict[str, str]]:
        GrowingState.n_asked += 1
        return [{"NodeID": f"node {number}"} for number in range(GrowingState.n_asked)]


def test_a_node_is_looked_up_as_soon_as_the_head_knows_it(
    monkeypatch: pytest.MonkeyPatch, guard: Guard
) -> None:
    monkeypatch.setattr("ray._private.state.GlobalState", GrowingState)
    monkeypatch.setattr(services, "get_node", lambda gcs_address, node_id: node_id)
    monkeypatch.setattr(services, "_get_gcs_client_options", lambda gcs_server_address: None)

    with local_start(guard, on_loopback=False):
        assert services.get_node("head:1", "node 2") == "node 2"
    assert GrowingState.n_asked == 3


@pytest.mark.slow
def test_a_local_ray_starts_no_process_that_nobody_asks() -> None:
    told = subprocess.run([sys.executable, "-c", PROCESSES], capture_output=True, text=True, check=True)

    assert "raylet" in told.stdout
    assert "dashboard.py" not in told.stdout
    assert "monitor.py" not in told.stdout


def test_a_worker_that_is_killed_for_memory_counts_as_lost_and_as_out_of_memory() -> None:
    with lean_tune():
        error = serialization.OutOfMemoryError("low on memory")

    assert isinstance(error, RayActorError)
    assert isinstance(error, OutOfMemoryError)
    assert "low on memory" in str(error)
    assert serialization.OutOfMemoryError is OutOfMemoryError


class Trainee:
    """Stands for a trainable."""


def test_an_actor_of_tunes_has_no_environment_of_its_own() -> None:
    with lean_tune():
        actors = tune_controller._ActorClassCache()
        actor = actors.get(Trainee)
        assert actors.get(Trainee) is actor
    assert not actor._default_options.get("runtime_env")


def test_tunes_own_actors_come_back() -> None:
    original = tune_controller._ActorClassCache
    with lean_tune():
        assert tune_controller._ActorClassCache is not original
    assert tune_controller._ActorClassCache is original


@pytest.fixture
def controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TuneController:
    """Tune's loop, which has not begun."""
    monkeypatch.setenv("TUNE_MAX_PENDING_TRIALS_PG", "4")  # or it asks a Ray that does not run
    return TuneController(search_alg=BasicVariantGenerator(), storage=StorageContext(str(tmp_path), "tune"))


def end_trials(controller: TuneController, n_trials: int) -> list[Trial]:
    trials = [Trial("stub", trial_id=f"t{number}", stub=True) for number in range(n_trials)]
    for number, trial in enumerate(trials):
        trial.set_status(Trial.ERROR if number % 3 == 0 else Trial.TERMINATED)
        controller.add_trial(trial)
    return trials


def held(controller: TuneController) -> set[Trial]:
    """All trials that Tune holds somewhere."""
    everything = vars(controller).values()
    return {
        t for kept in everything if isinstance(kept, list | set | dict) for t in kept if isinstance(t, Trial)
    }


def test_tune_forgets_all_but_the_last_trials_that_ended_at_the_end_of_each_step(
    controller: TuneController,
) -> None:
    trials = end_trials(controller, 3 * N_KEPT)

    controller.on_step_end()
    assert held(controller) == set(trials)
    with lean_tune():
        controller.on_step_end()

    assert held(controller) == set(trials[-N_KEPT:])


def test_what_waits_runs_or_has_its_worker_still_is_not_forgotten(controller: TuneController) -> None:
    waiting, beside_worker, *_ = trials = end_trials(controller, 3 * N_KEPT)
    controller._set_trial_status(waiting, Trial.PENDING)
    controller._trial_to_actor[beside_worker] = object()

    drop_ended_trials(controller)

    assert held(controller) == {waiting, beside_worker, *trials[-N_KEPT:]}


LOADED = """
import sys
import ray
from ray.tune import Callback
from ray.air._internal import usage
from study.cluster.ray_patches import lean_tune
with lean_tune():
    usage.tag_callbacks([Callback()])
print([name for name in ("mlflow", "wandb", "comet_ml") if name in sys.modules])
"""


@pytest.mark.slow
def test_tune_loads_no_tracker_to_count_that_it_is_not_used() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"

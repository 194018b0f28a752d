"""What a study changes in Ray beyond what Ray promises: each asked for at the start, and done without.

A release of Ray's that lacks one, or calls it otherwise, is left as it is there: slower, and `study doctor`
says in what.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from analysis.records.provenance import installed_version
from study.errors import EnvironmentFaultError

OLDEST_RAY = (2, 52)
"""The first release that can ask for a token."""

NEWEST_RAY = (2, 60)
"""The newest release with which the tests were run."""


@dataclass(frozen=True, kw_only=True)
class PrivateApi:
    """One private name of Ray's.

    Attributes:
        owner: The module, or `module:Class`, that has it.
        name: What it is called there.
        takes: The parameters that it must have, in order; None where it is not called by us or in our place.
        holds: Attributes that it must set, where it is a constructor.
        without: What is so in a study where it is not there.
    """

    owner: str
    name: str
    takes: tuple[str, ...] | None = None
    holds: tuple[str, ...] = ()
    without: str

    @property
    def home(self) -> Any:
        """The object that has it; None where it is not there, or not as expected."""
        module, _, class_ = self.owner.partition(":")
        try:
            home: Any = importlib.import_module(module)
            home = getattr(home, class_) if class_ else home
            found = getattr(home, self.name)
            if self.takes is not None and tuple(inspect.signature(found).parameters) != self.takes:
                return None
            if not set(self.holds) <= set(found.__code__.co_names if self.holds else ()):
                return None
        except (ImportError, AttributeError, TypeError, ValueError):
            return None
        return home


def are_there(*apis: PrivateApi) -> bool:
    """Whether all of these are there, where none is of use without the others."""
    return all(api.home is not None for api in apis)


HANDLER = PrivateApi(
    owner="ray._private.utils",
    name="set_sigterm_handler",
    takes=("sigterm_handler",),
    without="SIGTERM may end a study while Ray starts",
)
PROCESSES = PrivateApi(
    owner="ray._private.services",
    name="ConsolePopen",
    without="a signal to the whole group may end Ray before its study, with status 1",
)
API_SERVER, AUTOSCALER, LOG_MONITOR = (
    PrivateApi(owner="ray._private.node:Node", name=name, without="a local Ray starts and ends later")
    for name in ("start_api_server", "start_monitor", "start_log_monitor")
)
LOOPBACK = PrivateApi(
    owner="ray._private.ray_constants",
    name="ENABLE_RAY_CLUSTER",
    without="a local Ray that follows on a cluster in one process listens on every interface",
)
SETTINGS = PrivateApi(
    owner="ray._raylet:Config",
    name="initialize",
    without="what is set after Ray was imported is not read, and a local Ray starts later",
)
DRIVER_PATHS = PrivateApi(
    owner="ray.job_config:JobConfig",
    name="__init__",
    holds=("_py_driver_sys_path",),
    without="workers look for modules in the working folder first",
)
KILLED_FOR_MEMORY = PrivateApi(
    owner="ray._private.serialization",
    name="OutOfMemoryError",
    takes=("message",),
    without="a worker that Ray kills for memory ends the leg, which can be resumed",
)

_LATER = "a local Ray starts a second later"
_STATE = "ray._private.state:GlobalState"
NODE_LOOKUP = (
    PrivateApi(
        owner="ray._private.services", name="get_node", takes=("gcs_address", "node_id"), without=_LATER
    ),
    PrivateApi(owner=_STATE, name="_initialize_global_state", takes=("self", "gcs_options"), without=_LATER),
    PrivateApi(owner=_STATE, name="node_table", takes=("self",), without=_LATER),
    PrivateApi(
        owner="ray._private.services",
        name="_get_gcs_client_options",
        takes=("gcs_server_address",),
        without=_LATER,
    ),
)
"""The first is replaced, the others are called."""

_TUNE = "ray.tune.execution.tune_controller"
_STARTS = "workers start one after the other, each in a new process"
ACTOR_CACHE = (
    PrivateApi(owner=_TUNE, name="_ActorClassCache", takes=(), without=_STARTS),
    PrivateApi(
        owner=f"{_TUNE}:_ActorClassCache", name="get", takes=("self", "trainable_cls"), without=_STARTS
    ),
)
"""The first is replaced by a class that has the second."""
USAGE = PrivateApi(
    owner="ray.air._internal.usage",
    name="tag_callbacks",
    takes=("callbacks",),
    without="a study loads MLflow, W&B and Comet where they are installed, for statistics that are off",
)

_GROWS = "Tune's memory grows with the number of trials"
TRIALS_HELD = (
    PrivateApi(owner=f"{_TUNE}:TuneController", name="on_step_end", takes=("self",), without=_GROWS),
    PrivateApi(
        owner=f"{_TUNE}:TuneController",
        name="__init__",
        holds=(
            "_trials",
            "_trial_to_actor",
            "_live_trials",
            "_stopped_trials",
            "_failed_trials",
            "_trials_to_cache",
            "_actor_manager",
        ),
        without=_GROWS,
    ),
    PrivateApi(
        owner="ray.air.execution._internal.actor_manager:RayActorManager",
        name="__init__",
        holds=("_pending_actors_to_enqueued_actor_tasks", "_pending_actors_to_attrs"),
        without=_GROWS,
    ),
)
"""The first is replaced; what the others hold is dropped."""

PRIVATE_APIS = (
    HANDLER,
    PROCESSES,
    API_SERVER,
    AUTOSCALER,
    LOG_MONITOR,
    LOOPBACK,
    SETTINGS,
    DRIVER_PATHS,
    KILLED_FOR_MEMORY,
    *NODE_LOOKUP,
    *ACTOR_CACHE,
    USAGE,
    *TRIALS_HELD,
)


def check_release() -> None:
    """Refuse a Ray that cannot ask for a token.

    Raises:
        EnvironmentFaultError: If the one that is installed is older.
    """
    found = installed_version("ray")
    if found is not None and release_of(found) < OLDEST_RAY:
        raise EnvironmentFaultError(
            f"a study needs Ray {OLDEST_RAY[0]}.{OLDEST_RAY[1]} or newer, the first that asks for a token: "
            f"{found} is installed, in which whoever reaches a port runs code; "
            'pip install "recurrent-study[run]"'
        )


def release_of(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in version.split(".")[:2])


def missing_apis() -> Iterator[tuple[str, str]]:
    """What the Ray that is installed lacks: its name, and what is so without it."""
    for api in PRIVATE_APIS:
        if api.home is None:
            yield f"{api.owner.replace(':', '.')}.{api.name}", api.without

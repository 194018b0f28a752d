"""Ray, started or joined: never without a token, never with more doors open than it needs."""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from analysis.garbage import no_collection
from study.cluster.private_apis import check_release
from study.cluster.ray_watch import await_answer, rays_share
from study.cluster.start_guard import guard_start
from study.errors import EnvironmentFaultError, StudyError
from study.machine.capacity import Capacity, count_cpus
from study.machine.interpreter import mend_environment
from study.machine.preflight import check_environment
from study.machine.processes import end_local_ray

TOKEN_FILE = Path("~/.ray/auth_token")
OBJECT_STORE_BYTES = 512 * 2**20
"""Enough for the encoded texts, which is all that travels through the object store."""

START_S = 120.0
"""So long Ray may take to start or to answer, and a worker to start: four seconds on an idle machine, half a
minute on a busy one.
"""

SHARED_START_S = 300.0
"""So long a worker may take on a cluster that was joined: others may have taken its room."""

HEAD_S = 10.0
"""So long a head that was named by host and port may take to answer: it may be starting beside the study."""

N_STARTS = 2
"""A process of Ray's that is lost while a local Ray starts costs a second start, and not yet the study."""

SETTINGS = {
    # Nothing is reported to anybody, and Tune's own snapshots, which we never read, cost nothing.
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    # Workers start beside each other, not one after the other; how many runs wait is ours to say.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # what is printed is ours to say
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # a lost worker is recorded with its reason
    # Ctrl-C is ours to handle: Tune would write a snapshot first.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}
"""What Ray and Tune read from the environment, where the user has not set it."""

SETTINGS_HERE = {
    # Made for other systems, this keeps all of a local Ray on 127.0.0.1 on Linux too, where its ports would
    # listen on every interface.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # No history of calls is kept, up to a hundred thousand of them, for a dashboard that is not there.
    "RAY_task_events_report_interval_ms": "0",
    # Where Ray's dashboard package is installed, a port would serve figures of Ray's to anybody here.
    "RAY_enable_metrics_collection": "0",
    # A process that is not there yet is asked again soon, not a whole second later; for ten, as ever.
    "RAY_raylet_client_connect_timeout_milliseconds": "50",
    "RAY_raylet_client_num_connect_attempts": "200",
    # Workers run in this process's environment as it is. After `uv run`, which Ray looks for among all
    # parents of this process, it would pack the working folder, texts and all, and start workers by uv.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Its workers load what their first run needs before they are asked for it.
    "RAY_preload_python_modules": "ray.tune",
    # By itself Ray (2.60) lets a driver in when its first workers have come: it waits with the interpreter's
    # lock held, for ever where one was killed, and ends the process with status 1 where the raylet was.
    "RAY_prestart_worker_first_driver": "0",
}
"""The same, for a Ray of this machine."""


def measure_capacity() -> Capacity:
    """Return what the cluster that this process has joined has now: nodes come and go."""
    import ray

    total = ray.cluster_resources()
    return Capacity(int(total.get("CPU", 0)), total.get("GPU", 0.0), sum(n["Alive"] for n in ray.nodes()))


def check_address(address: str | None) -> None:
    """Refuse to train through Ray Client, or in a process that has started or joined Ray already.

    By a client Tune would run as a task of the cluster, away from the study's files, to which each report is
    committed. And a session of the caller's own would be ended with ours.

    Raises:
        StudyError: If that is what the address asks for, or Ray is there.
        EnvironmentFaultError: As in `check_head`.
    """
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        raise StudyError(
            "a study starts or joins Ray by itself: this process has a session of Ray's already; call "
            "ray.shutdown() first, and name a cluster by its address"
        )
    if address is not None and address.startswith("ray://"):
        raise StudyError(
            f"a study is driven from a node of its cluster: {address} is reached through Ray Client; "
            "use `study submit`, or run it on a node with --address auto"
        )
    check_head(address)


def check_head(address: str | None) -> None:
    """Refuse a host and port at which no head answers, where Ray would end the whole process in a minute.

    Raises:
        EnvironmentFaultError: If that is what the address names, by itself or as `auto` by RAY_ADDRESS.
    """
    named = os.environ.get("RAY_ADDRESS") or address if address == "auto" else address
    if named is None or not re.fullmatch(r"(\[[^\]]+\]|[^:/\[\]]+):\d+", named):
        return
    if not await_answer(named, HEAD_S):
        raise EnvironmentFaultError(
            f"a study joins a Ray cluster whose head answers: {named} does not within {HEAD_S:.0f} s; see "
            "`ray status` there, or leave the address out to run on this machine"
        )


def token_path() -> Path:
    """Return where Ray looks for the token of this user."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH", TOKEN_FILE)).expanduser()


def ensure_token() -> None:
    """Turn Ray's token authentication on, with a token that only its owner reads.

    Whoever reaches a port of Ray's runs code here (CVE-2023-48022); Ray turns the token on by itself for a
    new local cluster only, and writes its file readable by all. Whoever has set RAY_AUTH_MODE has decided,
    and is left alone.
    """
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if os.environ["RAY_AUTH_MODE"] != "token" or "RAY_AUTH_TOKEN" in os.environ:
        return
    path = token_path()
    check_environment(is_local=False, token=path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whole before it has its name: another study that starts now finds no token or all of it.
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".auth_token-", dir=path.parent)  # its mode is 0600
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_hex(32))
            os.link(temporary, path)
        finally:
            Path(temporary).unlink()
    except FileExistsError:
        with suppress(PermissionError):  # a secret that somebody mounted here, for us to read
            path.chmod(0o600)
    except OSError as error:
        raise EnvironmentFaultError(
            f"Ray's token: it lies in {path}: {error.strerror}; set RAY_AUTH_TOKEN_PATH to a file in a "
            "folder of your own"
        ) from error


def tokens_file() -> Path | None:
    """Return the file that Ray's token lies in, None where none is asked for or it is given otherwise."""
    asked = os.environ.get("RAY_AUTH_MODE", "token") == "token" and "RAY_AUTH_TOKEN" not in os.environ
    return token_path() if asked else None


@contextmanager
def ray_session(
    address: str | None = None, meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Capacity]:
    """Start Ray on this machine, or join the cluster at `address`; leave it at the end.

    Args:
        address: The cluster's.
        meanwhile: Called when Ray is loaded and about to start, which is waiting for the most part: what it
            begins on other threads costs no time.

    Raises:
        EnvironmentFaultError: If it cannot be started or joined.
    """
    check_environment(is_local=address is None, token=tokens_file())
    check_head(address)
    with _process_kept():
        # In a notebook Ray asks for widgets when it is imported; we show none.
        logging.getLogger("ray.widgets").setLevel(logging.CRITICAL)
        check_release()
        options = _make_ready(address)
        import ray

        from study.cluster.ray_patches import local_start, read_environment, signals_kept

        read_environment()
        meanwhile()

        def start() -> Capacity:
            on_loopback = os.environ.get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER") == "0"
            # It may wait for a process that was killed while it started, without end.
            rule = f"Ray must start or be reached within {START_S:.0f} s: it does not answer"
            with (
                _quick_turns(),
                signals_kept(),
                guard_start(START_S, rays_share(), rule) as guard,
                local_start(guard, on_loopback=on_loopback) if address is None else nullcontext(),
            ):
                ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
                return measure_capacity()

        n_starts = N_STARTS if address is None else 1
        while True:
            try:
                n_starts -= 1
                capacity = start()
                break
            except Exception as error:  # of any kind, a bare Exception among them
                _leave_ray()
                if n_starts:
                    continue
                raise EnvironmentFaultError(
                    f"Ray must start or be reached: {address or 'this machine'}: {_explain(error)}; "
                    "check address and token, see `study doctor`"
                ) from error
        # It complains of every trial that did not complete; each is recorded, with its reason.
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        try:
            yield capacity
        finally:
            _leave_ray()


@contextmanager
def _process_kept() -> Iterator[None]:
    """Give the caller's process back as it was: the variables that we set or delete, and Ray's loggers.

    While Ray is here its workers, what they start and a second start need them. The next session of ours sets
    them again; a Ray of the caller's own is to find theirs.
    """
    # The last is Ray's doing: breakpoint() would go on to open a debugger of Ray's.
    names = (*SETTINGS, *SETTINGS_HERE, "RAY_AUTH_MODE", "PYTHONWARNINGS", "PYTHONBREAKPOINT")
    variables = {name: os.environ.get(name) for name in names}
    levels = {name: logging.getLogger(name).level for name in ("ray.widgets", "ray.tune")}
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if "ray" in sys.modules:
            from study.cluster.ray_patches import read_environment

            read_environment()  # Ray's C++ has a copy


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Have threads give way to each other ten times as often.

    Ray starts by hundreds of short calls to the system, after each of which its thread would wait for 5 ms
    while another one imports.
    """
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(usual_s / 10)
    try:
        yield
    finally:
        sys.setswitchinterval(usual_s)


def _make_ready(address: str | None) -> dict[str, Any]:
    """Set what Ray reads when it is imported, and return the arguments of its start."""
    ensure_token()
    for name, value in (SETTINGS | (SETTINGS_HERE if address is None else {})).items():
        os.environ.setdefault(name, value)
    mend_environment()
    if address is not None:
        return {"address": address, "job_config": driver_paths()}
    return {
        "address": "local",  # by name: without it Ray joins a cluster that happens to run on this machine
        "num_cpus": count_cpus(),
        "object_store_memory": OBJECT_STORE_BYTES,
        "include_dashboard": False,
        "job_config": driver_paths(),
    }


def driver_paths() -> Any:
    """Return a configuration by which Ray's workers look for modules where this process does, in its order.

    By itself Ray (2.60) has workers look into the working folder and beside the script first: a file of the
    user's would take the place of one of ours, or of a library's, in the workers alone. The working folder,
    where a model of the user's may lie, comes last.
    """
    from ray.job_config import JobConfig

    here = str(Path.cwd())
    found = [path for path in sys.path if path and (path != here or here in _asked_for())]
    config = JobConfig()
    # A worker puts each in front of what it has: the last comes out first.
    config._py_driver_sys_path = _Fixed([here, *reversed(found)])
    return config


def _asked_for() -> set[str]:
    """The folders of modules that the user has named."""
    return {str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}


class _Fixed(list[str]):
    """A list that does not take what Ray adds to it."""

    def extend(self, more: Iterable[str]) -> None:
        """Nothing: it is whole."""


def _explain(error: BaseException) -> str:
    """Say in one line what Ray says in several: all of it where it names two versions, else its first."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines) if "version mismatch" in lines[0].lower() else lines[0]


def _leave_ray() -> None:
    import ray

    with no_collection():  # What Tune leaves refers to Ray: to collect it while Ray goes would abort.
        try:
            ray.shutdown()
        finally:
            end_local_ray()

"""What may be wrong with this machine."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from analysis.records.provenance import installed_version
from analysis.words.numbers import byte_size
from study.cli.doctor.findings import Finding
from study.cluster.private_apis import NEWEST_RAY, OLDEST_RAY, check_release, missing_apis, release_of
from study.cluster.session import OBJECT_STORE_BYTES, token_path, tokens_file
from study.errors import EnvironmentFaultError
from study.machine.capacity import count_cpus, count_memory
from study.machine.preflight import find_faults

PACKAGES = ("recurrent-study", "ray", "tensorflow", "keras", "optuna", "numpy")
"""What must be the same on all nodes: objects of these travel between them."""

FREE_BYTES = 2 * 2**30
RAYS_NICENESS = 15
"""Of Ray's workers, unless RAY_worker_niceness says otherwise."""

GPU_TIMEOUT_S = 120

_COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"


def examine_machine(out: Path) -> list[Finding]:
    """Look at this machine, and at a folder of studies on it."""
    return [
        *_examine_packages(),
        *_examine_folder("studies", out),
        *_examine_folder("temporary files", Path(tempfile.gettempdir())),
        *_examine_environment(),
        *_examine_shared_memory(),
        *_examine_ray(),
        *_examine_token(),
        *_examine_listeners(),
        *_examine_gpus(),
    ]


def _examine_packages() -> Iterator[Finding]:
    for name in PACKAGES:
        found = installed_version(name)
        if found is None:
            yield Finding("packages", "wrong", f'{name} is missing: pip install "recurrent-study[run]"')
    yield Finding(
        "packages",
        "good",
        ", ".join(
            [
                f"python {platform.python_version()}",
                *(f"{name} {installed_version(name)}" for name in PACKAGES),
            ]
        ),
    )
    has = f"{count_cpus()} CPUs, {byte_size(count_memory())} of memory"
    yield Finding("machine", "good", f"{has}, {platform.system()} {platform.machine()}")
    yield examine_load()


def examine_load() -> Finding:
    """Say what else runs here: Ray's workers come after it."""
    load = os.getloadavg()[0]
    niceness = os.environ.get("RAY_worker_niceness", str(RAYS_NICENESS))  # noqa: SIM112 - named by Ray
    text = f"{load:.1f} programs at work, on the mean of a minute; Ray starts workers at niceness {niceness}"
    if load > count_cpus() and niceness != "0":
        return Finding("load", "note", f"{text}, after all else: RAY_worker_niceness=0 makes them equal")
    return Finding("load", "good", text)


def _examine_folder(topic: str, folder: Path) -> Iterator[Finding]:
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield Finding(
            topic, "wrong", f"{existing} cannot be written: {error.strerror}; choose another folder"
        )
        return
    free = shutil.disk_usage(existing).free
    verdict: Literal["good", "note"] = "good" if free >= FREE_BYTES else "note"
    advice = "" if free >= FREE_BYTES else "; a full disk stops a study, though it can be resumed"
    yield Finding(topic, verdict, f"{byte_size(free)} free in {existing}{advice}")


def _examine_environment() -> Iterator[Finding]:
    for topic, text in find_faults(is_local=True, token=tokens_file(), n_workers=count_cpus()):
        yield Finding(topic, "wrong", text)


def _examine_shared_memory() -> Iterator[Finding]:
    shared = Path("/dev/shm")  # noqa: S108 - looked at, not written to
    if not shared.exists():
        return
    free = shutil.disk_usage(shared).free
    if free < OBJECT_STORE_BYTES:
        yield Finding(
            "shared memory",
            "note",
            f"{byte_size(free)} free in {shared}, Ray wants {byte_size(OBJECT_STORE_BYTES)}: it falls "
            "back to slow files; in a container: --shm-size=1g",
        )
    else:
        yield Finding("shared memory", "good", f"{byte_size(free)} free in {shared}")


def _examine_ray() -> Iterator[Finding]:
    """Say whether the Ray that is here is one that we know, and what it does otherwise."""
    found = installed_version("ray")
    if found is None:
        return  # said above
    try:
        check_release()
    except EnvironmentFaultError as error:
        yield Finding("Ray", "wrong", str(error))
        return
    missing = list(missing_apis())
    for name, without in missing:
        yield Finding("Ray", "note", f"{found} has no {name} as a study expects it: {without}")
    if release_of(found) > NEWEST_RAY:
        newest = ".".join(map(str, NEWEST_RAY))
        yield Finding("Ray", "note", f"{found} is newer than {newest}, with which the tests were run last")
    elif not missing:
        yield Finding("Ray", "good", f"{found} has all that a study asks of it")


def _examine_token() -> Iterator[Finding]:
    found = installed_version("ray")
    if found is not None and release_of(found) < OLDEST_RAY:
        return  # it has none, and was said to be too old
    mode = os.environ.get("RAY_AUTH_MODE", "token")
    if mode != "token":
        yield Finding(
            "token",
            "note",
            f"RAY_AUTH_MODE={mode}: whoever reaches a port of Ray's runs code here; unset it for a token",
        )
        return
    path = token_path()
    if "RAY_AUTH_TOKEN" in os.environ:
        yield Finding("token", "good", "given by RAY_AUTH_TOKEN")
    elif any(find_faults(is_local=False, token=path)):
        return  # said above
    elif not path.exists():
        yield Finding("token", "good", f"none yet; a study makes {path}, readable by you alone")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("token", "note", f"others can read {path}: chmod 600, as the next study will")
    else:
        yield Finding("token", "good", f"{path}, readable by you alone")


def _examine_listeners() -> Iterator[Finding]:
    from study.machine.processes import find_ray_sockets

    for found in find_ray_sockets():
        socket = f"{found.process} (process {found.pid}) listens on {found.address}:{found.port}"
        if found.is_loopback:
            yield Finding("ports", "good", socket)
        else:
            yield Finding(
                "ports", "note", f"{socket}: other machines reach it, and only the token keeps them out"
            )


def _examine_gpus() -> Iterator[Finding]:
    present = len(list(Path("/dev").glob("nvidia[0-9]*")))
    try:
        # A process of its own: TensorFlow takes seconds to load, and a GPU's memory for as long as it lives.
        seen = int(
            subprocess.run(  # noqa: S603 - this interpreter, with a program of our own
                [sys.executable, "-P", "-c", _COUNT_GPUS],
                capture_output=True,
                text=True,
                timeout=GPU_TIMEOUT_S,
                check=True,
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            ).stdout
        )
    except (subprocess.SubprocessError, ValueError) as error:
        yield Finding("GPUs", "wrong", f"TensorFlow does not start: {str(error).splitlines()[0]}")
        return
    if seen < present:
        yield Finding(
            "GPUs",
            "note",
            f'{present} there, TensorFlow sees {seen}: pip install "tensorflow[and-cuda]", or train on CPUs',
        )
    else:
        yield Finding("GPUs", "good", f"{seen} seen by TensorFlow" if seen else "none")


def examine_cells() -> list[Finding]:
    """Compile the time loops of the cells, or find them compiled."""
    from study.training.loops.ahead import COMMAND
    from study.training.loops.cache import cache_folder, ready_mark

    folder = cache_folder()
    if folder is None:
        return [Finding("cells", "note", "the cache cannot be written: each process compiles its own")]
    start = time.monotonic()
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode or not ready_mark(folder).exists():
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        return [Finding("cells", "wrong", f"cannot be compiled: {said}")]
    return [Finding("cells", "good", f"compiled in {folder} ({time.monotonic() - start:.0f} s)")]

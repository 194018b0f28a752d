"""A study as a Ray job: handed to a cluster, where it runs on when this machine is gone."""

from __future__ import annotations

import shlex
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.documents import dump_document
from study.cluster.archive import unpack_study
from study.cluster.private_apis import check_release
from study.cluster.session import ensure_token
from study.errors import EnvironmentFaultError, StudyError

if TYPE_CHECKING:
    from study.spec.schema import StudySpec

SPEC_FILE = "study.yaml"
ASK_EVERY_S = 2.0
N_SILENT = 15
"""So often in a row a dashboard may not answer before it is taken for lost: half a minute."""


def submit_study(spec: StudySpec, address: str, out: str) -> str:
    """Send a spec to the cluster and start it there; return the job's id.

    The cluster's nodes have the project installed already; the spec travels, and the module of a model or
    sampler of the user's that is not installed here either. Data that are named by a path must lie there,
    under the same path.

    Args:
        spec: What the study asks.
        address: The cluster's dashboard, `http://HOST:8265`; best reached through `ray attach` or ssh.
        out: Folder of studies on the head; `~`, and what is relative, lie in the home of whoever runs Ray
            there, never in the folder of the job, which Ray removes.

    Raises:
        StudyError: If the folder or the address is none.
        EnvironmentFaultError: If the dashboard cannot be reached, or its package is not installed here.
    """
    command = entrypoint(spec.name, out)
    with tempfile.TemporaryDirectory(prefix="study-submit-") as folder:
        Path(folder, SPEC_FILE).write_text(dump_document(spec.to_document()), encoding="utf-8")
        for module in carried_modules(spec):
            _copy_module(module, Path(folder))
        with _connected(address) as client:
            job: str = client.submit_job(
                entrypoint=command,
                runtime_env={"working_dir": folder},
                metadata={"study": spec.name, "out": out},
            )
    return job


def follow_job(
    job: str, address: str, show: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> int:
    """Show what a job prints until it ends; return the exit status of its study.

    Raises:
        EnvironmentFaultError: If there is no such job, the dashboard cannot be reached, or the job ended
            before the study began or with its cluster.
    """
    with _connected(address) as client:
        n_shown = n_silent = 0
        while True:
            try:
                info = client.get_job_info(job)  # before its lines: none comes after it has ended
                said = client.get_job_logs(job)
            except OSError:  # of the network between
                n_silent += 1
                if n_silent == N_SILENT:
                    raise
                sleep(ASK_EVERY_S)
                continue
            n_silent = 0
            show(said[n_shown:])
            n_shown = len(said)
            if info.status.is_terminal():
                break
            sleep(ASK_EVERY_S)
    if info.driver_exit_code is None:
        raise EnvironmentFaultError(
            f"a job ends with the status of its study: {job} is {info.status} without one: "
            f"{_first_line(info.message or 'no reason given')}; submit it again, it goes on"
        )
    return int(info.driver_exit_code)


def fetch_study(job: str, address: str, out: Path, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Bring the study of a job home, by a further job that says what lies there; return its folder.

    Args:
        job: What `submit_study` returned; it has ended.
        address: As there.
        out: Folder of studies here.
        sleep: Waits for a number of seconds.

    Raises:
        StudyError: If the job is none of `submit_study`, has not ended, or the folder exists here.
        EnvironmentFaultError: If there is no such job, the dashboard cannot be reached, or the study does not
            come whole.
    """
    with _connected(address) as client:
        info = client.get_job_info(job)
        asked = info.metadata or {}
        name = str(asked.get("study", ""))
        if "out" not in asked or Path(name).name != name:
            raise StudyError(f"a study is fetched by the job that ran it: {job} is none of `study submit`")
        if not info.status.is_terminal():
            raise StudyError(
                f"a study is fetched when its job has ended: {job} is {info.status}; study follow {job} waits"
            )
        if (out / name).exists():
            raise StudyError(f"a study is brought to a folder of its own: {out / name} exists; give --out")
        folder = f"{folder_on_head(asked['out'])}/{shlex.quote(name)}"
        parcel = client.submit_job(entrypoint=f"exec study pack {folder}", metadata={"parcel": name})
        while not (info := client.get_job_info(parcel)).status.is_terminal():
            sleep(ASK_EVERY_S / 4)
        said = client.get_job_logs(parcel)
    if info.driver_exit_code != 0:
        ours = [line for line in said.splitlines() if line.startswith("study: ")] or [info.message or "?"]
        raise EnvironmentFaultError(
            f"a study is fetched from where its job left it: {_first_line(ours[-1].removeprefix('study: '))}"
        )
    home = out / name
    unpack_study(said, home)
    return home


def entrypoint(name: str, out: str) -> str:
    """Return the command that the head's shell runs; it joins the cluster that it is part of."""
    folder = folder_on_head(out)
    run = f"study run {SPEC_FILE} --out {folder} --address auto"
    return f"echo the study lies in {folder}/{shlex.quote(name)} on $(hostname) && exec {run}"


def folder_on_head(out: str) -> str:
    """Return a folder as the head's shell is to read it: absolute there.

    Raises:
        StudyError: If it is in the home of somebody by name.
    """
    if out.startswith("/"):
        return shlex.quote(out)
    first, _, rest = out.partition("/")
    if first.startswith("~") and first != "~":
        raise StudyError(
            f"--out is a folder on the head: {out!r} is in another's home; give it from / on, or from ~/"
        )
    below = rest if first == "~" else out
    return '"$HOME"/' + shlex.quote(below) if below else '"$HOME"'


def carried_modules(spec: StudySpec) -> set[str]:
    """The top-level modules of the user's own that a spec names and that no package has installed here."""
    named = (spec.model, getattr(spec.design, "sampler", None))
    return {name.partition(":")[0].partition(".")[0] for name in named if name is not None and ":" in name}


def _copy_module(name: str, folder: Path) -> None:
    """Copy a module, or a package whole, unless it is installed: then the nodes have it installed, too."""
    found = PathFinder.find_spec(name, [*sys.path, str(Path.cwd())])
    if found is None or found.origin is None:
        return
    origin = Path(found.origin).resolve()
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib")]
    if any(origin.is_relative_to(path) for path in installed) or "site-packages" in origin.parts:
        return
    if found.submodule_search_locations:
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        shutil.copytree(origin.parent, folder / origin.parent.name, ignore=ignored)
    else:
        shutil.copy(origin, folder)


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Give a client of a cluster's dashboard, and say in one line what goes wrong with it."""
    if not address.startswith(("http://", "https://")):
        raise StudyError(f"a dashboard has a web address: {address!r} is none; give http://HOST:8265")
    check_release()
    ensure_token()
    import logging

    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    for teller in ("ray", "ray.dashboard.modules.dashboard_sdk"):
        logging.getLogger(teller).setLevel(logging.WARNING)  # of each package that travels
    try:
        yield JobSubmissionClient(address)
    except (OSError, RuntimeError, AuthenticationError) as error:
        if "ray[default]" in str(error):
            raise EnvironmentFaultError(
                "a job is handed over by Ray's dashboard package: it is not installed here; "
                'pip install "ray[default]", or on the head: study run SPEC --address auto'
            ) from error
        said = _first_line(str(error).strip() or type(error).__name__)
        raise EnvironmentFaultError(
            f"a job is handed to a cluster's dashboard: {address}: {said}; check address and token, "
            "and that the head was started with its dashboard"
        ) from error


def _first_line(text: str) -> str:
    return text.splitlines()[0]

"""A cluster of real processes on one machine: nodes that share no disk, that join and that are lost.

`python -m tests.study.scenarios.cluster FOLDER`, isolated. The head has no CPUs; each worker node sees an
empty file system where driver and head have the study. Prints what happened as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.study.pretend.programs import VERSIONS, descendants, finish, start
from tests.study.scenarios.isolation import begin

PORT = 6399
ADDRESS = f"127.0.0.1:{PORT}"
N_EPOCHS = 60
"""Of each run: three seconds."""

RAY = Path(sys.executable).with_name("ray")


def start_head(n_cpus: int) -> subprocess.Popen[bytes]:
    options = [f"--port={PORT}", f"--num-cpus={n_cpus}", "--include-dashboard=false", "--block"]
    return start_node([str(RAY), "start", "--head", *options])


def wait_for_head() -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", PORT)).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.5)
    raise TimeoutError("the head does not start")


def start_worker_node(hidden: Path, name: str = "plain", **versions: str) -> subprocess.Popen[bytes]:
    """Start a node of a name of its own, on which `hidden` is an empty file system.

    Its workers pretend to have `versions`.

    It is started again where it does not come up, as clusters do: a busy machine may be too slow for Ray.
    """
    script = (
        'hostname "$4" && mount -t tmpfs tmpfs "$1" && '
        'until "$2" start --address="$3" --num-cpus=1 --block; do :; done'
    )
    return start_node(
        ["unshare", "--mount", "--uts", "sh", "-c", script, "node", str(hidden), str(RAY), ADDRESS, name],
        os.environ | {VERSIONS: json.dumps(versions)},
    )


def start_node(command: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=nowhere, stderr=nowhere, start_new_session=True, env=environment)


def end_node(node: subprocess.Popen[bytes]) -> None:
    """End all of a node at once, as when its machine is lost."""
    # Workers have groups of their own, and where nobody buries their raylet they take it to be alive.
    everyone = descendants(node.pid)
    os.killpg(node.pid, signal.SIGKILL)
    for pid in everyone:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    node.wait()


def main() -> None:
    folder = Path(sys.argv[1])
    begin(folder)
    out = folder / "out"
    out.mkdir()
    nodes = [start_head(n_cpus=0)]
    try:
        wait_for_head()
        print(json.dumps(run(folder, out, nodes)))
    finally:
        for node in nodes:
            end_node(node)


def run(folder: Path, out: Path, nodes: list[subprocess.Popen[bytes]]) -> dict[str, object]:
    training, resources = {"max_epochs": N_EPOCHS}, {"retries": 5}
    process = start(folder, address=ADDRESS, out=out, training=training, resources=resources, seeds=2)
    assert process.stdout is not None
    said = ""
    n_heard: Counter[str] = Counter()
    n_completed = 0
    is_lost = is_stranded = False
    for line in process.stdout:
        said += line
        word, _, run_of = line.partition(" ")
        if word == "plan" or "no node is left" in line:  # while there is no node on which a trial fits
            nodes.append(start_worker_node(out))
        elif word == "running":
            n_heard[run_of] += 1
        elif word == "completed":
            del n_heard[run_of]
            n_completed += 1
            if len(nodes) == 2 and not is_lost:
                nodes.append(start_worker_node(out, "odd", numba="0.1"))
        # The first node is lost when it is in the middle of a run, and the second in another. Two nodes may
        # keep half a run apart for as long as they train: never are both then in the first half.
        if len(n_heard) == 2 and max(n_heard.values()) < N_EPOCHS * 0.8 and not is_lost:
            end_node(nodes.pop(1))
            is_lost = True
        # Later all that train are lost.
        if n_completed >= 8 and is_lost and not is_stranded:
            end_node(nodes.pop())
            is_stranded = True
    status = process.wait(timeout=60)
    assert process.stderr is not None
    errors = process.stderr.read()
    doctor = subprocess.run(
        [sys.executable, "-m", "study", "doctor", "--address", ADDRESS, "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    os.environ["RAY_AUTH_TOKEN"] = "0" * 64
    stranger = start(folder / "stranger", address=ADDRESS)
    refusal = finish(stranger, timeout_s=120)
    return {
        "status": status,
        "said": said,
        "errors": errors,
        "doctor": (doctor.returncode, doctor.stdout + doctor.stderr),
        "refusal": refusal,
    }


if __name__ == "__main__":
    main()

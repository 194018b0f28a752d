"""A cluster of real processes on one machine: nodes that share no disk, that join and that are lost.

`unshare --net --mount python -m tests.study.cluster_scenario FOLDER` runs in a network of its own, where only
loopback exists. The head has no CPUs; each worker node sees an empty file system where driver and head have
the study. Prints what happened as JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from study.cluster import ensure_token
from tests.study.pretend_programs import finish, start

PORT = 6399
ADDRESS = f"127.0.0.1:{PORT}"
RAY = Path(sys.executable).with_name("ray")


def set_loopback(*, up: bool) -> None:
    """Bring the only interface of a new network namespace up, or down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # From linux/if.h and linux/sockios.h: IFF_UP | IFF_RUNNING by SIOCSIFFLAGS.
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40 if up else 0))


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


def start_worker_node(hidden: Path) -> subprocess.Popen[bytes]:
    """Start a node on which `hidden` is an empty file system."""
    script = 'mount -t tmpfs tmpfs "$1" && exec "$2" start --address="$3" --num-cpus=1 --block'
    return start_node(["unshare", "--mount", "sh", "-c", script, "node", str(hidden), str(RAY), ADDRESS])


def start_node(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def end_node(node: subprocess.Popen[bytes]) -> None:
    os.killpg(node.pid, signal.SIGKILL)
    node.wait()


def main() -> None:
    folder = Path(sys.argv[1])
    set_loopback(up=True)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "auth_token")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ensure_token()
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
    process = start(
        folder, address=ADDRESS, out=out, training={"max_epochs": 20}, resources={"retries": 5}, seeds=2
    )
    assert process.stdout is not None
    said = process.stdout.readline()  # the plan, while there is no node on which a trial fits
    nodes.append(start_worker_node(out))
    for line in process.stdout:
        said += line
        if line.startswith("completed"):
            break
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.extend(process.stdout or ()))
    reader.start()
    nodes.append(start_worker_node(out))
    time.sleep(8)
    os.killpg(nodes[1].pid, signal.SIGKILL)
    status = process.wait(timeout=240)
    reader.join()
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
        "said": said + "".join(rest),
        "errors": errors,
        "doctor": (doctor.returncode, doctor.stdout + doctor.stderr),
        "refusal": refusal,
    }


if __name__ == "__main__":
    main()

"""A cluster started by `ray up cluster.yaml` over ssh, on one machine that the network takes for two.

`python -m tests.study.scenarios.up FOLDER`, isolated, has a network, a home and processes of its own; so has
the worker node, at the other end of a pair of virtual interfaces. Of cluster.yaml, only addresses, user and
key are replaced, and the installation by the one that runs this. Prints what happened as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from study.cluster.session import ensure_token
from study.machine.processes import find_ray_sockets
from tests.study.pretend.programs import ROOT, finish, start
from tests.study.scenarios.cluster import RAY
from tests.study.scenarios.isolation import set_loopback

HEAD, WORKER = "10.0.0.1", "10.0.0.2"
TIMEOUT_S = 120.0


def main() -> None:
    folder = Path(sys.argv[1])
    set_loopback(up=True)
    home = make_home(folder)
    servers = [start_sshd(folder, []), start_sshd(folder, ["unshare", "--net", "--mount", "--pid", "--fork"])]
    try:
        join_networks(servers[1].pid)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        ensure_token()
        for package in ("analysis", "search_spaces", "study"):
            shutil.copytree(ROOT / package, folder / "project" / package)
        config = folder / "cluster.yaml"
        config.write_text(yaml.safe_dump(rewrite_cluster(folder)))
        print(json.dumps(run(folder, config, home)))
    finally:
        for server in servers:
            server.kill()
            server.wait()


def make_home(folder: Path) -> Path:
    """Give root another home here, with a key that opens it, and hide what other Rays left."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    (home / ".bashrc").touch()
    for name in ("key", "host"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    (home / ".ssh" / "authorized_keys").write_text((folder / "key.pub").read_text())
    users = Path("/etc/passwd").read_text().splitlines()
    fields = [user.split(":") for user in users]
    for user in fields:
        user[5] = str(home) if user[0] == "root" else user[5]
    (folder / "passwd").write_text("".join(":".join(user) + "\n" for user in fields))
    Path("/tmp/ray").mkdir(exist_ok=True)  # noqa: S108 - Ray's own folder, hidden by the next line
    for mount in (["-t", "tmpfs", "tmpfs", "/tmp/ray"], ["-t", "tmpfs", "tmpfs", "/run"]):  # noqa: S108
        subprocess.run(["mount", *mount], check=True)
    subprocess.run(["mount", "--bind", str(folder / "passwd"), "/etc/passwd"], check=True)
    Path("/run/sshd").mkdir()
    (folder / "sshd_config").write_text(
        f"HostKey {folder / 'host'}\nPidFile none\nUsePAM no\nPasswordAuthentication no\n"
        f"StrictModes no\nAuthorizedKeysFile {home / '.ssh' / 'authorized_keys'}\n"
    )
    os.environ["HOME"] = str(home)
    return home


def start_sshd(folder: Path, isolation: list[str]) -> subprocess.Popen[bytes]:
    """Start an ssh server here, or on a machine of its own as far as network, processes and Ray go."""
    serve = f"exec $(command -v sshd || echo /usr/sbin/sshd) -D -e -f {folder / 'sshd_config'}"
    if isolation:
        # Its processes are not ours to stop: `ray stop` there must not see the head.
        isolation = [*isolation, "--kill-child", "--mount-proc"]
        serve = f"mount -t tmpfs tmpfs /tmp/ray && ip link set lo up && {serve}"
    return subprocess.Popen([*isolation, "sh", "-c", serve], stderr=subprocess.DEVNULL)


def join_networks(other: int) -> None:
    """Connect this network with that of process `other`."""
    ours = Path("/proc/self/ns/net").readlink()
    await_that(lambda: Path(f"/proc/{other}/ns/net").readlink() != ours)
    there = ["nsenter", "--target", str(other), "--net"]
    for prefix, name, address in (([], "here", HEAD), (there, "there", WORKER)):
        if not prefix:
            ip("link", "add", "here", "type", "veth", "peer", "name", "there")
            ip("link", "set", "there", "netns", str(other))
        ip("addr", "add", f"{address}/24", "dev", name, prefix=prefix)
        ip("link", "set", name, "up", prefix=prefix)
        ip("route", "add", "default", "dev", name, prefix=prefix)  # by it, Ray finds its own address


def ip(*words: str, prefix: list[str] | None = None) -> None:
    subprocess.run([*(prefix or []), "ip", *words], check=True)


def rewrite_cluster(folder: Path) -> dict[str, Any]:
    """Return cluster.yaml for these two machines, both of which see this installation."""
    cluster: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    cluster["provider"] |= {"head_ip": HEAD, "worker_ips": [WORKER]}
    cluster["min_workers"] = cluster["max_workers"] = 1
    cluster["auth"] = {"ssh_user": "root", "ssh_private_key": str(folder / "key")}
    commands = [c for c in cluster["setup_commands"] if "pip install" not in c]
    made = next(i for i, command in enumerate(commands) if "-m venv" in command)
    commands[made] = f"cd ~/recurrent-study && ln -sfn {sys.prefix} .venv"
    return cluster | {"setup_commands": commands}


def run(folder: Path, config: Path, home: Path) -> dict[str, Any]:
    up = ray("up", "--yes", "--no-config-cache", str(config), folder=folder)
    told: dict[str, Any] = {"up": up, "code": (home / "recurrent-study" / "study" / "cluster.py").exists()}
    if up[0] == 0:
        # The head starts the worker meanwhile, over ssh.
        await_that(lambda: count_nodes() == 2)
        study = start(folder, address=f"{HEAD}:6379", out=folder / "out", seeds=2)
        told["study"] = finish(study)
        told["down"] = ray("down", "--yes", str(config), folder=folder)
        told["left"] = [listener.process for listener in find_ray_sockets()]
    return told


def count_nodes() -> int:
    program = f"import ray; ray.init('{HEAD}:6379', logging_level=40); print(len(ray.nodes()))"
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def ray(*words: str, folder: Path) -> tuple[int, str]:
    ran = subprocess.run(
        [str(RAY), *words],
        cwd=folder / "project",
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    return ran.returncode, ran.stdout + ran.stderr


def await_that(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


if __name__ == "__main__":
    main()

"""Programs that run in a network of their own, where only loopback exists and nobody else is reached."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from study.cluster.session import ensure_token
from tests.study.pretend.programs import ROOT

ISOLATED = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Processes, too: `ray start` looks for a head among all that it sees, and none outlives the program."""


def run_isolated(module: str, *arguments: object, timeout_s: float) -> Any:
    """Run a module, which prints JSON, as `python -m` in namespaces of its own; return what it told.

    Where the machine does not allow that, the test is skipped.
    """
    if subprocess.run([*ISOLATED, "true"], capture_output=True).returncode != 0:
        pytest.skip("namespaces are not allowed here: it takes root")
    ran = subprocess.run(
        [*ISOLATED, sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def begin(folder: Path) -> None:
    """Begin such a program: with loopback up, and a token in `folder` for the Ray that it starts."""
    set_loopback(up=True)
    # `ray start` writes there which cluster `ray.init()` is to join, and whoever is killed leaves it.
    temporary = Path("/tmp/ray")  # noqa: S108 - Ray's own
    temporary.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", temporary], check=True)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "auth_token")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ensure_token()


def set_loopback(*, up: bool) -> None:
    """Bring the only interface of a new network namespace up, or down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # From linux/if.h and linux/sockios.h: IFF_UP | IFF_RUNNING by SIOCSIFFLAGS.
        fcntl.ioctl(control, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40 if up else 0))

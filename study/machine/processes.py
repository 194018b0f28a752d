"""The processes of this machine: those of a local Ray, where they listen, and how many the kernel killed."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# Here and not where it is used: that may be in the middle of an import, where a signal ends the process.
import psutil

KERNEL_COUNTERS = Path("/proc/vmstat")


def end_local_ray(*, with_forks: bool = False) -> None:
    """End whatever is left of a Ray that this process has started: nothing of it is needed any more.

    Ray ends its processes in order, but not where it was interrupted while it started, or fails to start: its
    agents would wait for a head that is gone for a minute or more.

    Args:
        with_forks: End children that are still copies of this process, too: one that is about to become a
            process of Ray's cannot be told from them.
    """
    if "ray" not in sys.modules:
        return
    # Ray names its session, and in it each process but the workers, by the process that started it.
    session = re.compile(rf"/session_[-_\d]+_{os.getpid()}\b")
    for _ in range(2):  # a process that was about to be started is found the second time
        processes = list(psutil.process_iter(["ppid", "cmdline"]))
        ours = {p.pid for p in processes if session.search(" ".join(p.info["cmdline"] or ()))}
        if with_forks:
            own = next((p.info["cmdline"] for p in processes if p.pid == os.getpid()), None)
            ours |= {p.pid for p in processes if p.info["ppid"] == os.getpid() and p.info["cmdline"] == own}
        for process in _with_descendants(ours, processes):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _with_descendants(
    pids: Collection[int], processes: Collection[psutil.Process]
) -> Iterator[psutil.Process]:
    found = set(pids)
    while more := {p.pid for p in processes if p.info["ppid"] in found} - found:
        found |= more
    return (process for process in processes if process.pid in found)


@dataclass(frozen=True, order=True)
class ListeningSocket:
    """One TCP socket that waits for whoever connects."""

    address: str
    port: int
    pid: int
    process: str

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        address = ipaddress.ip_address(self.address)
        # IPv4 by way of a socket for both.
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback


def find_ray_sockets() -> list[ListeningSocket]:
    """Return where Ray's own processes listen, as far as this user may look; drivers are not among them."""
    return find_sockets(dict(_ray_processes()))


def find_sockets(processes: Mapping[int, str]) -> list[ListeningSocket]:
    """Return where processes listen, given by id and name; one that has ended, or is another's, nowhere."""
    found = []
    for pid, name in processes.items():
        with contextlib.suppress(psutil.Error):
            found += [
                ListeningSocket(connection.laddr.ip, connection.laddr.port, pid, name)
                for connection in psutil.Process(pid).net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            ]
    return sorted(found)


def _ray_processes() -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or [""]
        if words[0].startswith("ray::"):
            yield process.pid, words[0]
        elif (program := next((word for word in words if "/ray/" in word), None)) is not None:
            yield process.pid, Path(program).stem


def count_kernel_kills(counters: Path = KERNEL_COUNTERS) -> int:
    """Return how many processes the kernel of this machine has killed for lack of memory since it started.

    Zero where it does not say, as elsewhere than on Linux. It counts for all containers of the machine.

    Args:
        counters: The kernel's counters, a line `name number` each.
    """
    try:
        lines = counters.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

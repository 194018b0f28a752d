"""Which addresses Ray's processes on this machine listen on, as Linux tells it under /proc."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_LISTENING = "0A"


@dataclass(frozen=True, order=True)
class Listener:
    """One listening TCP socket."""

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


def ray_listeners() -> list[Listener]:
    """Return the listening sockets of Ray's own processes, as far as this user may look; not of drivers."""
    return listeners_of(dict(_ray_processes()))


def listeners_of(processes: Mapping[int, str]) -> list[Listener]:
    """Return the listening sockets of processes, given by id and name."""
    sockets = dict(_listening_sockets())
    return sorted(
        Listener(*sockets[inode], pid, name)
        for pid, name in processes.items()
        for inode in _socket_inodes(pid) & sockets.keys()
    )


def _listening_sockets() -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield (inode, (address, port)) of every listening TCP socket."""
    for table in ("tcp", "tcp6"):
        path = PROC / "net" / table
        if not path.exists():
            continue
        for line in path.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING:
                host, port = fields[1].split(":")
                yield fields[9], (_parse_address(host), int(port, 16))


def _parse_address(host: str) -> str:
    """Return an address from the kernel's hexadecimal: words of four bytes in the machine's order."""
    words = [int(host[i : i + 8], 16) for i in range(0, len(host), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def _ray_processes() -> Iterator[tuple[int, str]]:
    for folder in PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        if words[0].startswith("ray::"):
            yield int(folder.name), words[0]
        elif (program := next((w for w in words if "/ray/" in w), None)) is not None:
            yield int(folder.name), Path(program).stem


def _socket_inodes(pid: int) -> set[str]:
    inodes = set()
    # The process may have ended, be another user's, or close a file while we look.
    with contextlib.suppress(OSError):
        for path in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                if (target := path.readlink().name).startswith("socket:["):
                    inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    return inodes

"""Knocks, with and without the token, at every port that a local study opens; prints what answered as JSON.

`python -m tests.study.scenarios.probe_ports FOLDER` reaches nothing but the study that it
starts itself, on loopback.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any

import grpc

from study.cluster.session import token_path
from study.machine.processes import ListeningSocket, find_sockets
from tests.study.pretend.programs import descendants, finish, start, workers

METHODS = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.ObjectManagerService/Pull",
    "/ray.rpc.ReporterService/HealthCheck",
)
"""One question, of no consequence, to each of Ray's services."""

MAX_PORTS = 40
TIMEOUT_S = 5.0


def ask(port: int, method: str, token: str | None) -> str:
    """Return the status of a call with an empty request."""
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(method, lambda b: b, lambda b: b)
        try:
            call(b"", timeout=TIMEOUT_S, metadata=metadata)
        except grpc.RpcError as error:
            return str(error.code().name)  # type: ignore[attr-defined]
    return "OK"


def get(port: int) -> int | None:
    """Return the status of a page that only Ray's own processes may see, None where nobody speaks HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/api/version")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def probe(listener: ListeningSocket, token: str) -> dict[str, Any]:
    return {
        "process": listener.process,
        "address": listener.address,
        "without": {method: ask(listener.port, method, None) for method in METHODS},
        "wrong": {method: ask(listener.port, method, "0" * 64) for method in METHODS},
        "with": {method: ask(listener.port, method, token) for method in METHODS},
        "http": get(listener.port),
    }


def main() -> None:
    process = start(Path(sys.argv[1]), "SlowWorker")
    deadline = time.monotonic() + 120
    while not workers(process.pid):
        assert process.poll() is None, finish(process)[1]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(2)
    token = token_path().read_text()
    family = {process.pid: "driver"} | {
        pid: Path(name.split()[0]).name for pid, name in descendants(process.pid).items() if name
    }
    listeners = find_sockets(family)[:MAX_PORTS]
    print(json.dumps([probe(listener, token) for listener in listeners]))
    process.terminate()
    finish(process)


if __name__ == "__main__":
    main()

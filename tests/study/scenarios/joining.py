"""Studies on this machine and on a cluster, one after the other in one process.

`python -m tests.study.scenarios.joining FOLDER ORDER`, isolated, gives its network an address besides
loopback's, starts a head on it, and runs a study for each letter of ORDER: `l` on this
machine, `c` on the cluster. Prints, for each, where this process listened meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from study.machine.processes import find_sockets
from study.running.listener import Listener
from study.running.verbs import run_study
from study.spec.schema import StudySpec
from tests.study.pretend.programs import SPEC
from tests.study.scenarios.cluster import PORT, end_node, start_head, wait_for_head
from tests.study.scenarios.isolation import begin

HOST = "10.0.0.1"


class _Watcher(Listener):
    """Notes where this process listens when its trials begin."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def on_plan(self, backlog: Any, capacity: Any) -> None:
        self.addresses = [listener.address for listener in find_sockets({os.getpid(): "driver"})]


def load_worker() -> Any:
    from tests.study.pretend.worker import PretendWorker

    return PretendWorker


def main() -> None:
    folder, order = Path(sys.argv[1]), sys.argv[2]
    begin(folder)
    for command in (f"addr add {HOST}/32 dev lo", f"route add default dev lo src {HOST}"):
        subprocess.run(["ip", *command.split()], check=True)
    head = start_head(n_cpus=1)
    try:
        wait_for_head()
        print(json.dumps([run(folder, number, place) for number, place in enumerate(order)]))
    finally:
        end_node(head)


def run(folder: Path, number: int, place: str) -> dict[str, Any]:
    spec = StudySpec.from_document(SPEC | {"name": f"study{number}", "training": {"max_epochs": 1}}, "test")
    address = None if place == "l" else f"{HOST}:{PORT}"
    watcher = _Watcher()
    result = run_study(spec, folder, address=address, listener=watcher, load_worker=load_worker)
    return {"place": place, "bad": result.n_failed, "listened_on": watcher.addresses}


if __name__ == "__main__":
    main()

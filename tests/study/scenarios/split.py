"""A study whose network is cut: `python -m tests.study.scenarios.split FOLDER`, isolated.

Loopback goes down between driver and head, and comes
back when the driver has ended. Prints what happened as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from study.cluster.ray_watch import RAYS_PATIENCE_VARIABLE
from tests.study.pretend.programs import finish, start
from tests.study.scenarios.cluster import ADDRESS, end_node, start_head, wait_for_head
from tests.study.scenarios.isolation import begin, set_loopback

CHANGES = {"training": {"max_epochs": 200}}


def main() -> None:
    folder = Path(sys.argv[1])
    begin(folder)
    head = start_head(n_cpus=1)
    try:
        wait_for_head()
        process = start(folder, address=ADDRESS, environment={RAYS_PATIENCE_VARIABLE: "8"}, **CHANGES)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("completed"):
                break
        cut = time.monotonic()
        set_loopback(up=False)
        told = {"cut": finish(process, timeout_s=60), "seconds": time.monotonic() - cut}
    finally:
        end_node(head)
    set_loopback(up=True)
    told["resumed"] = finish(start(folder, **CHANGES))
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""A study whose network is cut: `unshare --net python -m tests.study.split_scenario FOLDER`.

In a network of its own, where only loopback exists, loopback goes down between driver and head, and comes
back when the driver has ended. Prints what happened as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from study.cluster import ensure_token
from study.watch import RAYS_PATIENCE_VARIABLE
from tests.study.cluster_scenario import ADDRESS, end_node, set_loopback, start_head, wait_for_head
from tests.study.pretend_programs import finish, start

CHANGES = {"training": {"max_epochs": 200}}


def main() -> None:
    folder = Path(sys.argv[1])
    set_loopback(up=True)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(folder / "auth_token")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ensure_token()
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

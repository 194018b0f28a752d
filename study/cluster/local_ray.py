"""A Ray of this machine alone, started without what serves many users of a cluster, and without pauses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray._private import services
from ray._private.node import Node
from ray._private.state import GlobalState

_PATIENCE_S = 30.0
_ASK_EVERY_S = 0.02
_get_node = services.get_node


def _start_nothing(node: Any, **_: Any) -> None:
    """Nothing: see `quick_start`."""


def _await_node(gcs_address: str, node_id: str) -> Any:
    """Return what the head knows of a node, once it knows it: Ray itself asks again after a second."""
    state = GlobalState()
    state._initialize_global_state(services._get_gcs_client_options(gcs_address))
    deadline = time.monotonic() + _PATIENCE_S
    while all(row["NodeID"] != node_id for row in state.node_table()) and time.monotonic() < deadline:
        time.sleep(_ASK_EVERY_S)
    return _get_node(gcs_address, node_id)


_REPLACED = {
    (Node, "start_api_server"): _start_nothing,
    (Node, "start_monitor"): _start_nothing,
    (Node, "start_log_monitor"): _start_nothing,
    (services, "get_node"): _await_node,
}


@contextmanager
def quick_start() -> Iterator[None]:
    """Let Ray (2.60) start no API server, no autoscaler and no reader of log files for as long as this lasts.

    Without its dashboard the first is there for statistics of usage, which we switch off; a cluster of one
    machine does not grow; and no line of a worker is sent to the driver. Ray waits for the first to be up
    when it starts, and for all when it ends. A release that calls them otherwise starts them, as it would.
    """
    originals = {key: getattr(*key) for key in _REPLACED if hasattr(*key)}
    for owner, name in originals:
        setattr(owner, name, _REPLACED[owner, name])
    try:
        yield
    finally:
        for (owner, name), original in originals.items():
            setattr(owner, name, original)

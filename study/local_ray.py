"""A Ray of this machine alone, without the services that serve many users of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray._private.node import Node


def _serve_no_api(node: Any, **_: Any) -> None:
    node._webui_url = ""


def _start_nothing(node: Any) -> None:
    """Nothing: see `services_left_out`."""


_LEFT_OUT = {
    "start_api_server": _serve_no_api,
    "start_monitor": _start_nothing,
    "start_log_monitor": _start_nothing,
}


@contextmanager
def services_left_out() -> Iterator[None]:
    """Let Ray (2.60) start no API server, no autoscaler and no reader of log files for as long as this lasts.

    Without its dashboard the first is there for statistics of usage, which we switch off; a cluster of one
    machine does not grow; and no line of a worker is sent to the driver. Ray waits for the first to be up
    when it starts, and for all when it ends. A release that calls them otherwise starts them, as it would.
    """
    originals = {name: getattr(Node, name) for name in _LEFT_OUT if hasattr(Node, name)}
    for name in originals:
        setattr(Node, name, _LEFT_OUT[name])
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(Node, name, original)

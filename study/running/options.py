"""The options of a leg: on which cluster, who hears how it goes, and what trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from study.running.listener import Listener

if TYPE_CHECKING:
    from study.cluster.worker import TrialWorker

WorkerLoader = Callable[[], "type[TrialWorker]"]
"""Gives the class that trains: only when Ray runs, which must not be imported before."""


def load_trial_worker() -> type[TrialWorker]:
    """Return what trains, unless something else is to be trained."""
    from study.cluster.worker import TrialWorker

    return TrialWorker


class RunOptions(TypedDict, total=False):
    """Options of a leg, each taken by name by what runs one.

    Attributes:
        address: The Ray cluster of this node, `auto` or `HOST:6379`; None starts Ray on this machine.
        listener: Hears how it goes.
        load_worker: Gives the class that trains.
    """

    address: str | None
    listener: Listener
    load_worker: WorkerLoader

"""Nodes that trained with other versions than their driver's, and the runs that are theirs."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.records.provenance import DECISIVE_PACKAGES, installed_version, say_changes, say_runs

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "none"
"""The version of what no installer has noted."""


@dataclass(frozen=True, kw_only=True)
class OddNode:
    """A node that trained with other versions than its driver's, in one leg or several.

    Attributes:
        name: Its host.
        what: By name, the driver's version and the node's.
        trials: Trials of the runs that ended there, one each.
    """

    name: str
    what: Mapping[str, tuple[str, str]]
    trials: tuple[int, ...]


def training_versions() -> dict[str, str]:
    """Return the versions that what this process trains rests on: Python's, and each decisive package's."""
    packages = {name: installed_version(name) or UNKNOWN for name in DECISIVE_PACKAGES}
    return {"python": platform.python_version(), **packages}


def compare_versions(driver: Mapping[str, str], node: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return in what a node differs from the driver: the driver's version, and the node's."""
    return {
        name: (ours, node.get(name, UNKNOWN))
        for name, ours in driver.items()
        if node.get(name, UNKNOWN) != ours
    }


def find_odd_nodes(manifest: Mapping[str, Any], trials: pd.DataFrame) -> list[OddNode]:
    """Return each node that a leg notes as different from its driver and where runs ended.

    Args:
        manifest: What the study ran on; the legs of an earlier release tell of no nodes.
        trials: Columns `trial`, `node` and `started_at`; a run belongs to the leg in which it started.
    """
    legs = manifest.get("legs")
    known = [leg for leg in legs if isinstance(leg, dict)] if isinstance(legs, list) else []
    found: dict[tuple[str, tuple[tuple[str, tuple[str, str]], ...]], list[int]] = {}
    for leg, following in itertools.zip_longest(known, known[1:]):
        nodes, since = leg.get("nodes"), leg.get("started_at")
        if not isinstance(nodes, dict) or not isinstance(since, str):
            continue
        until = str(following.get("started_at", "")) if following else "~"  # after every date
        for name, entry in nodes.items():
            if what := _read_differences(entry):
                theirs = [
                    int(trial)
                    for trial, node, at in zip(
                        trials["trial"], trials["node"], trials["started_at"], strict=True
                    )
                    if node == name and isinstance(at, str) and since <= at < until
                ]
                found.setdefault((name, tuple(sorted(what.items()))), []).extend(theirs)
    return [
        OddNode(name=name, what=dict(what), trials=tuple(theirs))
        for (name, what), theirs in found.items()
        if theirs
    ]


def read_odd_node(odd: OddNode) -> str:
    """Say what a node differed in, and which runs it trained."""
    return (
        f"Node {odd.name} trained with {say_changes(odd.what)}, the driver's: {say_runs(odd.trials)} ended "
        "there. What differs between them and the others may come of that."
    )


def _read_differences(entry: object) -> dict[str, tuple[str, str]]:
    """What a leg notes of a node, as far as it can be read."""
    differences = {}
    for name, pair in (entry if isinstance(entry, dict) else {}).items():
        if isinstance(pair, list) and len(pair) == 2:
            differences[str(name)] = (str(pair[0]), str(pair[1]))
    return differences

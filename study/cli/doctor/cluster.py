"""What may be wrong with the nodes of a cluster."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analysis.records.provenance import installed_version
from study.cli.doctor.findings import Finding
from study.cli.doctor.machine import PACKAGES
from study.cluster.session import ray_session


def describe_node(folder: str) -> dict[str, Any]:
    """Return what a node is like; runs there."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: installed_version(name) for name in PACKAGES},
        },
        "sees_folder": Path(folder).exists(),
    }


def examine_cluster(address: str, out: Path) -> list[Finding]:
    """Compare the nodes of a cluster with this machine.

    Raises:
        EnvironmentFaultError: If the cluster cannot be joined.
    """
    with ray_session(address):
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=out) as probe:
            here = describe_node(probe.name)
            asked = {}
            for node in ray.nodes():
                if node["Alive"]:
                    strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                    task = ray.remote(describe_node).options(scheduling_strategy=strategy, num_cpus=0)
                    asked[node["NodeManagerHostname"], node["NodeID"][:8]] = task.remote(probe.name)
            findings = []
            for (host, node_id), answer in asked.items():
                try:
                    there = ray.get(answer, timeout=60)
                except ray.exceptions.RayError as error:
                    said = str(error).strip().splitlines()[-1]
                    findings.append(
                        Finding(f"node {host} {node_id}", "wrong", f"cannot run our code: {said}")
                    )
                else:
                    findings += compare_nodes(f"node {host} {node_id}", here, there)
    return findings


def compare_nodes(name: str, here: dict[str, Any], there: dict[str, Any]) -> Iterator[Finding]:
    """Say how a node differs from the machine that the study is driven from."""
    others = [
        f"{package} {there['versions'].get(package)} instead of {ours}"
        for package, ours in here["versions"].items()
        if there["versions"].get(package) != ours
    ]
    if others:
        yield Finding(name, "wrong", f"other versions: {', '.join(others)}; install the same on all nodes")
    else:
        yield Finding(name, "good", "the same versions")
    if not there["sees_folder"]:
        yield Finding(
            name,
            "note",
            "does not see the folder of studies; it need not: texts, checkpoints and models travel",
        )

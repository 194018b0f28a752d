"""What may be wrong with a machine or a cluster, found before a study finds it out."""

from __future__ import annotations

from pathlib import Path

from study.cli.doctor.cluster import examine_cluster
from study.cli.doctor.findings import Finding, print_findings
from study.cli.doctor.machine import examine_cells, examine_machine

__all__ = ["Finding", "examine", "examine_cells", "print_findings"]


def examine(address: str | None, out: Path) -> list[Finding]:
    """Look at this machine and, if an address is given, at every node of the cluster there."""
    return examine_machine(out) + ([] if address is None else examine_cluster(address, out))

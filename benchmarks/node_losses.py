"""Take workers and nodes from a study: `python -m benchmarks.node_losses [--workers 50] [--nodes 10]`.

Sixty cheap trials on a head and two worker nodes, separate processes in a network of their own (root is
needed). Workers are killed and whole nodes removed at random, each node replaced, while the study runs on.
All trials must complete with the figures of trials that nobody interrupted, none with more attempts than
allowed, none with an epoch twice. Prints the tally; ends with an error otherwise.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.study.scenarios.cluster_losses import lose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="node-losses-") as folder:
        print(lose(Path(folder), asked.workers, asked.nodes, asked.seed, timeout_s=3600.0))


if __name__ == "__main__":
    main()

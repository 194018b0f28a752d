"""A study handed to a cluster as a job, and refused to a stranger.

`python -m tests.study.scenarios.submission FOLDER`, isolated, starts a head with its dashboard. Prints what
happened as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.study.pretend.programs import SPEC
from tests.study.scenarios.cluster import PORT, RAY, end_node, start_node
from tests.study.scenarios.isolation import begin

DASHBOARD = "http://127.0.0.1:8265"
TIMEOUT_S = 240.0
MODEL = """
import keras

def build(params, n_outputs):
    ids = keras.Input((params["sequence_length"],), dtype="int32")
    x = keras.layers.Embedding(params["vocab_size"], params["embedding_dim"])(ids)
    x = keras.layers.SimpleRNN(params["units"])(x)
    return keras.Model(ids, keras.layers.Dense(n_outputs)(x))
"""


def main() -> None:
    folder = Path(sys.argv[1])
    begin(folder)
    os.environ["HOME"] = str(folder)  # of whoever runs Ray on the head
    # The head finds the command `study` where this interpreter has it.
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    options = [f"--port={PORT}", "--num-cpus=1", "--include-dashboard=true", "--block"]
    head = start_node([str(RAY), "start", "--head", *options])
    try:
        print(json.dumps(run(folder)))
    finally:
        end_node(head)


def run(folder: Path) -> dict[str, object]:
    spec = folder / "asked.yaml"
    small = {"name": "handed", "training": {"max_epochs": 1}, "model": "mine:build"}
    (folder / "mine.py").write_text(MODEL)
    spec.write_text(json.dumps(SPEC | small | {"space": SPEC["space"] | {"cell": "rnn"}}))  # JSON is YAML
    from ray.job_submission import JobSubmissionClient

    _await_dashboard()
    stranger = submit(spec, folder, RAY_AUTH_TOKEN="0" * 64)
    status, job, errors = submit(spec, folder)
    told: dict[str, object] = {"stranger": stranger, "handed": (status, job, errors)}
    if status == 0:
        told["followed"] = call("follow", job, at=folder)
        ended = JobSubmissionClient(DASHBOARD).get_job_info(job)
        told |= {"state": str(ended.status), "metadata": ended.metadata}
        told["fetched"] = call("fetch", job, "--out", "home", at=folder)
        told["fetched again"] = call("fetch", job, "--out", "home", at=folder)
        told["lost"] = call("follow", "raysubmit_nobodys", at=folder)
    return told


def _await_dashboard() -> None:
    """Wait until the head takes jobs: its dashboard answers before the node that runs them is there."""
    from ray.job_submission import JobSubmissionClient

    deadline = time.monotonic() + 120
    while True:
        try:
            JobSubmissionClient(DASHBOARD).submit_job(entrypoint="true")
        except (OSError, RuntimeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def submit(spec: Path, folder: Path, **environment: str) -> tuple[int, str, str]:
    # A model of one's own lies in the working folder, and an option is put over the spec.
    return call("submit", str(spec), "--cells", "keras", at=folder, **environment)


def call(*arguments: str, at: Path, **environment: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "study", *arguments],
        cwd=at,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=os.environ | environment,
    )
    return ran.returncode, ran.stdout.strip(), ran.stderr


if __name__ == "__main__":
    main()
